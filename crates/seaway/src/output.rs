//! What people and scripts read: tables that fit, JSON, YAML, names; colours on a terminal only.

use crate::exit::Failure;
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
    aside(format_args!("hint: {}", failure.hint));
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

    /// The text, no line wider than `width` (where that can be): the widest columns are cut first, and end in `…`.
    pub(crate) fn text(&self, width: Option<usize>, with_head: bool) -> String {
        let widths = self.widths(width);
        let mut text = String::new();
        if with_head {
            let head: Vec<Cell> = self.head.iter().map(|name| Cell::from(name.as_str())).collect();
            put_row(&mut text, &head, &widths);
        }
        for row in &self.rows {
            put_row(&mut text, row, &widths);
        }
        text
    }

    fn widths(&self, width: Option<usize>) -> Vec<usize> {
        let cell = |column: usize| self.rows.iter().filter_map(move |row| row.get(column)).map(Cell::width).max();
        let mut widths: Vec<usize> =
            self.head.iter().enumerate().map(|(column, head)| cell(column).unwrap_or(0).max(head.chars().count())).collect();
        let gaps = GAP * widths.len().saturating_sub(1);
        let mut excess = width.map_or(0, |width| (widths.iter().sum::<usize>() + gaps).saturating_sub(width));
        while excess > 0 {
            let Some(widest) = widths.iter_mut().max_by_key(|width| **width).filter(|width| **width > NARROWEST) else { break };
            *widest -= 1;
            excess -= 1;
        }
        widths
    }
}

fn put_row(text: &mut String, row: &[Cell], widths: &[usize]) {
    let mut pad = 0;
    for (cell, width) in row.iter().zip(widths) {
        let shown = cut(cell.shown(), *width);
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
        STAGE  HAS               WAITS FOR
        qa     fund-transfer 1…  –
        e2e    fund-transfer 1…  smoke test ans…
        ");
        assert!(text.lines().all(|line| line.chars().count() <= 40));
    }
}
