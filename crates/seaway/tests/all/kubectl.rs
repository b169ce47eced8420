//! The real kubectl on the port that `seaway serve` serves: TLS, the token, our kinds and our admission, as people use them.

use crate::running::Plane;
use std::cell::{Cell, RefCell};
use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Fewer checks than this, and something was left out.
const N_CHECKS_MIN: usize = 40;
const BANK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/bank");

/// Freight by hand, and a stage that takes it: what the bank does by itself is not waited for.
const BY_HAND: &str = "\
apiVersion: kargo.akuity.io/v1alpha1
kind: Warehouse
metadata: { name: hand, namespace: bank }
spec:
  freightCreationPolicy: Manual
  interval: 1h
  subscriptions:
  - image: { repoURL: 127.0.0.1:9/fund-transfer, constraint: ^1.0.0 }
---
apiVersion: kargo.akuity.io/v1alpha1
kind: Stage
metadata: { name: look, namespace: bank, labels: { team: a } }
spec:
  requestedFreight:
  - origin: { kind: Warehouse, name: hand }
    sources: { direct: true }
  promotionTemplate:
    spec:
      steps:
      - uses: compose-output
        config: { seen: '1' }
";
const FREIGHT: &str = "\
apiVersion: kargo.akuity.io/v1alpha1
kind: Freight
metadata: { name: any, namespace: bank }
origin: { kind: Warehouse, name: hand }
images:
- { repoURL: 127.0.0.1:9/fund-transfer, tag: 1.5.0 }
";

/// A child that is not left behind.
struct Beside(Child);

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// kubectl with a control plane's kubeconfig; it counts what it checks, and collects what does not hold.
struct Kubectl {
    program: PathBuf,
    dir: PathBuf,
    kubeconfig: PathBuf,
    n_checks: Cell<usize>,
    faults: RefCell<Vec<String>>,
}

/// The kubectl to use.
fn program() -> PathBuf {
    let asked = std::env::var_os("SEAWAY_KUBECTL").unwrap_or_else(|| "kubectl".into());
    let runs = Command::new(&asked).args(["version", "--client"]).output().is_ok_and(|output| output.status.success());
    assert!(
        runs,
        "`{}` is no kubectl: run `make parts`, and name the one of `cargo xtask parts --env` in SEAWAY_KUBECTL",
        asked.display()
    );
    asked.into()
}

impl Kubectl {
    fn new(plane: &Plane) -> Self {
        let dir = plane.home().join("kubectl");
        fs::create_dir(&dir).unwrap();
        let kubeconfig = plane.data().join("kubeconfig");
        Self { program: program(), dir, kubeconfig, n_checks: Cell::new(0), faults: RefCell::default() }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", &self.dir);
        command.env("KUBECONFIG", &self.kubeconfig).current_dir(&self.dir).stdin(Stdio::null());
        command.args(args).arg("--request-timeout=45s");
        command
    }

    /// Whether it succeeded, and all it said.
    fn said(&self, args: &[&str]) -> (bool, String) {
        let output = self.command(args).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&text).into_owned())
    }

    /// What it prints; no check.
    fn out(&self, args: &[&str]) -> String {
        String::from_utf8_lossy(&self.command(args).output().unwrap().stdout).into_owned()
    }

    fn check(&self, holds: bool, args: &[&str], wanted: &str, said: &str) {
        self.n_checks.set(self.n_checks.get() + 1);
        if !holds {
            self.faults.borrow_mut().push(format!("kubectl {}\n  wanted {wanted}\n  said {said}", args.join(" ")));
        }
    }

    /// It succeeds, and what it says has all of these.
    fn has(&self, wanted: &[&str], args: &[&str]) {
        let (succeeded, said) = self.said(args);
        self.check(succeeded && wanted.iter().all(|part| said.contains(part)), args, &format!("{wanted:?}"), &said);
    }

    /// It fails, and what it says has all of these.
    fn fails(&self, wanted: &[&str], args: &[&str]) {
        let (succeeded, said) = self.said(args);
        self.check(!succeeded && wanted.iter().all(|part| said.contains(part)), args, &format!("failure {wanted:?}"), &said);
    }

    /// It succeeds, and says just this.
    fn is(&self, wanted: &str, args: &[&str]) {
        let (succeeded, said) = self.said(args);
        self.check(succeeded && said == wanted, args, wanted, &said);
    }

    /// Something else that must hold.
    fn holds(&self, holds: bool, what: &str, seen: &str) {
        self.check(holds, &[], what, seen);
    }

    fn beside(&self, args: &[&str]) -> Beside {
        Beside(self.command(args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// A file of this text; answers its name.
    fn file<'a>(&self, name: &'a str, text: &str) -> &'a str {
        fs::write(self.dir.join(name), text).unwrap();
        name
    }

    fn end(self) {
        let n = self.n_checks.get();
        let faults = self.faults.into_inner();
        println!("kubectl: {n} checks");
        assert!(faults.is_empty(), "{} of {n} checks do not hold:\n{}", faults.len(), faults.join("\n"));
        assert!(n >= N_CHECKS_MIN, "only {n} checks");
        if let Some(log) = std::env::var_os("SEAWAY_REAL_PARTS_LOG") {
            writeln!(OpenOptions::new().create(true).append(true).open(log).unwrap(), "real kubectl").unwrap();
        }
    }
}

