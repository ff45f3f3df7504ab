//! URL paths from targets, and the refusal of targets that would mean another URL than they say. Must not send anything.
//!
//! The grant was checked against the words of the target, so a word that the API server reads as two (`a/status`, `..`) would step past it:
//! `/` and `%` are refused as client-go refuses them (apimachinery, `IsValidPathSegmentName`), the rest is percent-encoded (RFC 3986 §3.3).

use portcullis_core::kube::{KubeStatus, Target};

use crate::query::encode_segment;
use crate::status::own;

/// What an operation says about one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    /// get, patch, delete: without a name a DELETE would empty the collection.
    One,
    /// list, watch: with a name it would be a get.
    Many,
    /// create: a name only for a subresource of it, e.g. `pods/eviction`.
    New,
}

/// `/apis/{group}/{version}[/namespaces/{namespace}]/{plural}[/{name}[/{subresource}]]`.
pub(crate) fn object(target: &Target, naming: Naming) -> Result<String, KubeStatus> {
    check_naming(target, naming)?;
    check_meaning(target)?;
    let mut path = group(&target.group, &target.version)?;
    if let Some(namespace) = &target.namespace {
        path.push_str("/namespaces");
        push(&mut path, word("namespace", namespace)?);
    }
    push(&mut path, word("plural", &target.plural)?);
    if let Some(name) = &target.name {
        push(&mut path, segment("name", name)?);
    }
    if let Some(subresource) = &target.subresource {
        push(&mut path, word("subresource", subresource)?);
    }
    Ok(path)
}

/// `/api/{version}` or `/apis/{group}/{version}`.
pub(crate) fn group(group: &str, version: &str) -> Result<String, KubeStatus> {
    let version = word("version", version)?;
    Ok(match group {
        "" => format!("/api/{version}"),
        group => format!("/apis/{}/{version}", word("group", group)?),
    })
}

fn push(path: &mut String, segment: &str) {
    path.push('/');
    encode_segment(path, segment);
}

/// A host's refusal of a target.
pub(crate) fn bad(message: impl Into<String>) -> KubeStatus {
    own("BadTarget", message)
}

/// Lower-case DNS words: groups, versions, plurals, namespaces and subresources are nothing else.
fn word<'a>(field: &str, value: &'a str) -> Result<&'a str, KubeStatus> {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    let begins = value.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if begins && value.bytes().all(good) {
        Ok(value)
    } else {
        Err(refused(field, value, "use lower-case letters, digits, `-` and `.`"))
    }
}

/// Any name that is one path segment (RBAC names hold `:` and more).
fn segment<'a>(field: &str, value: &'a str) -> Result<&'a str, KubeStatus> {
    let odd = value.is_empty()
        || value == "."
        || value == ".."
        || value.chars().any(|char| char == '/' || char == '%' || char.is_control());
    if odd {
        Err(refused(field, value, "a name is not empty, `.` or `..` and holds no `/`, `%` or control character"))
    } else {
        Ok(value)
    }
}

fn refused(field: &str, value: &str, hint: &str) -> KubeStatus {
    bad(format!("target.{field} {value:?} cannot be part of a URL: {hint}"))
}

fn check_naming(target: &Target, naming: Naming) -> Result<(), KubeStatus> {
    match (naming, &target.name, &target.subresource) {
        (Naming::One, None, _) => Err(bad("target.name is missing: this operation is about one object")),
        (Naming::Many, Some(_), _) | (Naming::Many, _, Some(_)) => Err(bad(
            "list and watch take neither target.name nor target.subresource: use get, or a field selector `metadata.name=…`",
        )),
        (Naming::New, Some(_), None) => Err(bad("create takes no target.name: the name is in the object's metadata")),
        (_, None, Some(_)) => Err(bad("target.subresource needs target.name")),
        _ => Ok(()),
    }
}

