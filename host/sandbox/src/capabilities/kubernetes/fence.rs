//! The value fence of `kubernetes`: is this a well-formed target, does the grant cover it, may values of Secrets come back? Guests are
//! untrusted and a URL is built from what they say, so nothing odd gets past here.

use portcullis_core::kube::{Form, KubeOperation, KubeOrigin, KubeStatus, PatchKind, Target, WriteOptions};
use portcullis_core::kubegrant::{KubernetesAccess, KubernetesGrant};

use super::refusal;
use crate::state::Shared;

/// Bytes of one part of a target: Kubernetes names have at most 253.
const PART_MAX: usize = 253;

/// Bytes of a proxied path.
const PATH_MAX: usize = 4 << 10;

/// Checks a request and returns it as it may be sent: replies of writes to Secrets are narrowed to metadata.
pub(super) fn pass(shared: &Shared, target: &Target, operation: KubeOperation) -> Result<KubeOperation, KubeStatus> {
    well_formed(target, &operation)?;
    no_credentials(target)?;
    for verb in operation.verbs() {
        granted(shared, target, verb, operation.implied_subresource())?;
    }
    if hides_values(shared, target) { narrow(shared, operation) } else { Ok(operation) }
}

/// A TokenRequest answers with a bearer token, and no credential ever enters a plugin, whatever was granted.
fn no_credentials(target: &Target) -> Result<(), KubeStatus> {
    if target.plural == "serviceaccounts" && target.subresource.as_deref() == Some("token") {
        return Err(forbidden("tokens of service accounts are not given to plugins; no grant allows it".into()));
    }
    Ok(())
}

/// Checks a watch.
pub(super) fn pass_watch(shared: &Shared, target: &Target, form: Form) -> Result<(), KubeStatus> {
    many(target)?;
    granted(shared, target, "watch", None)?;
    if hides_values(shared, target) && form == Form::Object { Err(values_refused(shared)) } else { Ok(()) }
}

/// Whether replies about this target must not carry values: it is a Secret, and the grant has no `secretValues`.
pub(super) fn hides_values(shared: &Shared, target: &Target) -> bool {
    let values = shared.grants.kubernetes.as_ref().is_some_and(|grant| grant.secret_values);
    !values && target.group.is_empty() && target.plural == "secrets"
}

fn granted(shared: &Shared, target: &Target, verb: &str, implied: Option<&str>) -> Result<(), KubeStatus> {
    let resource = target.rbac_resource(implied);
    let access = target.access(verb, &resource);
    let covers = |grant: &Option<KubernetesGrant>| grant.as_ref().is_some_and(|grant| grant.allows(&access));
    if covers(&shared.grants.kubernetes) {
        return Ok(());
    }
    Err(forbidden(uncovered(shared, &access, covers(&shared.requests.kubernetes))))
}

fn forbidden(message: String) -> KubeStatus {
    KubeStatus { code: 403, reason: "Forbidden".into(), message, origin: KubeOrigin::Grant, ..KubeStatus::default() }
}

/// Names the file that must change: the operator's, or the plugin's own.
fn uncovered(shared: &Shared, access: &KubernetesAccess<'_>, requested: bool) -> String {
    let (name, rule) = (&shared.name, access.missing_rule());
    let what = format!("the grant of plugin `{name}` does not cover `{}` on `{}`", access.verb, access.resource);
    if requested {
        format!("{what}; to allow it, add under plugins.{name}.grants.kubernetes.rules:\n{rule}")
    } else {
        format!("{what}, and its plugin.yaml does not request it; its author adds under requests.kubernetes.rules:\n{rule}")
    }
}

fn values_refused(shared: &Shared) -> KubeStatus {
    forbidden(format!(
        "the grant of plugin `{0}` covers Secrets but not their values; ask for the form `metadata` or `table`, or set \
         plugins.{0}.grants.kubernetes.secretValues: true",
        shared.name
    ))
}

/// What may be done with a Secret whose values the guest must not see. A JSON patch is refused: its `copy` and `test` read values.
fn narrow(shared: &Shared, operation: KubeOperation) -> Result<KubeOperation, KubeStatus> {
    let metadata = |options: WriteOptions| WriteOptions { reply: Form::Metadata, ..options };
    match operation {
        KubeOperation::Get(Form::Object) | KubeOperation::List(_, Form::Object) => Err(values_refused(shared)),
        KubeOperation::Patch(PatchKind::Json, ..) => Err(values_refused(shared)),
        KubeOperation::Create(object, options) => Ok(KubeOperation::Create(object, metadata(options))),
        KubeOperation::Apply(object, options, force) => Ok(KubeOperation::Apply(object, metadata(options), force)),
        KubeOperation::Patch(kind, patch, options) => Ok(KubeOperation::Patch(kind, patch, metadata(options))),
        other => Ok(other),
    }
}

fn bad(message: impl Into<String>) -> KubeStatus {
    refusal(400, "BadTarget", message)
}

fn well_formed(target: &Target, operation: &KubeOperation) -> Result<(), KubeStatus> {
    match operation {
        KubeOperation::ServerVersion => Ok(()),
        KubeOperation::Access => {
            target.namespace.as_deref().map_or(Ok(()), |namespace| segment("namespace", namespace, &is_label))
        }
        KubeOperation::Discover => group_version(target),
        KubeOperation::List(..) => many(target),
        KubeOperation::Create(..) if target.subresource.is_none() && target.name.is_some() => {
            Err(bad("a create names no object: put the name into metadata.name"))
        }
        KubeOperation::Create(..) => parts(target),
        KubeOperation::Logs(_) => one(target).and_then(|()| kind(target, &["pods"])),
        KubeOperation::Proxy(path) => {
            one(target)?;
            kind(target, &["pods", "services"])?;
            proxied(path)
        }
        _ => one(target),
    }
}

