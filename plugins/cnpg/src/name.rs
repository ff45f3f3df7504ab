//! Names that CloudNativePG accepts. Source: `validateName` in CloudNativePG `internal/webhook/v1/cluster_webhook.go`:
//! DNS-1035 and at most 50 characters, since services and pods append to it.

/// Longest cluster name, in characters.
pub(crate) const CLUSTER_MAX: usize = 50;
/// DNS-1035 with the length, as the input schema says it.
pub(crate) const CLUSTER_PATTERN: &str = "^[a-z]([-a-z0-9]{0,48}[a-z0-9])?$";
/// RFC 1123 label: a namespace.
pub(crate) const LABEL_PATTERN: &str = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$";
/// RFC 1123 subdomain: the name of an object that exists already.
pub(crate) const OBJECT_PATTERN: &str = "^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$";

/// Why CloudNativePG would refuse this cluster name; `None` if it would not.
pub(crate) fn refuse(name: &str) -> Option<&'static str> {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.len() > CLUSTER_MAX {
        return Some("it is longer than 50 characters, and CloudNativePG appends to it");
    }
    if !name.bytes().next().is_some_and(|first| first.is_ascii_lowercase()) {
        return Some("it must begin with a lower-case letter (DNS-1035)");
    }
    if name.ends_with('-') || !name.bytes().all(inner) {
        return Some("only lower-case letters, digits and hyphens are allowed, and no hyphen at the end (DNS-1035)");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::refuse;

    #[test]
    fn d16_cluster_names_follow_the_webhook() {
        assert_eq!(refuse("db"), None);
        assert_eq!(refuse(&"a".repeat(50)), None);
        for bad in ["", "1db", "Db", "db-", "my_db", "my.db", "-db"] {
            assert!(refuse(bad).is_some(), "{bad}");
        }
        assert!(refuse(&"a".repeat(51)).is_some_and(|why| why.contains("50")));
    }
}