fn learns(k: &Kubectl) {
    k.has(&["Server Version: v1."], &["version"]);
    k.has(&["stages", "kargo.akuity.io/v1alpha1", "promotionruns", "seaway.dev/"], &["api-resources"]);
    k.has(&["FIELD: spec", "requestedFreight", "-required-"], &["explain", "stage.spec"]);
    k.has(&["requiredSoakTime"], &["explain", "stage.spec", "--recursive"]);
    k.has(&["FIELD: changed <boolean>"], &["explain", "plan.status.changed"]);
    k.has(&["ok"], &["get", "--raw", "/healthz"]);
    k.has(&["[+] controllers ok"], &["get", "--raw", "/readyz"]);
    k.has(&["seaway_store_commits_total"], &["get", "--raw", "/metrics"]);
    k.has(&["admin"], &["auth", "whoami"]);
    k.has(&["yes"], &["auth", "can-i", "create", "stages"]);
}

fn keeps_strangers_out(k: &Kubectl) {
    let lacking = "somebody may not list stages cluster-wide: no role gives somebody the verb list on stages";
    k.fails(&["(Forbidden)", lacking], &["get", "stages", "-A", "--as", "somebody"]);
    let ours: serde_json::Value = serde_json::from_slice(&fs::read(&k.kubeconfig).unwrap()).unwrap();
    let as_user = |name: &str, user: serde_json::Value| {
        let mut other = ours.clone();
        other["users"][0]["user"] = user;
        k.file(name, &other.to_string());
        k.dir.join(name).to_string_lossy().into_owned()
    };
    let wrong = as_user("wrong", serde_json::json!({ "token": "not-the-token" }));
    k.fails(&["You must be logged in to the server", "the token is not known"], &["get", "projects", "--kubeconfig", &wrong]);
    k.fails(&["401 Unauthorized"], &["get", "projects", "-v=8", "--kubeconfig", &wrong]);
    // With no credentials at all kubectl would ask for a name: an empty header is none.
    let none = as_user("none", serde_json::json!({ "username": "nobody" }));
    k.fails(
        &["You must be logged in to the server", "the token is not known, or has ended"],
        &["get", "projects", "--kubeconfig", &none],
    );
}

