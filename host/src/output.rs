//! What commands print on standard output: a table for people, JSON or YAML for programs, names for shells.

use std::io::Write as _;

use clap::ValueEnum;
use serde::Serialize;

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// One JSON document.
    Json,
    /// One YAML document.
    Yaml,
    /// Names only, one per line.
    Name,
}

/// Prints `value`; `text` makes the forms that are neither JSON nor YAML.
pub(crate) fn print(format: Format, value: &impl Serialize, text: impl Fn() -> String) -> anyhow::Result<()> {
    let text = match format {
        Format::Json => serde_json::to_string_pretty(value)? + "\n",
        Format::Yaml => yaml(value)?,
        Format::Table | Format::Name => text(),
    };
    write(&text)
}

/// As YAML.
pub(crate) fn yaml(value: &impl Serialize) -> anyhow::Result<String> {
    // By way of JSON: keys and numbers then look the same in both forms.
    Ok(serde_saphyr::to_string(&serde_json::to_value(value)?)?)
}

/// Writes to standard output. A reader that has gone (`| head`) is no error.
pub(crate) fn write(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Rows as aligned columns, two blanks between them.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells: String = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}  ")).collect();
        format!("{}\n", cells.trim_end())
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["NAME".to_owned(), "X".to_owned()], vec!["a".to_owned(), "ü".to_owned()]];
        assert_eq!(table(&rows), "NAME  X\na     ü\n");
    }
}
