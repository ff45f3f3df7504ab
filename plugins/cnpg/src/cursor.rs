//! Cursors of lists: the API server's page, and the last row of it that was shown. Opaque to callers; bound to the query.

use crate::problem::Problem;

/// Where to go on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// `continue` of the page to read; empty: the first one.
    pub(crate) page: String,
    /// `namespace/name` of the last row shown; empty: none of this page.
    pub(crate) after: String,
}

/// Version of the form below; another one is refused rather than misread.
const FORM: &str = "p1";

impl Cursor {
    /// As text. `~` occurs neither in a continue token (base64url) nor in names.
    pub(crate) fn encode(&self, query: &str) -> String {
        format!("{FORM}~{:x}~{}~{}", digest(query), self.page, self.after)
    }

    /// Reads what [`Cursor::encode`] wrote for the same query.
    pub(crate) fn decode(text: &str, query: &str) -> Result<Self, Problem> {
        let refuse = |why: &str| {
            Problem::argument("cursor", why, "Repeat the call without `cursor`, or with the `next_cursor` of the same query.")
        };
        let parts: Vec<&str> = text.splitn(4, '~').collect();
        let [form, of, page, after] = parts[..] else { return Err(refuse("this is not a cursor of this tool")) };
        if form != FORM {
            return Err(refuse("this is not a cursor of this tool"));
        }
        if of != format!("{:x}", digest(query)) {
            return Err(refuse("this cursor belongs to a query with other filters"));
        }
        Ok(Self { page: page.into(), after: after.into() })
    }
}

/// FNV-1a, 64 bits: tells queries apart; it protects nothing.
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::Cursor;

    #[test]
    fn a_cursor_comes_back_and_only_for_its_query() {
        let cursor = Cursor { page: "eyJ2Ijoi".into(), after: "prod/db-1".into() };
        let text = cursor.encode("prod|app=x");
        assert_eq!(Cursor::decode(&text, "prod|app=x").unwrap(), cursor);
        assert!(Cursor::decode(&text, "prod|").unwrap_err().message.contains("other filters"));
        assert!(Cursor::decode("banana", "").unwrap_err().message.contains("not a cursor"));
    }
}