fn creates(k: &Kubectl) {
    let bank = |name: &str| fs::read_to_string(Path::new(BANK).join(name)).unwrap();
    let elsewhere = |text: String| text.replace("127.0.0.1:7450", "127.0.0.1:9").replace("127.0.0.1:7480", "127.0.0.1:9");
    k.file("project.yaml", &bank("project.yaml"));
    k.has(
        &["project.kargo.akuity.io/bank created", "projectconfig.kargo.akuity.io/bank created"],
        &["apply", "-f", "project.yaml"],
    );
    k.has(&["condition met"], &["wait", "project/bank", "--for=condition=Ready", "--timeout=40s"]);
    k.is("Active", &["get", "namespace", "bank", "-o", "jsonpath={.status.phase}"]);
    fs::create_dir(k.dir.join("bank")).unwrap();
    for name in ["stages.yaml", "task.yaml", "warehouse.yaml"] {
        fs::write(k.dir.join("bank").join(name), elsewhere(bank(name))).unwrap();
    }
    let applied = ["stage.kargo.akuity.io/prod-us created", "promotiontask.kargo.akuity.io/promote created"];
    k.has(&applied, &["apply", "-f", "bank"]);
    let again = ["apply", "-f", "bank", "-f", "project.yaml"];
    let (succeeded, said) = k.said(&again);
    // kubectl knows no defaults inside lists of custom kinds: it sends the subscriptions again, and nothing changes by that.
    let (sent, same): (Vec<&str>, Vec<&str>) = said.lines().partition(|line| line.starts_with("warehouse."));
    let unchanged = same.len() == 8 && same.iter().all(|line| line.ends_with(" unchanged")) && sent.len() == 1;
    k.check(succeeded && unchanged, &again, "eight unchanged, and the warehouse", &said);
    k.is("1", &["-n", "bank", "get", "warehouse", "images", "-o", "jsonpath={.metadata.generation}"]);
    k.is("", &["diff", "-f", "bank", "-f", "project.yaml"]);
    k.is("secret/login created\n", &["-n", "bank", "create", "secret", "generic", "login", "--from-literal=password=canary"]);
    k.is("Y2FuYXJ5", &["-n", "bank", "get", "secret", "login", "-o", "jsonpath={.data.password}"]);
    k.is("configmap/settings created\n", &["-n", "bank", "create", "configmap", "settings", "--from-literal=a=1"]);
    k.file("hand.yaml", BY_HAND);
    k.has(&["stage.kargo.akuity.io/look created"], &["create", "-f", "hand.yaml"]);
    k.fails(&["AlreadyExists"], &["create", "-f", "hand.yaml"]);
    k.file("freight.yaml", FREIGHT);
    k.has(&["freight.kargo.akuity.io/", " created"], &["create", "-f", "freight.yaml"]);
    k.has(&["1.5.0"], &["-n", "bank", "get", "freight", "-o", "yaml"]);
}

fn refuses(k: &Kubectl) {
    let stage = BY_HAND.split_once("---\n").unwrap().1;
    k.file("strict.yaml", &stage.replace("spec:\n  requested", "spec:\n  shrad: x\n  requested").replace("look", "strict"));
    k.fails(&["unknown field \"spec.shrad\""], &["apply", "-f", "strict.yaml"]);
    k.fails(&["shrad"], &["apply", "--server-side", "-f", "strict.yaml"]);
    let warehouse = BY_HAND.split_once("---\n").unwrap().0.replace("name: hand", "name: old");
    k.file("old.yaml", &warehouse.replace("constraint:", "semverConstraint:"));
    let wanted = ["spec.subscriptions[0].image.semverConstraint", "write constraint"];
    k.fails(&wanted, &["apply", "--validate=false", "-f", "old.yaml"]);
    k.fails(&["semverConstraint"], &["apply", "-f", "old.yaml"]);
    k.fails(&["spec.requestedFreight"], &["-n", "bank", "patch", "stage", "look", "--type=json", "-p", REMOVES]);
    k.fails(&["namespaces \"nowhere\" not found"], &["-n", "nowhere", "create", "configmap", "x"]);
}

const REMOVES: &str = r#"[{"op":"remove","path":"/spec/requestedFreight"}]"#;
const SHARD_M: &str = r#"{"spec":{"shard":"m"}}"#;
const SHARD_J: &str = r#"[{"op":"replace","path":"/spec/shard","value":"j"}]"#;

