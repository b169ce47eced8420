//! `cargo xtask bench [NAME]`: drives the real binary against real git and prints ratios, all taken in one run.

mod accepted;
mod baseline;
mod cases;
mod news;
mod plane;
mod report;
mod repository;
mod visitor;
mod world;

use anyhow::{Result, bail};
use report::Report;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let chosen: Vec<_> = cases::CASES.iter().filter(|name| name.starts_with(wanted.as_str())).collect();
    if chosen.is_empty() {
        bail!("no benchmark `{wanted}`; there are {}", cases::CASES.join(", "));
    }
    let mut report = Report::begin(&plane::binary()?)?;
    for name in chosen {
        if let Err(err) = cases::run(name, &mut report).await {
            report.failed(name, &err);
        }
    }
    Ok(if report.end() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
