//! What people and scripts read: tables that fit, JSON, YAML, names; colours on a terminal only.

use crate::exit::Failure;
use crate::typed::typed;
use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use serde_json::Value;
use std::fmt::{Display, Write as _};
use std::io::{self, IsTerminal as _, Write as _};

/// Columns are this far apart.
const GAP: usize = 2;
/// A column is not cut to less than this.
const NARROWEST: usize = 8;

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// JSON
    Json,
    /// YAML
    Yaml,
    /// The table, with everything
    Wide,
    /// Names only
    Name,
}

/// Prints to standard output. Whoever reads may stop reading: that is no error, and the end.
pub(crate) fn print(text: impl Display) {
    ended(write!(anstream::stdout().lock(), "{text}"));
}

/// Prints a line to standard output.
pub(crate) fn line(text: impl Display) {
    print(format_args!("{text}\n"));
}

/// Prints a line to standard error: what is said beside the answer.
pub(crate) fn aside(text: impl Display) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

fn ended(written: io::Result<()>) {
    match written.and_then(|()| anstream::stdout().lock().flush()) {
        Ok(()) => {}
        Err(err) if err.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(err) => {
            aside(format_args!("error: write to standard output: {err}"));
            std::process::exit(1);
        }
    }
}

/// Prints an error and what to do about it.
pub(crate) fn failure(failure: &Failure) {
    let red = AnsiColor::Red.on_default().bold();
    aside(format_args!("{red}error:{red:#} {}", failure.message));
    aside(format_args!("hint: {}", typed(&failure.hint)));
}

/// A value as JSON or YAML.
///
/// # Errors
/// The value cannot be written as YAML.
pub(crate) fn document(value: &Value, format: Format) -> Result<String, Failure> {
    if format == Format::Yaml {
        return serde_saphyr::to_string(value).map_err(|err| Failure::new(format!("write YAML: {err}"), "-o json"));
    }
    Ok(format!("{value:#}\n"))
}

/// One field of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) style: Style,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), style: Style::new() }
    }
}

impl Cell {
    /// The same in a colour.
    pub(crate) fn styled(mut self, style: Style) -> Self {
        self.style = style;
        self
    }

    fn width(&self) -> usize {
        self.shown().chars().count()
    }

    /// An empty field reads `–`: it is empty, not forgotten.
    fn shown(&self) -> &str {
        if self.text.is_empty() { "–" } else { &self.text }
    }
}

/// A table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with these headings.
    pub(crate) fn new(head: &[&str]) -> Self {
        Self { head: head.iter().map(|name| (*name).to_owned()).collect(), rows: Vec::new() }
    }

    /// One more column in front.
    pub(crate) fn prefix(&mut self, head: &str, text: &str) {
        self.head.insert(0, head.to_owned());
        for row in &mut self.rows {
            row.insert(0, text.into());
        }
    }

    /// The text, no line wider than `width` (where that can be): what matters least is cut first, the widest of it, and shows a `…`.
    pub(crate) fn text(&self, width: Option<usize>, with_head: bool) -> String {
        let widths = self.widths(width);
        let mut text = String::new();
        if with_head {
            let head: Vec<Cell> = self.head.iter().map(|name| Cell::from(name.as_str())).collect();
            put_row(&mut text, &head, &widths, |_| Worth::Name);
        }
        for row in &self.rows {
            put_row(&mut text, row, &widths, |column| self.worth(column));
        }
        text
    }

    fn widths(&self, width: Option<usize>) -> Vec<usize> {
        let cell = |column: usize| self.rows.iter().filter_map(move |row| row.get(column)).map(Cell::width).max();
        let mut widths: Vec<usize> =
            self.head.iter().enumerate().map(|(column, head)| cell(column).unwrap_or(0).max(head.chars().count())).collect();
        let gaps = GAP * widths.len().saturating_sub(1);
        let mut excess = width.map_or(0, |width| (widths.iter().sum::<usize>() + gaps).saturating_sub(width));
        for worth in [Worth::Words, Worth::Name, Worth::Version] {
            while excess > 0 {
                let of_it = widths.iter_mut().enumerate().filter(|(column, _)| self.worth(*column) == worth);
                let widest = of_it.map(|(_, width)| width).max_by_key(|width| **width);
                let Some(widest) = widest.filter(|width| **width > NARROWEST) else { break };
                *widest -= 1;
                excess -= 1;
            }
        }
        widths
    }

    fn worth(&self, column: usize) -> Worth {
        match self.head.get(column).map_or("", String::as_str) {
            "ALIAS" | "MESSAGE" | "WAITS FOR" => Worth::Words,
            "HAS" | "NEXT" | "VERSIONS" | "FREIGHT" | "STATE" | "PHASE" => Worth::Version,
            _ => Worth::Name,
        }
    }
}

/// What a column is worth where there is no room for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Worth {
    /// Words about the row: `seaway why` has them whole.
    Words,
    /// A name, a number, a time.
    Name,
    /// What the table is looked at for.
    Version,
}

