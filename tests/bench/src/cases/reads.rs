//! How long the page's questions take with few and with many stages: the board, what is where, a plan.

use super::fleet::fill;
use crate::report::{Goal, Report, Sample};
use crate::repository::stage as own;
use crate::visitor::Way as Entrance;
use crate::world::{PROJECT, Way, World};
use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const SIZES: [usize; 3] = [10, 100, 500];
const N_READS: usize = 100;
/// A plan clones, edits and makes a diff; the first, which fills the mirror, does not count.
const N_PLANS: usize = 20;

pub(super) async fn run(report: &mut Report) -> Result<()> {
    let world = World::start().await?;
    let image = world.image("app");
    world.push(&image, "1.0.0").await?;
    world.repository("app", &image, super::SMALL).await?;
    world.warehouse("app", &image, "24h", false).await?;
    let planned = own(0);
    world.stage(&planned, "app", &image, "app", Way::YamlUpdate).await?;
    let freight = world.freight("app", &image, 1).await?;
    let visitor = Entrance::of(&world.folder.path().join("data"))?.visitor()?;
    let plan = json!({ "stage": planned, "freight": freight });
    visitor.timed(Method::POST, &format!("/projects/{PROJECT}/plans"), Some(&plan)).await?;
    let mut n_stages = 0;
    for size in SIZES {
        fill(&world, n_stages, size).await?;
        n_stages = size;
        for (what, method, path, body, n) in questions(&plan) {
            let mut times: Vec<Duration> = Vec::with_capacity(n);
            for _ in 0..n {
                times.push(visitor.timed(method.clone(), &path, body).await?);
            }
            let all = Sample::times(times);
            report.alone(&format!("{what}, {size} stages"), &all, Goal::None);
            report.note(&format!("p99 {:.2} ms", all.quantile(0.99) * 1e3));
        }
    }
    world.plane.stop().await
}

/// What is asked: its name, method, path, body, and how often.
type Question<'a> = (&'static str, Method, String, Option<&'a Value>, usize);

fn questions(plan: &Value) -> [Question<'_>; 3] {
    [
        ("the board", Method::GET, format!("/projects/{PROJECT}/board"), None, N_READS),
        ("what is where", Method::GET, "/what-is-where".to_owned(), None, N_READS),
        ("a plan", Method::POST, format!("/projects/{PROJECT}/plans"), Some(plan), N_PLANS),
    ]
}