fn kind(target: &Target, allowed: &[&str]) -> Result<(), KubeStatus> {
    let fits = target.group.is_empty() && allowed.contains(&target.plural.as_str()) && target.subresource.is_none();
    if fits { Ok(()) } else { Err(bad(format!("this works on {} of the core group only", allowed.join(" and ")))) }
}

/// A request about one object.
fn one(target: &Target) -> Result<(), KubeStatus> {
    if target.name.is_none() {
        return Err(bad("the target names no object"));
    }
    parts(target)
}

/// A request about many. A name here would slip past a rule with resourceNames.
fn many(target: &Target) -> Result<(), KubeStatus> {
    if target.name.is_some() || target.subresource.is_some() {
        return Err(bad(
            "list and watch take neither name nor subresource: select one object by field-selector metadata.name=NAME",
        ));
    }
    parts(target)
}

fn parts(target: &Target) -> Result<(), KubeStatus> {
    group_version(target)?;
    segment("plural", &target.plural, &is_label)?;
    target.namespace.as_deref().map_or(Ok(()), |one| segment("namespace", one, &is_label))?;
    target.subresource.as_deref().map_or(Ok(()), |one| segment("subresource", one, &is_label))?;
    target.name.as_deref().map_or(Ok(()), |one| segment("name", one, &is_name))
}

fn group_version(target: &Target) -> Result<(), KubeStatus> {
    let group = if target.group.is_empty() { Ok(()) } else { segment("group", &target.group, &is_label) };
    group.and_then(|()| segment("version", &target.version, &is_label))
}

/// Letters, digits, `-` and `.`: what groups, versions, plurals, namespaces and subresources consist of.
fn is_label(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.')
}

/// What the API server takes as a path segment, RBAC names with `:` included; nothing that a URL gives a meaning to.
fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':' | b'@' | b'+' | b'~')
}

fn segment(what: &str, text: &str, fits: &dyn Fn(u8) -> bool) -> Result<(), KubeStatus> {
    let odd = text.is_empty() || text.len() > PART_MAX || text.contains("..") || text == "." || !text.bytes().all(fits);
    if odd {
        Err(bad(format!("the {what} of the target is empty, too long or has characters that it must not have")))
    } else {
        Ok(())
    }
}

/// A path that stays below the proxied object however it is read.
fn proxied(path: &str) -> Result<(), KubeStatus> {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'#' | b'\\');
    let route = path.split('?').next().unwrap_or_default().to_ascii_lowercase().replace("%2e", ".");
    let climbs = route.split('/').any(|part| matches!(part, "." | "..")) || route.contains("%2f") || route.contains("%5c");
    let fits = path.starts_with('/') && path.len() <= PATH_MAX && path.bytes().all(plain) && !climbs;
    if fits { Ok(()) } else { Err(bad("the path must begin with / and hold neither spaces nor dot segments")) }
}

#[cfg(test)]
mod tests {
    use super::{many, no_credentials, one, parts, proxied};
    use portcullis_core::kube::Target;

    fn target(change: impl FnOnce(&mut Target)) -> Target {
        let mut target = Target {
            version: "v1".into(),
            plural: "pods".into(),
            namespace: Some("a".into()),
            name: Some("b".into()),
            ..Target::default()
        };
        change(&mut target);
        target
    }

    #[test]
    fn nothing_that_a_url_gives_a_meaning_to_gets_into_one() {
        assert!(one(&target(|_| {})).is_ok());
        assert!(one(&target(|target| target.name = Some("system:node:x".into()))).is_ok());
        for odd in ["", ".", "..", "a/b", "a%2fb", "a?b", "a#b", "a b", "a\nb", "a\\b", "é", "../secrets"] {
            assert!(one(&target(|target| target.name = Some(odd.into()))).is_err(), "name {odd}");
            assert!(parts(&target(|target| target.plural = odd.into())).is_err(), "plural {odd}");
            assert!(parts(&target(|target| target.namespace = Some(odd.into()))).is_err(), "namespace {odd}");
            assert!(parts(&target(|target| target.version = odd.into())).is_err(), "version {odd}");
            assert!(parts(&target(|target| target.subresource = Some(odd.into()))).is_err(), "subresource {odd}");
        }
    }

    #[test]
    fn a_list_with_a_name_is_refused_since_a_name_would_pass_a_rule_for_names() {
        assert!(many(&target(|_| {})).is_err());
        assert!(many(&target(|target| target.name = None)).is_ok());
        assert!(one(&target(|target| target.name = None)).is_err());
    }

    #[test]
    fn no_grant_reaches_the_token_of_a_service_account() {
        let account = |subresource: Option<&str>| {
            target(|target| (target.plural, target.subresource) = ("serviceaccounts".into(), subresource.map(str::to_owned)))
        };
        assert!(no_credentials(&account(None)).is_ok());
        assert_eq!(no_credentials(&account(Some("token"))).unwrap_err().code, 403);
    }

    #[test]
    fn a_proxied_path_stays_below_its_object() {
        for good in ["/", "/pg/status", "/a?b=c%20d", "/a.b/..c"] {
            assert!(proxied(good).is_ok(), "{good}");
        }
        for odd in ["", "a", "/a/../b", "/..", "/%2e%2E/b", "/a%2f..", "/a b", "/a#b", "/a\\b", "/\n"] {
            assert!(proxied(odd).is_err(), "{odd}");
        }
    }
}
