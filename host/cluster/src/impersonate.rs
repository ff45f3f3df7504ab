//! For whom a request is made, as headers. Must not decide whether the configuration says so.
//! Spec: Kubernetes "Authenticating", user impersonation (`Impersonate-User`, `Impersonate-Group`).

use http::{HeaderMap, HeaderName, HeaderValue};
use portcullis_core::kube::{Impersonation, KubeStatus};

use crate::status::own;

const USER: HeaderName = HeaderName::from_static("impersonate-user");
const GROUP: HeaderName = HeaderName::from_static("impersonate-group");

/// The headers for a caller. Nobody is `system:anonymous`: with impersonation on, a request never runs with the host's own rights.
pub(crate) fn headers(caller: Option<&Impersonation>) -> Result<HeaderMap, KubeStatus> {
    let mut headers = HeaderMap::new();
    match caller {
        None => drop(headers.insert(USER, HeaderValue::from_static("system:anonymous"))),
        Some(caller) => {
            headers.insert(USER, value("user", &caller.user)?);
            for group in &caller.groups {
                headers.append(GROUP, value("group", group)?);
            }
        }
    }
    Ok(headers)
}

/// `system:` names belong to Kubernetes: an identity provider that hands out a group `system:masters` must not make administrators.
fn value(what: &str, name: &str) -> Result<HeaderValue, KubeStatus> {
    let refuse = |why: &str| own("Forbidden", format!("the caller's {what} {name:?} cannot be impersonated: {why}"));
    if name.trim().is_empty() || name.trim() != name {
        return Err(refuse("it is empty or begins or ends with a space"));
    }
    if name.starts_with("system:") {
        return Err(refuse("names that begin with `system:` are Kubernetes' own; rename it at the identity provider, or map it"));
    }
    HeaderValue::from_bytes(name.as_bytes()).map_err(|_| refuse("it holds a control character"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::headers;
    use portcullis_core::kube::Impersonation;

    fn caller(user: &str, groups: &[&str]) -> Impersonation {
        Impersonation { user: user.into(), groups: groups.iter().map(|&group| group.into()).collect() }
    }

    #[test]
    fn a_caller_is_named_with_all_groups() {
        let headers = headers(Some(&caller("jané@example.com", &["dba", "dev"]))).unwrap();
        assert_eq!(headers.get("impersonate-user").unwrap().as_bytes(), "jané@example.com".as_bytes());
        assert_eq!(headers.get_all("impersonate-group").iter().collect::<Vec<_>>(), ["dba", "dev"]);
    }

    #[test]
    fn nobody_is_anonymous_and_not_the_host() {
        assert_eq!(headers(None).unwrap().get("impersonate-user").unwrap(), "system:anonymous");
    }

    #[test]
    fn names_of_kubernetes_own_are_refused() {
        for (user, groups) in [
            ("system:admin", vec![]),
            ("jane", vec!["dba", "system:masters"]),
            ("", vec![]),
            ("a\nb", vec![]),
            ("jane", vec![""]),
            (" system:admin", vec![]),
        ] {
            assert_eq!(headers(Some(&caller(user, &groups))).unwrap_err().reason, "Forbidden", "{user:?} {groups:?}");
        }
    }
}
