//! The hand-written tables, and how they differ from what the door answers.

use std::fmt::Write as _;

/// A table of the file: its columns, and each row's name with its cells.
pub(super) struct Table {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<(String, Vec<String>)>,
}

/// The table whose head begins with this word.
pub(super) fn read(text: &str, first: &str) -> Table {
    let mut lines = text.lines().skip_while(|line| line.split_whitespace().nth(1) != Some(first) || !line.contains(" owner"));
    let head = lines.next().unwrap_or_else(|| panic!("no table of {first}"));
    let columns: Vec<String> = head.split_whitespace().skip(2).map(str::to_owned).collect();
    let mut rows: Vec<(String, Vec<String>)> = Vec::new();
    for line in lines.take_while(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (name, cells) = words.split_at(words.len().checked_sub(columns.len()).expect("a cell for each column"));
        let name = name.join(" ");
        assert!(!name.is_empty() && rows.iter().all(|(other, _)| *other != name), "a row without a name of its own: {line}");
        rows.push((name, cells.iter().map(|&cell| cell.to_owned()).collect()));
    }
    Table { columns, rows }
}

/// A cell, or a whole row, that is not as written.
pub(super) struct Fault {
    pub(super) row: String,
    pub(super) column: String,
    pub(super) file: String,
    pub(super) door: String,
}

/// A row of cells against what was answered.
pub(super) fn compare(table: &Table, row: &str, cells: &[String], asked: &[String]) -> Vec<Fault> {
    let differs = table.columns.iter().zip(cells).zip(asked).filter(|((_, file), door)| file != door);
    let fault = |((column, file), door): ((&String, &String), &String)| Fault {
        row: row.to_owned(),
        column: column.clone(),
        file: file.clone(),
        door: door.clone(),
    };
    differs.map(fault).collect()
}

/// Fails with all faults at once.
#[track_caller]
pub(super) fn report(file: &str, faults: &[Fault]) {
    let mut text = String::new();
    for Fault { row, column, file, door } in faults {
        writeln!(text, "{row:<58} {column:<10} file {file:<9} door {door}").unwrap();
    }
    assert!(faults.is_empty(), "{} cells are not as {file} says:\n{text}", faults.len());
}