/// Paths that the API server reads otherwise (apiserver, `RequestInfoFactory`): `/api/v1/namespaces/a/secrets` is no subresource `secrets`
/// of the namespace, and `/api/v1/watch/…` no resource `watch`.
fn check_meaning(target: &Target) -> Result<(), KubeStatus> {
    if target.namespace.is_some() {
        return Ok(());
    }
    match (target.plural.as_str(), target.subresource.as_deref()) {
        ("namespaces", Some(sub)) if sub != "status" && sub != "finalize" => Err(bad(format!(
            "namespaces have no subresource {sub:?}: for {sub} in a namespace set target.namespace and target.plural"
        ))),
        ("watch" | "proxy", _) => Err(bad(format!("{:?} is not a resource", target.plural))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::{Naming, group, object};
    use portcullis_core::kube::Target;
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    fn clusters(name: Option<&str>) -> Target {
        Target {
            group: "postgresql.cnpg.io".into(),
            version: "v1".into(),
            plural: "clusters".into(),
            namespace: Some("prod".into()),
            name: name.map(str::to_owned),
            subresource: None,
        }
    }

    #[test]
    fn a_target_is_its_url() {
        let status = Target { subresource: Some("status".into()), ..clusters(Some("db")) };
        let everywhere = Target { namespace: None, ..clusters(None) };
        let role = Target {
            name: Some("system:node".into()),
            plural: "clusterroles".into(),
            group: "rbac.authorization.k8s.io".into(),
            ..everywhere.clone()
        };
        let pods = Target { group: String::new(), plural: "pods".into(), ..clusters(None) };
        assert_eq!(object(&status, Naming::One).unwrap(), "/apis/postgresql.cnpg.io/v1/namespaces/prod/clusters/db/status");
        assert_eq!(object(&everywhere, Naming::Many).unwrap(), "/apis/postgresql.cnpg.io/v1/clusters");
        assert_eq!(object(&role, Naming::One).unwrap(), "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node");
        assert_eq!(object(&pods, Naming::New).unwrap(), "/api/v1/namespaces/prod/pods");
        assert_eq!(group("", "v1").unwrap(), "/api/v1");
    }

    #[test]
    fn a_delete_without_a_name_never_becomes_a_deletecollection() {
        let refusal = object(&clusters(None), Naming::One).unwrap_err();
        assert!(refusal.reason == "BadTarget" && refusal.message.contains("target.name"), "{refusal}");
    }

    #[test]
    fn a_list_with_a_name_and_a_create_with_a_name_are_refused() {
        assert!(object(&clusters(Some("db")), Naming::Many).is_err());
        assert!(object(&clusters(Some("db")), Naming::New).is_err());
        let eviction = Target {
            group: String::new(),
            plural: "pods".into(),
            subresource: Some("eviction".into()),
            ..clusters(Some("db-1"))
        };
        assert_eq!(object(&eviction, Naming::New).unwrap(), "/api/v1/namespaces/prod/pods/db-1/eviction");
    }

    #[test]
    fn a_word_that_would_be_read_as_another_path_is_refused() {
        for name in ["", ".", "..", "db/status", "db%2fstatus", "a\nb", "../../secrets"] {
            assert!(object(&clusters(Some(name)), Naming::One).is_err(), "{name:?}");
        }
        for word in ["", "..", "a/b", "A", "ü", "a?b", "-a", "a b"] {
            let target = |change: fn(&mut Target, String)| {
                let mut target = clusters(Some("db"));
                change(&mut target, word.to_owned());
                object(&target, Naming::One)
            };
            assert!(target(|target, word| target.plural = word).is_err(), "plural {word:?}");
            assert!(target(|target, word| target.version = word).is_err(), "version {word:?}");
            assert!(target(|target, word| target.namespace = Some(word)).is_err(), "namespace {word:?}");
            assert!(target(|target, word| target.subresource = Some(word)).is_err(), "subresource {word:?}");
            assert!(word.is_empty() || target(|target, word| target.group = word).is_err(), "group {word:?}");
        }
    }

    #[test]
    fn secrets_cannot_be_read_as_a_subresource_of_their_namespace() {
        let target = Target {
            group: String::new(),
            plural: "namespaces".into(),
            namespace: None,
            subresource: Some("secrets".into()),
            ..clusters(Some("prod"))
        };
        assert!(object(&target, Naming::One).is_err());
        assert!(object(&Target { subresource: Some("finalize".into()), ..target }, Naming::One).is_ok());
        let watch = Target { plural: "watch".into(), namespace: None, ..clusters(Some("secrets")) };
        assert!(object(&watch, Naming::One).is_err());
    }

    proptest! {
        #[test]
        fn a_name_is_always_one_segment(name in "\\PC{0,12}") {
            if let Ok(path) = object(&clusters(Some(&name)), Naming::One) {
                prop_assert_eq!(path.split('/').count(), 8);
                prop_assert!(path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'?' && byte != b'#'));
            }
        }
    }
}
