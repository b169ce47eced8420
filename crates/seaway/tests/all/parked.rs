//! An object that cannot be read is parked: it hides nothing else, and `why` says it and what stands because of it.

use crate::running::{BANK, FREIGHT, Plane};
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

/// Writes a status that the schema lets through and no reader takes: a step's number beyond all numbers.
fn damage(plane: &Plane, promotion: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let kubeconfig = kube::config::Kubeconfig::read_from(plane.data().join("kubeconfig")).unwrap();
    runtime.block_on(async {
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &Default::default()).await.unwrap();
        let resource = ApiResource::erase::<seaway_api::kargo::Promotion>(&());
        let api: Api<DynamicObject> = Api::namespaced_with(kube::Client::try_from(config).unwrap(), "bank", &resource);
        let patch = serde_json::json!({ "status": { "currentStep": u64::MAX } });
        api.patch_status(promotion, &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    });
}

#[test]
fn a_promotion_that_cannot_be_read_hides_nothing_and_is_told() {
    let plane = Plane::start();
    assert_eq!(plane.apply(BANK, &[]).code, 0);
    assert_eq!(plane.apply(FREIGHT, &[]).code, 0);
    assert_eq!(plane.run(&["promote", "qa", "--freight", "1.5.0", "--wait"]).code, 3);
    let promotion = plane.ok(&["get", "promotions", "-o", "name"]).trim().replace("promotion.kargo.akuity.io/", "");
    damage(&plane, &promotion);
    plane.ok(&["refresh", "stage", "qa"]);

    let mut child = plane.command(&["get", "stages", "-w"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let row = lines.find(|line| line.contains("its controller fails")).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(row.starts_with("qa ") && row.contains(" blocked "), "{row}");

    let why = plane.ok(&["why"]);
    let parked = format!("promotion {promotion} is blocked: it is parked, as this release cannot read it: ");
    assert!(why.starts_with(&parked), "{why}");
    let line = why.lines().next().unwrap();
    assert!(
        line.contains(", since ") && line.ends_with("; released by a corrected object, or a release that reads it"),
        "{line}"
    );
    assert!(why.contains("\nstage qa is blocked: its controller fails again and again: "), "{why}");
    assert!(plane.ok(&["why", &format!("promotion/{promotion}")]).starts_with(&parked));
    assert!(plane.ok(&["describe", "promotion", &promotion]).starts_with(&parked));
    let row = plane.ok(&["get", "promotions"]);
    assert!(row.contains(&promotion) && row.contains("blocked") && row.contains("cannot be read"), "{row}");

    let said = plane.run(&["abort", &promotion]);
    assert!(
        said.err.contains("the object cannot be read")
            && said.err.contains(&format!("hint: `seaway delete promotion {promotion}` ends it")),
        "{}",
        said.err
    );
    // Once it is gone, the rest moves again.
    plane.ok(&["delete", "promotion", &promotion]);
    let mut child = plane.command(&["get", "stages", "-w"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let row = lines.find(|line| line.starts_with("qa ") && !line.contains("blocked"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(row.is_some());
}
