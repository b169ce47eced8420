//! `seaway apply`: documents into the control plane; all are validated before the first is written.

use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::session::{Access, Session};
use seaway_verbs::{Document, Fault};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// More than this is no document.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Applies documents: server-side, as manager `seaway`
#[derive(Debug, clap::Args)]
#[command(after_help = "Everything is validated before the first write; projects, configurations and Secrets go first.")]
pub(crate) struct Args {
    /// A file, a folder, or - for standard input; may be given again
    #[arg(short, long, required = true, value_name = "FILE|DIR|-")]
    filename: Vec<PathBuf>,
    /// Folders below the folder, too
    #[arg(short = 'R', long)]
    recursive: bool,
    /// Ask what would happen, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Take over fields that others own
    #[arg(long)]
    force_conflicts: bool,
}

impl Args {
    pub(crate) async fn run(&self, global: &Global) -> Result<Exit, Failure> {
        let mut documents = checked(&self.filename, self.recursive, super::apply_check::faults)?;
        seaway_verbs::order(&mut documents);
        let session = Session::open(global, Access::Write).await?;
        // Each document names its project; one is asked for only where that is missing, and before anything is written.
        let needs = documents.iter().any(Document::needs_project);
        let project = if needs { Some(session.project().await?) } else { None };
        let (client, project, force) = (&session.client, project.as_deref(), self.force_conflicts);
        let rehearsal = seaway_verbs::rehearse(client, &documents, project, force).await?;
        if !rehearsal.faults.is_empty() {
            let hint = if rehearsal.hint.is_empty() { "correct what they name, then repeat" } else { &rehearsal.hint };
            return Err(refused(&rehearsal.faults, hint));
        }
        if self.dry_run {
            for applied in rehearsal.applied {
                output::line(format_args!("{} {} (dry run)", applied.name, applied.change.as_str()));
            }
            return Ok(Exit::Done);
        }
        for document in &documents {
            for applied in seaway_verbs::apply(client, std::slice::from_ref(document), project, force).await? {
                output::line(format_args!("{} {}", applied.name, applied.change.as_str()));
            }
        }
        Ok(Exit::Done)
    }
}

/// Reads and validates all documents.
///
/// # Errors
/// Every fault of every document, a line each.
pub(crate) fn documents(paths: &[PathBuf], recursive: bool) -> Result<Vec<Document>, Failure> {
    checked(paths, recursive, |_| Vec::new())
}

fn refused(faults: &[Fault], hint: &str) -> Failure {
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let what = if lines.len() == 1 { "1 fault".to_owned() } else { format!("{} faults", lines.len()) };
    Failure::new(format!("{what}; nothing was written\n{}", lines.join("\n")), hint)
}

/// The same, with more to look at in each document.
fn checked(paths: &[PathBuf], recursive: bool, more: impl Fn(&Document) -> Vec<Fault>) -> Result<Vec<Document>, Failure> {
    let mut documents = Vec::new();
    let mut faults: Vec<Fault> = Vec::new();
    for path in paths {
        for (source, text) in texts(path, recursive)? {
            match Document::read(&source, &text) {
                Ok(found) => documents.extend(found),
                Err(fault) => faults.push(fault),
            }
        }
    }
    for document in &documents {
        let mut found = document.faults();
        for fault in more(document) {
            if !found.iter().any(|known| known.field == fault.field) {
                found.push(fault);
            }
        }
        found.sort_by_key(|fault| fault.line);
        faults.extend(found);
    }
    if !faults.is_empty() {
        return Err(refused(&faults, "`kubectl explain KIND` tells a kind's fields"));
    }
    if documents.is_empty() {
        let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        return Err(Failure::new(
            format!("no documents in {}", names.join(", ")),
            "files end in .yaml, .yml or .json; -R looks into folders below",
        ));
    }
    Ok(documents)
}

fn texts(path: &Path, recursive: bool) -> Result<Vec<(String, String)>, Failure> {
    let shown = path.display().to_string();
    let failed = |what: &str| {
        let what = format!("{what} `{shown}`");
        move |err: std::io::Error| Failure::io(what, &err)
    };
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().lock().take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(failed("read"))?;
        if text.len() as u64 > FILE_BYTES_MAX {
            return Err(Failure::new(
                format!("standard input is larger than {FILE_BYTES_MAX} bytes"),
                "split it; nothing was applied",
            ));
        }
        return Ok(vec![("-".to_owned(), text)]);
    }
    let found = std::fs::metadata(path).map_err(failed("read"))?;
    if !found.is_dir() {
        if found.len() > FILE_BYTES_MAX {
            return Err(Failure::new(format!("`{shown}` is larger than {FILE_BYTES_MAX} bytes"), "split it"));
        }
        return Ok(vec![(shown.clone(), std::fs::read_to_string(path).map_err(failed("read"))?)]);
    }
    let mut names: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed("read"))? {
        names.push(entry.map_err(failed("read"))?.path());
    }
    names.sort();
    let is_document =
        |path: &Path| path.extension().and_then(|end| end.to_str()).is_some_and(|end| matches!(end, "yaml" | "yml" | "json"));
    let mut all = Vec::new();
    for name in names {
        if name.is_dir() && recursive || name.is_file() && is_document(&name) {
            all.extend(texts(&name, recursive)?);
        }
    }
    Ok(all)
}
