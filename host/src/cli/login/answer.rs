//! What the browser brings back (RFC 6749 §4.1.2), judged: is it this login's, is it this server's, is it a code.

use portcullis_core::secret::{Secret, TokenHash};

use super::fault::{Fault, Result, quoted};
use super::form::decode;

/// What an answer must have.
pub(super) struct Expected {
    pub(super) state: Secret,
    pub(super) issuer: String,
    /// Whether the server puts its name into answers.
    pub(super) sends_iss: bool,
}

/// What came.
#[derive(Debug)]
pub(super) enum Heard {
    /// The login goes on.
    Code(Secret),
    /// Not for this login: anybody can send something to a port. The wait goes on.
    Stray,
}

impl Expected {
    /// Judges an answer's query.
    ///
    /// # Errors
    /// It is for this login, and ends it.
    pub(super) fn judge(&self, query: &str) -> Result<Heard> {
        let Some(pairs) = decode(query) else { return Ok(Heard::Stray) };
        let one = |name: &str| {
            let mut found = pairs.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str());
            (found.next(), found.next().is_some())
        };
        match one("state") {
            // Hashes are compared in constant time.
            (Some(state), false) if TokenHash::of(state).matches(&TokenHash::of(self.state.reveal())) => {}
            _ => return Ok(Heard::Stray),
        }
        let (iss, code, error) = (one("iss"), one("code"), one("error"));
        self.check_issuer(iss.0)?;
        match (code, error) {
            _ if iss.1 || code.1 || error.1 => Err(Fault::Denied("the answer says something twice".to_owned())),
            ((_, _), (Some(error), _)) => Err(denial(error, one("error_description").0)),
            ((Some(code), _), _) if !code.is_empty() => Ok(Heard::Code(Secret::new(code.to_owned()))),
            _ => Err(Fault::Denied("the answer has no code".to_owned())),
        }
    }

    /// RFC 9207 §2.4; errors are checked like codes.
    fn check_issuer(&self, found: Option<&str>) -> Result<()> {
        match found {
            Some(found) if found == self.issuer => Ok(()),
            None if !self.sends_iss => Ok(()),
            found => Err(Fault::MixUp { issuer: quoted(&self.issuer), found: quoted(found.unwrap_or("nobody")) }),
        }
    }
}

fn denial(error: &str, description: Option<&str>) -> Fault {
    let description = description.map(|text| format!(" ({})", quoted(text))).unwrap_or_default();
    Fault::Denied(format!("{}{description}", quoted(error)))
}

/// The query of what a person pasted: the whole URL that the browser shows, or what follows its question mark.
pub(super) fn pasted(line: &str) -> &str {
    let line = line.trim();
    let line = line.split_once('?').map_or(line, |(_, query)| query);
    line.split_once('#').map_or(line, |(query, _)| query)
}

#[cfg(test)]
mod tests {
    use portcullis_core::secret::Secret;

    use super::{Expected, Fault, Heard, pasted};

    fn judge(sends_iss: bool, query: &str) -> Result<Option<String>, Fault> {
        let expected = Expected { state: Secret::new("s t".into()), issuer: "https://as".into(), sends_iss };
        expected.judge(query).map(|heard| match heard {
            Heard::Code(code) => Some(code.reveal().to_owned()),
            Heard::Stray => None,
        })
    }

    #[test]
    fn a_code_is_taken_with_the_right_state_and_issuer() {
        assert_eq!(judge(true, "code=c%2B&state=s%20t&iss=https%3A%2F%2Fas&extra=1"), Ok(Some("c+".into())));
        assert_eq!(judge(false, "state=s+t&code=c"), Ok(Some("c".into())));
    }

    #[test]
    fn what_has_another_state_is_not_for_this_login() {
        for query in
            ["", "code=c", "code=c&state=", "code=c&state=x", "code=c&state=s t&state=s t", "error=access_denied&state=x", "%"]
        {
            assert_eq!(judge(false, query), Ok(None), "{query}");
        }
    }

    #[test]
    fn another_issuer_ends_the_login_and_so_does_a_missing_one_where_it_is_sent() {
        for iss in ["&iss=https://as/", "&iss=https://evil", "&iss="] {
            for what in ["code=c", "error=access_denied"] {
                assert!(matches!(judge(false, &format!("{what}&state=s t{iss}")), Err(Fault::MixUp { .. })), "{iss} {what}");
            }
        }
        assert!(matches!(judge(true, "code=c&state=s t"), Err(Fault::MixUp { .. })));
    }

    #[test]
    fn a_refusal_is_told_and_a_doubtful_answer_refused() {
        let reason = |query: &str| match judge(false, query) {
            Err(Fault::Denied(reason)) => reason,
            other => panic!("{query}: {other:?}"),
        };
        assert_eq!(reason("error=access_denied&error_description=not%20you%1b&state=s t"), "access_denied (not you )");
        assert_eq!(reason("error=access_denied&code=c&state=s t"), "access_denied");
        assert_eq!(reason("state=s t"), "the answer has no code");
        assert_eq!(reason("code=&state=s t"), "the answer has no code");
        for twice in ["code=c&code=d", "code=c&iss=https://as&iss=https://as", "error=a&error=b"] {
            assert_eq!(reason(&format!("{twice}&state=s t")), "the answer says something twice");
        }
    }

    #[test]
    fn a_person_may_paste_the_whole_url() {
        for line in [" http://127.0.0.1:1/callback?code=c&state=s \n", "?code=c&state=s", "code=c&state=s#_=_"] {
            assert_eq!(pasted(line), "code=c&state=s", "{line}");
        }
    }
}
