//! Markdown for people: tables, cells that cannot break them, and cutting long messages. Knows nothing of PostgreSQL.

use std::borrow::Cow;

/// Longest message of an event, condition or reason that is shown, in characters; the object itself has the rest.
pub(crate) const MESSAGE_MAX: usize = 300;

/// A table; nothing when there are no rows.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut out = String::new();
    line(&mut out, header.iter().map(|one| Cow::Borrowed(*one)));
    line(&mut out, header.iter().map(|_| Cow::Borrowed("---")));
    for row in rows {
        line(&mut out, row.iter().map(|one| cell(one)));
    }
    out
}

fn line<'a>(out: &mut String, cells: impl Iterator<Item = Cow<'a, str>>) {
    out.push('|');
    for one in cells {
        out.push(' ');
        out.push_str(&one);
        out.push_str(" |");
    }
    out.push('\n');
}

fn cell(text: &str) -> Cow<'_, str> {
    // Nearly all that is shown is plain, and a list has a thousand of them.
    let is_plain = |byte: u8| matches!(byte, b' '..=b'{' | b'}' | b'~');
    match text {
        "" => Cow::Borrowed("-"),
        text if text.bytes().all(is_plain) => Cow::Borrowed(text),
        text => Cow::Owned(flat(text).replace('|', "\\|")),
    }
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