fn changes(k: &Kubectl) {
    let look = ["-n", "bank", "get", "stage", "look", "-o"];
    let shard = [&look[..], &["jsonpath={.spec.shard}"]].concat();
    k.has(&["look patched"], &["-n", "bank", "patch", "stage", "look", "--type=merge", "-p", SHARD_M]);
    k.has(&["(no change)"], &["-n", "bank", "patch", "stage", "look", "--type=merge", "-p", SHARD_M]);
    k.has(&["look patched"], &["-n", "bank", "patch", "stage", "look", "--type=json", "-p", SHARD_J]);
    k.is("j", &shard);
    k.has(&["labeled"], &["-n", "bank", "label", "stage", "look", "wave=1"]);
    k.has(&["annotated"], &["-n", "bank", "annotate", "stage", "look", "note=hello"]);
    k.is("1 hello", &[&look[..], &["jsonpath={.metadata.labels.wave} {.metadata.annotations.note}"]].concat());

    let map = |value: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: shared, namespace: bank }}\ndata: {{ a: '{value}' }}\n")
    };
    k.file("one.yaml", &map("1"));
    k.file("two.yaml", &map("2"));
    k.has(&["serverside-applied"], &["apply", "--server-side", "--field-manager=one", "-f", "one.yaml"]);
    k.fails(&["conflict with \"one\"", ".data.a"], &["apply", "--server-side", "--field-manager=two", "-f", "two.yaml"]);
    let forced = ["apply", "--server-side", "--field-manager=two", "--force-conflicts", "-f", "two.yaml"];
    k.has(&["serverside-applied"], &forced);
    k.is("2", &["-n", "bank", "get", "configmap", "shared", "-o", "jsonpath={.data.a}"]);
    k.has(&["manager: two"], &["-n", "bank", "get", "configmap", "shared", "-o", "yaml", "--show-managed-fields"]);

    k.file("stale.yaml", &k.out(&["-n", "bank", "get", "configmap", "settings", "-o", "yaml"]));
    k.has(&["labeled"], &["-n", "bank", "label", "configmap", "settings", "x=1"]);
    k.fails(&["Conflict"], &["replace", "-f", "stale.yaml"]);
    k.file("fresh.yaml", &k.out(&["-n", "bank", "get", "configmap", "settings", "-o", "yaml"]).replace("a: \"1\"", "a: \"3\""));
    k.is("configmap/settings replaced\n", &["replace", "-f", "fresh.yaml"]);

    let warehouse = fs::read_to_string(k.dir.join("bank/warehouse.yaml")).unwrap();
    k.file("later.yaml", &warehouse.replace("interval: 1m0s", "interval: 2m0s"));
    k.fails(&["-  interval: 1m0s", "+  interval: 2m0s"], &["diff", "-f", "later.yaml"]);
    k.has(&["images configured (server dry run)"], &["apply", "--dry-run=server", "-f", "later.yaml"]);
    k.is("1m0s", &["-n", "bank", "get", "warehouse", "images", "-o", "jsonpath={.spec.interval}"]);
}

fn reads(k: &Kubectl) {
    k.has(&["NAME", "look", "prod-eu"], &["-n", "bank", "get", "stages"]);
    k.has(&["look"], &["-n", "bank", "get", "stages", "-o", "wide"]);
    k.has(&["kind: Stage"], &["-n", "bank", "get", "stage", "look", "-o", "yaml"]);
    k.is("hand", &["-n", "bank", "get", "stage", "look", "-o", "jsonpath={.spec.requestedFreight[0].origin.name}"]);
    let columns = "custom-columns=N:.metadata.name,O:.spec.requestedFreight[0].origin.name";
    k.is("N      O\nlook   hand\n", &["-n", "bank", "get", "stages", "-l", "team=a", "-o", columns]);
    k.is("stage.kargo.akuity.io/look\n", &["-n", "bank", "get", "stages", "-l", "team in (a,b)", "-o", "name"]);
    k.is("stage.kargo.akuity.io/qa\n", &["-n", "bank", "get", "stages", "--field-selector", "metadata.name=qa", "-o", "name"]);
    k.has(&["NAMESPACE", "bank"], &["get", "stages", "-A"]);
    k.fails(&["stages.kargo.akuity.io \"nope\" not found"], &["-n", "bank", "get", "stage", "nope"]);
    k.has(&["Name:         look", "Requested Freight"], &["-n", "bank", "describe", "stage", "look"]);
}

fn watches(k: &Kubectl) {
    let mut watching = k.beside(&["-n", "bank", "get", "stage", "look", "-w", "--output-watch-events"]);
    let mut lines = BufReader::new(watching.0.stdout.take().unwrap()).lines().map_while(Result::ok);
    let first = lines.find(|line| line.contains("look")).unwrap_or_default();
    k.holds(first.starts_with("ADDED"), "the stage as it is", &first);
    k.has(&["labeled"], &["-n", "bank", "label", "stage", "look", "tick=1"]);
    let second = lines.find(|line| line.starts_with("MODIFIED") && line.contains("look"));
    k.holds(second.is_some(), "get -w shows the change", "the watch ended");

    k.has(&["created"], &["-n", "bank", "create", "configmap", "going"]);
    let mut waiting = k.beside(&["-n", "bank", "wait", "configmap/going", "--for=delete", "--timeout=40s"]);
    k.has(&["deleted"], &["-n", "bank", "delete", "configmap", "going"]);
    let status = waiting.0.wait().unwrap();
    k.holds(status.success(), "wait --for=delete ends well", &status.to_string());
}

