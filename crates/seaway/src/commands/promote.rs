//! `seaway promote STAGE --freight F`: freight into a stage, and waiting for what comes of it.

use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::session::{Access, Session, bare};
use crate::typed::typed;
use crate::world;
use kube::ResourceExt as _;
use seaway_core::why::{self, plainly};
use seaway_verbs::{Ended, VerbError, Verbs};
use std::time::Duration;

/// Promotes freight into a stage
#[derive(Debug, clap::Args)]
#[command(
    after_help = "With --wait: 0 Succeeded, 3 Failed or Errored, 4 Aborted, 5 Uncertain or Blocked (itself, or the one before it in the stage's queue), 6 not over within --timeout."
)]
pub(crate) struct Args {
    /// The stage
    stage: String,
    /// The freight: name, alias or version; `fund-transfer:1.5.1` narrows
    #[arg(short, long)]
    freight: String,
    /// Refuse if what would be written differs from this plan's
    #[arg(long, value_name = "DIGEST", value_parser = digest)]
    plan_digest: Option<String>,
    /// Wait until it is over, or stands still
    #[arg(long)]
    wait: bool,
    /// How long to wait; the promotion goes on afterwards
    #[arg(long, default_value = "10m", value_parser = duration)]
    timeout: Duration,
}

/// A duration as Kargo's documents write it: `90s`, `10m`, `1h30m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    seaway_api::GoDuration::from(text).get().ok_or_else(|| "a duration such as 90s or 10m is wanted".to_owned())
}

/// A plan's digest, as `seaway plan` prints it: a typing error must not become a promotion that fails.
fn digest(text: &str) -> Result<String, String> {
    let well_formed = text
        .split_once(':')
        .is_some_and(|(version, hex)| version.starts_with('v') && hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()));
    if well_formed {
        Ok(text.to_owned())
    } else {
        Err("the whole digest that `seaway plan` prints is wanted: v1: and 64 digits".to_owned())
    }
}

impl Args {
    pub(crate) async fn run(&self, global: &Global) -> Result<Exit, Failure> {
        let stage = bare(&self.stage);
        let verbs = Session::open(global, Access::Write).await?.verbs().await?;
        let freight = verbs.freight(&self.freight).await?;
        let promotion = verbs.promote(stage, &freight, self.plan_digest.as_deref()).await?;
        let name = promotion.name_any();
        output::line(format_args!("promotion {name} created"));
        if !self.wait {
            output::line(format_args!("next: {}", typed(&format!("seaway logs -f {name}"))));
            return Ok(Exit::Done);
        }
        wait(&verbs, &name, self.timeout).await
    }
}

async fn wait(verbs: &Verbs, name: &str, timeout: Duration) -> Result<Exit, Failure> {
    let ended = match verbs.wait_for(name, timeout).await {
        Err(VerbError::TimedOut { .. }) => {
            let hint = format!("it goes on by itself; `seaway why promotion/{name}` tells what it waits for");
            return Err(Failure {
                exit: Exit::TimedOut,
                message: format!("promotion {name} is not over after {timeout:?}"),
                hint,
            });
        }
        other => other?,
    };
    let why = format!("seaway logs {name}");
    let (exit, word, message, hint) = match ended {
        Ended::Succeeded { message } => {
            let message = if message.is_empty() { message } else { format!(": {message}") };
            output::line(format_args!("promotion {name} Succeeded{message}"));
            return Ok(Exit::Done);
        }
        Ended::Failed { phase, message } => (Exit::Failed, phase, message, why),
        Ended::Aborted { message } => (Exit::Aborted, "Aborted".to_owned(), message, why),
        Ended::Uncertain { message } => {
            (Exit::Stuck, "Uncertain".to_owned(), message, format!("seaway resolve {name} --repeat|--skip"))
        }
        Ended::Blocked { message } => (Exit::Stuck, "Blocked".to_owned(), message, format!("seaway why promotion/{name}")),
        Ended::Behind { front, stands } => return Err(behind(verbs, name, &front, &stands).await),
    };
    Err(Failure { exit, message: format!("promotion {name} {word}: {}", plainly(&message)), hint })
}

/// It stands in a queue whose first does not move: that one is named, with what it waits for and what releases it.
async fn behind(verbs: &Verbs, name: &str, front: &str, stands: &Ended) -> Failure {
    let read = world::read(verbs).await.ok();
    let found = read.as_ref().and_then(|world| Some((world, world.promotions.iter().find(|it| it.name_any() == front)?)));
    let answer = found.map(|(world, promotion)| (world.ask(|project| why::promotion(project, promotion)), world.now));
    let (line, hint) = match answer {
        Some((answer, now)) if answer.does_not_move() => (answer.first_line(now), answer.hint.clone()),
        _ => {
            let (Ended::Uncertain { message } | Ended::Blocked { message }) = stands else {
                return Failure::new(format!("promotion {name} waits behind {front}"), format!("seaway why promotion/{front}"));
            };
            (format!("promotion {front} stands: {}", plainly(message)), String::new())
        }
    };
    let first = if hint.is_empty() { String::new() } else { format!("{hint}; ") };
    Failure {
        exit: Exit::Stuck,
        message: format!("promotion {name} waits for its turn behind another, which does not move: {line}"),
        hint: format!("{first}`seaway abort {front}` gives that one up, and then {name} goes on by itself"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_taken_whole_or_not_at_all() {
        let check = |text: &str, well_formed: bool| assert_eq!(digest(text).is_ok(), well_formed, "{text}");
        let hex = "5e3e749271f692acaad018f60db7365da95fd45ab794521b04489ebff04ead4f";
        check(&format!("v1:{hex}"), true);
        check(&format!("v1:{}", &hex[1..]), false);
        check(hex, false);
        check("v1:abc", false);
        check("rubbish", false);
    }
}
