//! Names of the objects that the tools make for things inside PostgreSQL. PostgreSQL takes any text as a name,
//! Kubernetes does not, and `a` + `b-c` must not meet `a-b` + `c` in one object. An object is always found by what its spec says, never
//! by its name.

use sha2::{Digest, Sha256};

/// Longest slug of the inner name, in characters: with the longest cluster name (50) and the hash, the whole is a DNS label (63).
/// What CloudNativePG derives from it (e.g. `-client-cert`) then stays far below the 253 of an object.
const SLUG_MAX: usize = 48;
/// Longest name whole, in characters: it also fits into a label's value.
const NAME_MAX: usize = 63;

/// The object's name: `cluster-name`, as the reference called it, where Kubernetes takes that; else a slug with a hash behind it. `path`
/// is what the thing is called inside the cluster, outermost first: `[role]`, `[database]`, `[database, publication]`. With a hyphen in
/// it, another cluster's may be called the same: who creates one looks, and takes [`hashed`] then.
pub(crate) fn object(cluster: &str, path: &[&str]) -> String {
    let joined = path.join("-");
    let slug = slug(&joined);
    let plain = format!("{cluster}-{slug}");
    if path.len() == 1 && slug == joined && plain.len() <= NAME_MAX {
        return plain;
    }
    hashed(cluster, path)
}

/// The name with the hash, also where the plain one would do: for when another object has that already.
pub(crate) fn hashed(cluster: &str, path: &[&str]) -> String {
    let slug = slug(&path.join("-"));
    let hash = hash(&format!("{cluster}/{}", path.join("/")));
    let room = NAME_MAX.saturating_sub(cluster.len() + 1 + 1 + hash.len());
    let short: String = slug.chars().take(room).collect();
    let short = short.trim_end_matches('-');
    if short.is_empty() { format!("{cluster}-{hash}") } else { format!("{cluster}-{short}-{hash}") }
}

/// Lower-case letters, digits and single hyphens, with neither end a hyphen.
fn slug(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars().map(|one| one.to_ascii_lowercase()) {
        if letter.is_ascii_lowercase() || letter.is_ascii_digit() {
            out.push(letter);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
        if out.len() >= SLUG_MAX {
            break;
        }
    }
    out.trim_end_matches('-').to_owned()
}

/// The first six hexadecimal digits of SHA-256: tells names apart, protects nothing.
fn hash(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(3).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{hashed, object};
    use crate::name::OBJECT_PATTERN;

    #[test]
    fn a_plain_name_is_the_one_that_the_reference_gave() {
        assert_eq!(object("db", &["app"]), "db-app");
        assert_eq!(object("my-db", &["app1"]), "my-db-app1");
        assert_eq!(object("db", &["my-app"]), "db-my-app");
    }

    #[test]
    fn d2_two_clusters_that_meet_in_one_name_have_another_each() {
        assert_eq!(object("a-b", &["c"]), object("a", &["b-c"]));
        assert_ne!(hashed("a-b", &["c"]), hashed("a", &["b-c"]));
        assert_ne!(object("a", &["b", "c"]), object("a", &["b-c"]));
        assert_ne!(object("a", &["b", "c"]), hashed("a", &["b-c"]));
    }

    #[test]
    fn d16_names_that_differ_only_in_what_kubernetes_lacks_stay_apart() {
        let all = ["app_user", "app-user", "App_User", "app user", "AppUser", "appuser", "Ünï", "___", "app/user"];
        let mut names: Vec<String> = all.iter().map(|one| object("db", &[one])).collect();
        for name in &names {
            assert!(name.len() <= 63 && !name.ends_with('-') && name.is_ascii(), "{name}");
            assert!(
                !name.contains('_') && !name.contains(' ') && *name == name.to_lowercase(),
                "{name} against {OBJECT_PATTERN}"
            );
        }
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all.len());
    }

    #[test]
    fn the_longest_names_stay_within_a_label() {
        let (cluster, role) = ("c".repeat(50), "r".repeat(63));
        let name = object(&cluster, &[&role]);
        assert_eq!(name.len(), 63);
        assert_ne!(name, object(&cluster, &[&"r".repeat(62)]));
    }
}