fn promotes(k: &Kubectl) {
    let freight = k.out(&["-n", "bank", "get", "freight", "-o", "jsonpath={.items[?(@.origin.name=='hand')].metadata.name}"]);
    let head = "metadata: { name: ahead, namespace: bank }";
    k.file(
        "plan.yaml",
        &format!("apiVersion: seaway.dev/v1alpha1\nkind: Plan\n{head}\nspec: {{ stage: look, freight: {freight} }}\n"),
    );
    k.is("plan.seaway.dev/ahead created\n", &["create", "-f", "plan.yaml"]);
    let ready = "--for=jsonpath={.status.phase}=Ready";
    k.has(&["condition met"], &["-n", "bank", "wait", "plan/ahead", ready, "--timeout=40s"]);
    k.is("false", &["-n", "bank", "get", "plan", "ahead", "-o", "jsonpath={.status.changed}"]);

    let head = "metadata: { generateName: look., namespace: bank }";
    let spec = format!("spec: {{ stage: look, freight: {freight} }}");
    k.file("promotion.yaml", &format!("apiVersion: kargo.akuity.io/v1alpha1\nkind: Promotion\n{head}\n{spec}\n"));
    let (succeeded, said) = k.said(&["create", "-f", "promotion.yaml", "-o", "name"]);
    let name = said.trim().to_owned();
    k.check(succeeded && name.starts_with("promotion.kargo.akuity.io/look."), &["create", "promotion"], "its name", &said);
    let done = "--for=jsonpath={.status.phase}=Succeeded";
    k.has(&["condition met"], &["-n", "bank", "wait", &name, done, "--timeout=40s"]);
    k.has(&["PromotionSucceeded"], &["-n", "bank", "get", "events"]);
    let bare = name.rsplit('/').next().unwrap_or_default();
    k.has(&["PromotionSucceeded"], &["-n", "bank", "events", "--for", &format!("promotion/{bare}")]);
    k.has(&["Succeeded"], &["-n", "bank", "get", "promotions"]);
}

fn deletes(k: &Kubectl) {
    let held = "--for=jsonpath={.metadata.finalizers[0]}=kargo.akuity.io/finalizer";
    k.has(&["condition met"], &["-n", "bank", "wait", "stage/prod-us", held, "--timeout=40s"]);
    k.has(&["prod-us\" deleted"], &["-n", "bank", "delete", "stage", "prod-us"]);
    k.fails(&["not found"], &["-n", "bank", "get", "stage", "prod-us"]);

    k.has(&["created"], &["-n", "bank", "create", "configmap", "owner"]);
    let uid = k.out(&["-n", "bank", "get", "configmap", "owner", "-o", "jsonpath={.metadata.uid}"]);
    let owners = format!("ownerReferences: [{{ apiVersion: v1, kind: ConfigMap, name: owner, uid: {uid} }}]");
    k.file("owned.yaml", &format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: owned, namespace: bank, {owners} }}\n"));
    k.has(&["created"], &["create", "-f", "owned.yaml"]);
    k.has(&["deleted"], &["-n", "bank", "delete", "configmap", "owner", "--cascade=foreground"]);
    k.fails(&["not found"], &["-n", "bank", "get", "configmap", "owned"]);

    k.has(&["bank\" deleted"], &["delete", "project", "bank", "--timeout=40s"]);
    let (_, said) = k.said(&["wait", "namespace/bank", "--for=delete", "--timeout=40s"]);
    k.fails(&["not found"], &["get", "namespace", "bank"]);
    k.has(&["No resources found"], &["get", "stages", "-A"]);
    k.holds(!said.contains("timed out"), "the namespace goes with its project", &said);
}

#[test]
fn real_kubectl_works_on_the_served_port() {
    let plane = Plane::start();
    let kubectl = Kubectl::new(&plane);
    learns(&kubectl);
    keeps_strangers_out(&kubectl);
    creates(&kubectl);
    refuses(&kubectl);
    changes(&kubectl);
    reads(&kubectl);
    watches(&kubectl);
    promotes(&kubectl);
    deletes(&kubectl);
    kubectl.end();
}
