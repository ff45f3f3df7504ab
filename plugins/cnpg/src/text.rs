//! Markdown for people: tables, cells that cannot break them, and cutting long messages. Knows nothing of PostgreSQL.

/// Longest message of an event, condition or reason that is shown, in characters; the object itself has the rest.
pub(crate) const MESSAGE_MAX: usize = 300;

/// A table; nothing when there are no rows.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut out = line(header.iter().map(|one| (*one).to_owned()));
    out.push_str(&line(header.iter().map(|_| "---".to_owned())));
    for row in rows {
        out.push_str(&line(row.iter().map(|one| cell(one))));
    }
    out
}

fn line(cells: impl Iterator<Item = String>) -> String {
    let mut out = String::from("|");
    for one in cells {
        out.push(' ');
        out.push_str(&one);
        out.push_str(" |");
    }
    out.push('\n');
    out
}

fn cell(text: &str) -> String {
    if text.is_empty() { "-".into() } else { flat(text).replace('|', "\\|") }
}

/// On one line: text of an object must not be able to pose as a line of ours. U+2028 and U+2029 break lines too.
pub(crate) fn flat(text: &str) -> String {
    text.replace(|one: char| one.is_control() || matches!(one, '\u{2028}' | '\u{2029}'), " ")
}

/// At most [`MESSAGE_MAX`] characters, on one line.
pub(crate) fn short(message: &str) -> String {
    let flat = flat(message);
    if flat.chars().count() <= MESSAGE_MAX {
        return flat;
    }
    let mut cut: String = flat.chars().take(MESSAGE_MAX).collect();
    cut.push('…');
    cut
}

/// `what` with its count: "1 replica", "2 replicas".
pub(crate) fn count(number: i64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::{MESSAGE_MAX, short, table};

    #[test]
    fn a_cell_cannot_break_its_table() {
        let out = table(&["a", "b"], &[vec!["x|y\nz".into(), String::new()]]);
        assert_eq!(out, "| a | b |\n| --- | --- |\n| x\\|y z | - |\n");
    }

    #[test]
    fn a_long_message_is_cut_and_says_so() {
        assert!(short(&"x".repeat(MESSAGE_MAX + 1)).ends_with('…'));
        assert_eq!(short("one\ntwo\u{2028}three\u{85}four"), "one two three four");
    }
}
