//! Lines of pg_hba.conf, as far as a slip in one can be told before it is sent: CloudNativePG passes them on as they are, and PostgreSQL
//! refuses the whole file for one that it cannot read. Source: PostgreSQL 18, "The pg_hba.conf File".

use crate::logs::redact;
use crate::text::short;

const TYPES: [&str; 6] = ["local", "host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc"];
const METHODS: [&str; 14] = [
    "trust",
    "reject",
    "scram-sha-256",
    "md5",
    "password",
    "gss",
    "sspi",
    "ident",
    "peer",
    "pam",
    "ldap",
    "radius",
    "cert",
    "oauth",
];
/// Options whose value is a password: a Cluster is no place for one.
const SECRETS: [&str; 2] = ["ldapbindpasswd", "radiussecrets"];

/// The words of a line; what is quoted is one word.
fn words(line: &str) -> Vec<String> {
    let (mut out, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for letter in line.chars() {
        quoted ^= letter == '"';
        if letter.is_whitespace() && !quoted {
            out.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
        } else {
            word.push(letter);
        }
    }
    out.extend((!word.is_empty()).then_some(word));
    out
}

/// Whether they say the same.
pub(super) fn same(one: &str, other: &str) -> bool {
    words(one) == words(other)
}

/// The method; `None` if the line is none that we understand.
fn method(words: &[String]) -> Option<&str> {
    let word = |at: usize| words.get(at).map(String::as_str);
    // An address may be two words: the number and its mask.
    let masked = word(4).is_some_and(|one| one.contains('.') || one.contains(':')) && words.len() > 5;
    match word(0)? {
        "local" => word(3),
        _ if masked => word(5),
        _ => word(4),
    }
}

/// Why PostgreSQL would not read it, or we would not write it.
pub(super) fn check(line: &str) -> Result<(), String> {
    let words = words(line);
    let first = words.first().map(String::as_str).unwrap_or_default();
    if line.chars().any(char::is_control) || line.matches('"').count() % 2 == 1 {
        return Err("has a line break, another control character or an open quote".into());
    }
    if !TYPES.contains(&first) {
        return Err(format!("begins with none of {}", TYPES.join(", ")));
    }
    if let Some(secret) = SECRETS.iter().find(|one| line.contains(**one)) {
        return Err(format!("holds a password (`{secret}`): use `spec.postgresql.ldap`, which takes it from a Secret"));
    }
    match method(&words) {
        None => Err("is too short: type, database, role, address (not with `local`) and method".into()),
        Some(one) if METHODS.contains(&one) => Ok(()),
        Some(other) => Err(format!("has the method `{}`, which PostgreSQL does not know", short(other))),
    }
}

/// Whether it lets in without any proof.
pub(super) fn is_open(line: &str) -> bool {
    method(&words(line)) == Some("trust")
}

/// For people: on one line, without passwords that somebody else wrote into it.
pub(super) fn shown(line: &str) -> String {
    short(&redact(line))
}

#[cfg(test)]
mod tests {
    use super::{check, is_open, same, shown};

    #[test]
    fn lines_that_postgresql_reads_pass() {
        for line in [
            "host all all 10.0.0.0/8 scram-sha-256",
            "hostssl app,other +staff samenet cert clientcert=verify-full",
            "hostnossl \"my db\" all 10.0.0.0 255.0.0.0 reject",
            "local all all peer map=staff",
            "host all all ${podselector:jump} md5",
            "host all all ::1 ffff:: trust",
        ] {
            assert_eq!(check(line), Ok(()), "{line}");
        }
    }

    #[test]
    fn lines_that_it_would_choke_on_do_not() {
        for line in [
            "",
            "# comment",
            "host all all",
            "host all all 10.0.0.0/8",
            "hosts all all all md5",
            "host all all all magic",
            "host all all all md5\nlocal all all trust",
            "host \"a all all md5",
        ] {
            assert!(check(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_password_is_neither_taken_nor_shown() {
        let line = "host all all all ldap ldapserver=x ldapbindpasswd=hunter2";
        assert!(check(line).is_err_and(|why| why.contains("ldapbindpasswd")));
        assert!(!shown(line).contains("hunter2") && !shown("host a a a radius radiussecrets=\"hunter2\"").contains("hunter2"));
    }

    #[test]
    fn trust_is_open_with_either_way_to_write_an_address() {
        assert!(is_open("host all all 10.0.0.0/8 trust") && is_open("host all all 10.0.0.0 255.0.0.0 trust"));
        assert!(!is_open("host trust all 10.0.0.0/8 md5") && same("host  a b c  md5", "host a b c md5"));
    }
}