fn put_row(text: &mut String, row: &[Cell], widths: &[usize], worth: impl Fn(usize) -> Worth) {
    let mut pad = 0;
    for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
        let shown = match worth(column) {
            Worth::Version => cut_before_end(cell.shown(), *width),
            Worth::Words | Worth::Name => cut(cell.shown(), *width),
        };
        let style = cell.style;
        // Writing to a String cannot fail.
        let _ = write!(text, "{:pad$}{style}{shown}{style:#}", "");
        pad = width.saturating_sub(shown.chars().count()) + GAP;
    }
    text.push('\n');
}

fn cut(text: &str, width: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= width {
        return line.to_owned();
    }
    let kept: String = line.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// Cut where what is left keeps its end, as `fund…sfer 1.5.1` does.
fn cut_before_end(text: &str, width: usize) -> String {
    let line: Vec<char> = text.lines().next().unwrap_or_default().chars().collect();
    if line.len() <= width {
        return line.into_iter().collect();
    }
    let room = width.saturating_sub(1);
    let (begin, end) = line.split_at(room / 3);
    let end = end.get(end.len().saturating_sub(room - room / 3)..).unwrap_or_default();
    begin.iter().chain(&['…']).chain(end).collect()
}

/// How wide a line may be: the terminal's width; without one, as wide as it is.
pub(crate) fn width() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// The colour of a state.
pub(crate) fn state_style(state: &str) -> Style {
    match state {
        "failed" | "blocked" | "uncertain" | "Failed" | "Errored" | "Uncertain" | "Blocked" => AnsiColor::Red.on_default(),
        "waiting" | "held" | "Aborted" => AnsiColor::Yellow.on_default(),
        "promoting" | "looking" | "Running" => AnsiColor::Cyan.on_default(),
        "verified" | "Succeeded" => AnsiColor::Green.on_default(),
        _ => Style::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stages() -> Table {
        let mut table = Table::new(&["STAGE", "HAS", "WAITS FOR"]);
        table.rows.push(vec!["qa".into(), "fund-transfer 1.5.2".into(), "".into()]);
        table.rows.push(vec!["e2e".into(), "fund-transfer 1.5.1".into(), "smoke test answered 500".into()]);
        table
    }

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        insta::assert_snapshot!(stages().text(None, true), @r"
        STAGE  HAS                  WAITS FOR
        qa     fund-transfer 1.5.2  –
        e2e    fund-transfer 1.5.1  smoke test answered 500
        ");
    }

    #[test]
    fn a_table_fits_the_terminal() {
        let text = stages().text(Some(40), true);
        insta::assert_snapshot!(text, @r"
        STAGE  HAS                  WAITS FOR
        qa     fund-transfer 1.5.2  –
        e2e    fund-transfer 1.5.1  smoke test…
        ");
        assert!(text.lines().all(|line| line.chars().count() <= 40));
    }

    /// A table of one row, in 80 columns.
    fn in_80(head: &[&str], row: &[&str]) -> String {
        let mut table = Table::new(head);
        table.rows.push(row.iter().map(|text| Cell::from(*text)).collect());
        let text = table.text(Some(80), false);
        assert!(text.trim_end().chars().count() <= 80, "{text}");
        text
    }

    #[test]
    fn in_80_columns_the_versions_stay_and_words_about_them_go_first() {
        let stages = in_80(
            &["STAGE", "HAS", "NEXT", "STATE", "WAITS FOR", "SINCE"],
            &["prod-eu", "fund-transfer 1.4.8", "fund-transfer 1.5.1", "waiting", "you: manual promotion", "12d"],
        );
        assert!(stages.contains("fund-transfer 1.4.8  fund-transfer 1.5.1  waiting  you:"), "{stages}");
        let freight = in_80(
            &["FREIGHT", "VERSIONS", "ALIAS", "FROM", "IN", "FOUND"],
            &["3f2a9c1", "fund-transfer 1.5.1", "gossamer-salamander", "images", "qa, e2e, staging, prod-eu", "12d"],
        );
        assert!(freight.starts_with("3f2a9c1  fund-transfer 1.5.1  gos"), "{freight}");
        let promotions = in_80(
            &["PROMOTION", "STAGE", "FREIGHT", "PHASE", "MESSAGE", "AGE"],
            &[
                "prod-eu.01kab2c3d4e5f6g7h8j9k0m1n2.3f2a9c1",
                "prod-eu",
                "fund-transfer 1.5.1",
                "Succeeded",
                "smoke test answered",
                "12d",
            ],
        );
        assert!(promotions.contains("prod-eu  fund-transfer 1.5.1  Succeeded"), "{promotions}");
    }

    #[test]
    fn a_version_that_must_be_cut_keeps_its_end() {
        let check = |width: usize, expected: &str| assert_eq!(cut_before_end("fund-transfer 1.5.1", width), expected);
        check(19, "fund-transfer 1.5.1");
        check(16, "fund-…sfer 1.5.1");
        check(8, "fu…1.5.1");
    }
}
