//! Scenario scripts, one file each, with their golden traces beside them.

use seaway_scenarios::script;
use std::path::Path;

macro_rules! scripts {
    ($($name:ident = $file:literal),* $(,)?) => {
        const FILES: &[&str] = &[$($file),*];
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
            async fn $name() {
                check($file, include_str!(concat!("scripts/", $file, ".script"))).await;
            }
        )*
    };
}

scripts! {
    a_good_version_flows = "good-version",
    a_bad_version_stops_in_e2e = "bad-version",
    what_is_planned_is_promoted_and_prod_us_follows = "plan-then-promote",
    a_plan_is_void_once_its_path_is_touched = "plan-changed",
    older_freight_holds_until_resumed = "hold-and-resume",
    freight_is_approved_past_its_upstream = "approve-past-upstream",
    two_origins_move_without_each_other = "two-origins",
    a_stage_without_steps_passes_freight_on = "control-flow",
    a_manual_warehouse_makes_no_freight = "manual-warehouse",
}

/// Plays the script and compares the trace with the one beside it.
async fn check(file: &str, text: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let trace = script::play(text, &root).await.unwrap_or_else(|err| panic!("{file}: {err:#}"));
    insta::with_settings!({ snapshot_path => "scripts", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(file, trace);
    });
}

#[test]
fn every_script_is_played() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut found: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| Some(entry.unwrap().file_name().to_str()?.strip_suffix(".script")?.to_owned()))
        .collect();
    found.sort();
    let mut listed = FILES.to_vec();
    listed.sort_unstable();
    assert_eq!(found, listed);
}
