//! `seaway plan STAGE --freight F`: what a promotion would do, and whether it could start now.

use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::output::{self, Format};
use crate::session::{Access, Session, bare};
use crate::typed::typed;
use anstyle::{AnsiColor, Style};
use seaway_api::seaway::{PlanStatus, PlannedFile};
use std::fmt::Write as _;
use std::time::Duration;

/// Shows what a promotion would write and do, without doing it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The stage
    stage: String,
    /// The freight: name, alias or version; `fund-transfer:1.5.1` narrows
    #[arg(short, long)]
    freight: String,
    /// End with 2 if the promotion would change something
    #[arg(long)]
    exit_code: bool,
    /// The form of the answer
    #[arg(short, long, value_name = "FORM")]
    output: Option<Format>,
    /// How long to wait for it
    #[arg(long, default_value = "2m", value_parser = super::promote::duration)]
    timeout: Duration,
}

impl Args {
    pub(crate) async fn run(&self, global: &Global) -> Result<Exit, Failure> {
        let stage = bare(&self.stage);
        let verbs = Session::open(global, Access::Write).await?.verbs().await?;
        let freight = verbs.freight(&self.freight).await?;
        let plan = verbs.plan(stage, &freight, self.timeout).await?;
        let status = plan.status.clone().unwrap_or_default();
        match self.output {
            Some(format @ (Format::Json | Format::Yaml)) => {
                let value = serde_json::to_value(&plan).map_err(|err| Failure::bug(format_args!("show the plan: {err}")))?;
                output::print(output::document(&value, format)?);
            }
            Some(Format::Name) => {
                output::line(format_args!("plan.seaway.dev/{}", plan.metadata.name.as_deref().unwrap_or_default()))
            }
            Some(Format::Wide) | None => {
                output::print(text(&status));
                if let Some(next) = next(&status, stage, &self.freight) {
                    output::line(format_args!("next: {}", typed(&next)));
                }
            }
        }
        let changed = status.changed == Some(true);
        Ok(if self.exit_code && changed { Exit::Changed } else { Exit::Done })
    }
}

/// What to type after reading it: nothing if nothing would be written, and no promotion that would be refused.
fn next(status: &PlanStatus, stage: &str, freight: &str) -> Option<String> {
    match &status.can_start {
        Some(start) if !start.allowed => Some(format!("seaway why {stage}")),
        _ if status.changed == Some(false) => None,
        _ => Some(format!("seaway promote {stage} --freight {freight} --plan-digest {}", status.digest)),
    }
}

/// The plan as people read it: files, effects, waits, whether it could start, digest.
fn text(status: &PlanStatus) -> String {
    let mut text = String::new();
    for file in &status.files {
        put_file(&mut text, file);
    }
    if status.files.is_empty() {
        text.push_str("writes no file\n");
    }
    if status.truncated {
        text.push_str("(some differences were left out: they are too big; the digest covers them)\n");
    }
    for effect in &status.effects {
        let what = if effect.description.is_empty() { &effect.kind } else { &effect.description };
        put(&mut text, "does", &format!("{what}{}", of_step(&effect.alias)));
    }
    for wait in &status.waits {
        let released = if wait.released_by.is_empty() { String::new() } else { format!("; released by {}", wait.released_by) };
        put(&mut text, "waits for", &format!("{}{}{released}", wait.for_, of_step(&wait.alias)));
    }
    for segment in status.segments.iter().filter(|segment| segment.kind != "exact") {
        put(&mut text, &segment.kind, &segment.condition);
    }
    match &status.can_start {
        Some(start) if start.allowed => put(&mut text, "can start", "now"),
        Some(start) => put(&mut text, "can start", &format!("not now: {}", start.reasons.join("; "))),
        None => {}
    }
    if status.changed == Some(false) {
        put(&mut text, "changes", "nothing");
    }
    put(&mut text, "digest", &status.digest);
    text
}

fn put(text: &mut String, word: &str, rest: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{word:<10} {rest}");
}

fn of_step(alias: &str) -> String {
    if alias.is_empty() { String::new() } else { format!(" ({alias})") }
}

fn put_file(text: &mut String, file: &PlannedFile) {
    let verb = match (file.old_blob.is_empty(), file.new_blob.is_empty() || file.mode.is_empty()) {
        (true, _) => "adds",
        (false, true) => "removes",
        (false, false) => "changes",
    };
    let at = if file.branch.is_empty() { String::new() } else { format!(" on {}", file.branch) };
    put(text, verb, &format!("{}{at} of {}{}", file.path, file.repository, if file.binary { " (binary)" } else { "" }));
    for line in file.diff.lines() {
        let style = match line.as_bytes() {
            [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => Style::new().bold(),
            [b'+', ..] => AnsiColor::Green.on_default(),
            [b'-', ..] => AnsiColor::Red.on_default(),
            [b'@', ..] => AnsiColor::Cyan.on_default(),
            _ => Style::new(),
        };
        let _ = writeln!(text, "  {style}{line}{style:#}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seaway_api::seaway::{CanStart, PlannedEffect};

    #[test]
    fn what_comes_next_is_only_what_would_be_accepted() {
        let check = |allowed: bool, changed: bool, wanted: Option<&str>| {
            let can_start = Some(CanStart { allowed, ..CanStart::default() });
            let status = PlanStatus { can_start, changed: Some(changed), digest: "v1:12".into(), ..PlanStatus::default() };
            assert_eq!(next(&status, "prod-eu", "1.5.1").as_deref(), wanted);
        };
        check(true, true, Some("seaway promote prod-eu --freight 1.5.1 --plan-digest v1:12"));
        check(true, false, None);
        check(false, true, Some("seaway why prod-eu"));
    }

    #[test]
    fn a_plan_reads_from_the_files_to_the_digest() {
        let status = PlanStatus {
            files: vec![PlannedFile {
                repository: "http://127.0.0.1:7480/bank.git".into(),
                branch: "main".into(),
                path: "overlays/prod-eu/kustomization.yaml".into(),
                mode: "100644".into(),
                old_blob: "a".into(),
                new_blob: "b".into(),
                diff: "@@ -1 +1 @@\n-newTag: 1.4.8\n+newTag: 1.5.1\n".into(),
                ..PlannedFile::default()
            }],
            effects: vec![PlannedEffect {
                alias: "push".into(),
                kind: "git-push".into(),
                description: "push 1 commit to main".into(),
                ..PlannedEffect::default()
            }],
            can_start: Some(CanStart { allowed: true, ..CanStart::default() }),
            changed: Some(true),
            digest: "sha256:1234".into(),
            ..PlanStatus::default()
        };
        let plain = anstream::adapter::strip_str(&text(&status)).to_string();
        insta::assert_snapshot!(plain, @r"
        changes    overlays/prod-eu/kustomization.yaml on main of http://127.0.0.1:7480/bank.git
          @@ -1 +1 @@
          -newTag: 1.4.8
          +newTag: 1.5.1
        does       push 1 commit to main (push)
        can start  now
        digest     sha256:1234
        ");
    }
}
