//! Passwords: made from the host's cryptographic random numbers, written into Secrets, and nowhere else. Nothing here can be printed.

use crate::port::Host;
use crate::problem::Problem;

/// Characters of a password: 190 bits.
const LENGTH: usize = 32;
/// Letters and digits only: nothing that a shell, a URI or a pgpass file reads as something else.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// Bytes from here on are thrown away, so that every character is equally likely.
const FAIR: u8 = 248;
/// Random bytes per request, and requests before the source is taken for broken.
const CHUNK: usize = 64;
const CHUNKS_MAX: usize = 16;

/// A password.
pub(crate) struct Password(String);

impl Password {
    /// A new one.
    ///
    /// # Errors
    /// When the host gives no random numbers: nothing that can be guessed is made.
    pub(crate) fn generate(host: &dyn Host) -> Result<Self, Problem> {
        let mut out = String::with_capacity(LENGTH);
        let mut bytes = [0_u8; CHUNK];
        for _ in 0..CHUNKS_MAX {
            if !host.random(&mut bytes) {
                break;
            }
            let fair = bytes.iter().filter(|one| **one < FAIR);
            out.extend(fair.filter_map(|one| ALPHABET.get(usize::from(*one) % ALPHABET.len())).map(|one| char::from(*one)));
            if out.len() >= LENGTH {
                out.truncate(LENGTH);
                return Ok(Self(out));
            }
        }
        let hint = "The host's operator must grant this plugin `random: true`.";
        Err(Problem::refused("NoRandomNumbers", "the host gives no random numbers, so no password was made", hint))
    }

    /// The caller's own.
    ///
    /// # Errors
    /// Never with the value in it.
    pub(crate) fn given(text: &str) -> Result<Self, Problem> {
        if text.is_empty() || text.contains('\0') {
            let message = "it is empty or holds a zero byte";
            return Err(Problem::argument(
                "password",
                message,
                "Leave it out and pass `reset_password: true`: that is safer anyway.",
            ));
        }
        Ok(Self(text.into()))
    }

    /// As a Secret holds it.
    pub(crate) fn encoded(&self) -> String {
        base64(self.0.as_bytes())
    }

    /// The problem without the password, should an API server repeat what it was sent.
    pub(crate) fn hidden_in(&self, mut problem: Problem) -> Problem {
        let encoded = self.encoded();
        let hide = |text: &str| text.replace(&encoded, "[hidden]").replace(&self.0, "[hidden]");
        problem.message = hide(&problem.message).into();
        problem.hint = hide(&problem.hint).into();
        for one in &mut problem.causes {
            one.message = hide(&one.message);
        }
        problem
    }
}

/// RFC 4648, with padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let at = |place: usize| u32::from(group.get(place).copied().unwrap_or(0));
        let word = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            let digit = usize::try_from(word >> (18 - 6 * place) & 63).ok().and_then(|one| DIGITS.get(one)).copied();
            out.push(if place > group.len() { '=' } else { char::from(digit.unwrap_or(b'A')) });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{LENGTH, Password, base64};
    use crate::port::Host;
    use crate::problem::Problem;

    /// A source of one byte after the other, or of nothing.
    struct Source(Option<u8>);

    impl Host for Source {
        fn now(&self) -> i64 {
            0
        }
        fn elapsed_ms(&self) -> u64 {
            0
        }
        fn pause(&self, _: u64) {}
        fn progress(&self, _: u32, _: &str) {}
        fn log(&self, _: &str) {}
        fn tools_changed(&self) {}
        fn random(&self, bytes: &mut [u8]) -> bool {
            let Some(first) = self.0 else { return false };
            bytes.iter_mut().zip(0_u8..).for_each(|(byte, at)| *byte = first.saturating_add(at));
            true
        }
    }

    #[test]
    fn a_password_has_32_letters_and_digits() {
        let made = Password::generate(&Source(Some(0))).map(|one| one.0).unwrap_or_default();
        assert_eq!(made.len(), LENGTH);
        assert!(made.bytes().all(|one| one.is_ascii_alphanumeric()));
    }

    #[test]
    fn bytes_that_would_favour_some_letters_are_thrown_away() {
        // 248 to 255 only: no password can come of them.
        assert!(Password::generate(&Source(Some(248))).is_err());
    }

    #[test]
    fn without_random_numbers_no_password_is_made() {
        assert!(Password::generate(&Source(None)).is_err_and(|problem| problem.hint.contains("random: true")));
    }

    #[test]
    fn base64_is_that_of_the_rfc() {
        let all = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|one| base64(one.as_bytes()));
        assert_eq!(all, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]);
    }

    #[test]
    fn a_problem_that_repeats_the_password_is_told_without_it() {
        let password = Password("hunter2hunter2".into());
        let repeated = format!("data.password: {} (hunter2hunter2)", password.encoded());
        let problem = password.hidden_in(Problem::argument("x", repeated.clone(), repeated));
        let whole = format!("{problem:?}");
        assert!(!whole.contains("hunter2") && !whole.contains(&password.encoded()) && whole.contains("[hidden]"), "{whole}");
    }
}
