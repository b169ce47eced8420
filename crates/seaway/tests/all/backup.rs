//! `backup` while running, and a control plane that starts from it.

use crate::running::{BANK, Plane};
use std::fs;
use tempfile::TempDir;

#[test]
fn a_backup_taken_while_running_is_restored_by_starting_with_it() {
    let plane = Plane::start();
    assert_eq!(plane.apply(BANK, &[]).code, 0);
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: { name: git, namespace: bank }\nstringData: { password: canary-7 }\n";
    assert_eq!(plane.apply(secret, &[]).code, 0);
    let file = plane.home().join("copy.db");
    let said = plane.run(&["backup", file.to_str().unwrap()]);
    assert_eq!(said.code, 0, "{}", said.err);
    let bytes = fs::read(&file).unwrap();
    assert!(!bytes.windows(8).any(|window| window == b"canary-7"), "the password is in the clear in the backup");
    assert_eq!(plane.run(&["backup", file.to_str().unwrap()]).code, 1, "an old backup is not overwritten");
    let later = BANK.replace("name: qa,", "name: later,");
    assert_eq!(plane.apply(&later, &[]).code, 0);

    let home = TempDir::new().unwrap();
    fs::create_dir(home.path().join("data")).unwrap();
    fs::copy(&file, home.path().join("data/state.db")).unwrap();
    fs::copy(plane.data().join("key"), home.path().join("data/key")).unwrap();
    let restored = Plane::on(home);
    assert_eq!(restored.ok(&["get", "stages", "-o", "name"]), "stage.kargo.akuity.io/qa\n");
    assert!(restored.ok(&["get", "secrets", "-o", "name"]).contains("secret/git"));
}
