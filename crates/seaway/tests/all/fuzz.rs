//! schemathesis asks `/seaway/v1` whatever its OpenAPI document lets it think of: no answer is an error of ours, and each is one that the
//! document tells of.

use crate::bank::Bank;
use crate::running::{Said, run};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Each of the two runs ends by then, in any case.
const SECONDS_MAX: &str = "110";
/// So many cases of each operation are drawn, beside those that its schema asks for.
const N_EXAMPLES: &str = "8";
/// What a run asks at the least; fewer, and it did not ask.
const N_CASES_MIN: usize = 500;
/// It never answers wholly: other tests read it.
const ENDLESS: &str = "/seaway/v1/projects/{project}/changes";
const CONFIG: &str = include_str!("../../../../tests/fuzz/schemathesis.toml");

/// Where `tests/fuzz/install` put it; tells that it did not run otherwise.
fn installed() -> Option<PathBuf> {
    let folder = std::env::var_os("SEAWAY_SCHEMATHESIS").map(PathBuf::from).filter(|it| it.join("bin/schemathesis").exists());
    let line = match folder {
        Some(_) => "real schemathesis",
        None => "skipped schemathesis: SEAWAY_SCHEMATHESIS is not the folder that `tests/fuzz/install` prints",
    };
    println!("{line}");
    if let Some(log) = std::env::var_os("SEAWAY_REAL_PARTS_LOG") {
        writeln!(std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap(), "{line}").unwrap();
    }
    folder
}

fn ask(folder: &Path, bank: &Bank, token: &str) -> Said {
    let home = TempDir::new().unwrap();
    let config = home.path().join("schemathesis.toml");
    let promotion = format!(
        "\n[[operations]]\ninclude-path-regex = \"/promotions/\"\nparameters = {{ \"path.name\" = \"{}\" }}\n",
        bank.promotions[1]
    );
    std::fs::write(&config, CONFIG.to_owned() + &promotion).unwrap();
    let mut command = Command::new("timeout");
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("PYTHONPATH", folder);
    command.env("HOME", home.path()).env("PYTHONDONTWRITEBYTECODE", "1").current_dir(home.path());
    command.arg(SECONDS_MAX).arg("python3").arg(folder.join("bin/schemathesis")).arg("--config-file").arg(&config).arg("run");
    command.arg(format!("{}/seaway/v1/openapi.json", bank.door.origin()));
    command
        .arg("--tls-verify")
        .arg(bank.plane.data().join("tls/ca.pem"))
        .arg("--header")
        .arg(format!("Authorization: Bearer {token}"));
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance";
    command.args(["--checks", checks, "--phases", "examples,coverage,fuzzing", "--max-examples", N_EXAMPLES]);
    command.args(["--exclude-path", ENDLESS, "--generation-deterministic", "--no-shrink", "--continue-on-failure"]);
    // A connection that the server closes behind a body it did not read may be one that is just asked on again.
    command.args([
        "--request-retries",
        "2",
        "--request-timeout",
        "30",
        "--suppress-health-check",
        "all",
        "--warnings",
        "off",
        "--no-color",
    ]);
    run(&mut command)
}

#[test]
fn whatever_is_asked_is_answered_as_documented() {
    let Some(folder) = installed() else { return };
    let bank = Bank::open();
    let eve = bank.person("eve");
    for (who, token) in [("the owner", &bank.owner), ("eve", &eve)] {
        let said = ask(&folder, &bank, token);
        assert_eq!(said.code, 0, "as {who}:\n{}{}", said.out, said.err);
        let n_cases = said.out.lines().find_map(|line| line.trim().split_once(" generated, ")?.0.parse::<usize>().ok());
        assert!(n_cases >= Some(N_CASES_MIN), "as {who}: {n_cases:?} cases alone\n{}", said.out);
    }
    assert_eq!(bank.door.ask("GET", "/readyz", &[], "").status, 200);
}
