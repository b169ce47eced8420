//! The benchmarks, one a file.

mod commits;
mod fleet;
mod live;
mod page;
mod promotion;
mod push;
mod reads;
mod scale;
mod throughput;

use crate::report::Report;
use crate::repository::Size;
use anyhow::{Result, bail};

/// Their names, in the order in which all are run.
pub(crate) const CASES: [&str; 9] =
    ["push", "promotion-100", "promotion-50000", "throughput", "commits", "scale", "live", "reads", "page"];

/// A small repository with a short history.
const SMALL: Size = Size { n_files: 100, n_stages: 10, n_commits: 300 };
/// A large one.
const LARGE: Size = Size { n_files: 50_000, n_stages: 10, n_commits: 300 };

/// Runs one of them.
pub(crate) async fn run(name: &str, report: &mut Report) -> Result<()> {
    match name {
        "push" => push::run(report).await,
        "promotion-100" => promotion::run(report, &promotion::SMALL).await,
        "promotion-50000" => promotion::run(report, &promotion::LARGE).await,
        "throughput" => throughput::run(report).await,
        "commits" => commits::run(report).await,
        "scale" => scale::run(report).await,
        "live" => live::run(report).await,
        "reads" => reads::run(report).await,
        "page" => page::run(report).await,
        other => bail!("no benchmark `{other}`"),
    }
}
