//! Scopes (RFC 6749 §3.3): narrowing only. What is not known here is left out and told in the answer, so that a client that asks for
//! `claudeai` or `offline_access` still gets in; nothing is ever added.

use crate::port::Call;

/// Words of the grammar, each once, in their order.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| is_token(word)) {
        if !all.iter().any(|one| one == word) {
            all.push(word.to_owned());
        }
    }
    all
}

/// What is granted of what was asked; all that is known if nothing was asked.
pub(crate) fn granted(asked: Option<&str>, known: &[String]) -> Vec<String> {
    match asked {
        None => known.to_vec(),
        Some(text) => words(text).into_iter().filter(|word| known.contains(word)).collect(),
    }
}

/// What is granted at a login: the scope that opens all logins only to who asks for it by its name.
pub(crate) fn at_login(call: Call<'_>, asked: Option<&str>) -> Vec<String> {
    match asked {
        None => call.scopes().to_vec(),
        Some(text) => words(text).into_iter().filter(|word| call.has_scope(word)).collect(),
    }
}

/// As in a `scope` parameter.
pub(crate) fn joined(scopes: &[String]) -> String {
    scopes.join(" ")
}

/// scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
pub(crate) fn is_token(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

#[cfg(test)]
mod tests {
    use super::{granted, words};

    #[test]
    fn unknown_scopes_are_left_out_and_none_is_added() {
        let known = ["read".to_owned(), "write".to_owned()];
        assert_eq!(granted(Some("write claudeai offline_access"), &known), ["write"]);
        assert_eq!(granted(None, &known), known);
        assert!(granted(Some("claudeai"), &known).is_empty());
    }

    #[test]
    fn what_could_break_a_header_is_no_scope() {
        assert_eq!(words("a a b\"c d\\e f\r\ng h"), ["a", "h"]);
    }
}
