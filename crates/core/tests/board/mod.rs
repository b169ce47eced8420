//! The board kept at the cost of what changed is the board made anew.

use crate::bank::Bank;
use seaway_api::kargo::{Freight, Promotion, Stage};
use seaway_core::view::{Board, Lens, Touched, by_freight, by_stage, telling};

/// The bank as it was.
struct Before {
    stages: Vec<Stage>,
    freight: Vec<Freight>,
    promotions: Vec<Promotion>,
    board: Board,
}

fn seen(bank: &Bank) -> Before {
    let board = bank.with(|project| Lens::new(project).board());
    Before { stages: bank.stages.clone(), freight: bank.freight.clone(), promotions: bank.promotions.clone(), board }
}

/// What the changes from then to now touch, object by object, as a watch tells them.
fn touched(before: &Before, bank: &Bank) -> Touched {
    let mut touched = Touched { all: telling(&before.freight) != telling(&bank.freight), ..Touched::default() };
    for stage in &bank.stages {
        let old = before.stages.iter().find(|old| old.metadata.name == stage.metadata.name);
        if old != Some(stage) {
            touched.merge(by_stage(old, Some(stage)));
        }
    }
    for freight in &bank.freight {
        let old = before.freight.iter().find(|old| old.metadata.name == freight.metadata.name);
        if old != Some(freight) {
            touched.merge(bank.with(|project| by_freight(project, old, Some(freight))));
        }
    }
    for promotion in bank.promotions.iter().filter(|now| !before.promotions.contains(now)) {
        touched.stages.insert(promotion.spec.stage.clone());
    }
    touched
}

/// Whatever row is another than before was touched.
#[track_caller]
fn check(before: &Before, bank: &Bank) {
    let (now, touched) = (seen(bank).board, touched(before, bank));
    if touched.all {
        return;
    }
    for row in now.stages.iter().filter(|row| !before.board.stages.contains(row)) {
        assert!(touched.stages.contains(&row.name), "stage {} changed untouched", row.name);
    }
    for row in now.promotions.iter().filter(|row| !before.board.promotions.contains(row)) {
        assert!(touched.stages.contains(&row.stage), "promotion {} changed untouched", row.name);
    }
    for row in now.freight.iter().filter(|row| !before.board.freight.contains(row)) {
        assert!(touched.freight.contains(&row.name), "freight {} changed untouched", row.label);
    }
}

#[test]
fn every_row_that_changes_was_touched_by_what_changed() {
    let mut bank = Bank::new();
    for (version, person) in [("1.5.1", true), ("1.5.2", false), ("1.5.3", true)] {
        let before = seen(&bank);
        bank.push(version);
        check(&before, &bank);
        for _ in 0..10 {
            let before = seen(&bank);
            bank.look();
            check(&before, &bank);
        }
        if person {
            let before = seen(&bank);
            bank.promote("prod-eu", version, "user:bob");
            check(&before, &bank);
            let before = seen(&bank);
            bank.settle();
            check(&before, &bank);
        }
    }
}

#[test]
fn a_stage_that_takes_note_touches_itself_alone() {
    let mut bank = Bank::new();
    bank.push("1.5.1");
    bank.look();
    let before = seen(&bank);
    let old = bank.stages.iter().find(|it| it.metadata.name.as_deref() == Some("qa")).unwrap().clone();
    let mut new = old.clone();
    new.status.get_or_insert_default().last_handled_refresh = "now".into();
    let touched = by_stage(Some(&old), Some(&new));
    assert_eq!((touched.all, touched.stages.len(), touched.freight.len()), (false, 1, 0));
    assert_eq!(before.board.stages[0].name, "qa");
}

#[test]
fn the_board_tells_versions_places_and_ways() {
    let mut bank = Bank::new();
    bank.push("1.5.1");
    bank.settle();
    let board = seen(&bank).board;
    let newest = &board.freight[0];
    assert_eq!((newest.label.as_str(), newest.version.as_str()), ("fund-transfer 1.5.1", "1.5.1"));
    assert_eq!(
        (&newest.r#in[..], &newest.may_go_to[..]),
        (&["qa", "e2e", "staging"].map(String::from)[..], &["qa", "e2e", "staging", "prod-eu"].map(String::from)[..])
    );
    let eu = &board.stages[3];
    assert_eq!(
        (eu.name.as_str(), eu.next.as_str(), eu.promotes_by_itself, eu.index),
        ("prod-eu", "fund-transfer 1.5.1", false, 3)
    );
    assert!(board.answers.iter().any(|answer| answer.name == "prod-eu"));
    bank.push("1.5.2");
    bank.settle();
    let e2e = &seen(&bank).board.stages[1];
    assert_eq!((e2e.has.as_str(), e2e.in_git.as_deref()), ("fund-transfer 1.5.1", Some("fund-transfer 1.5.2")));
}
