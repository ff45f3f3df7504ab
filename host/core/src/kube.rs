//! Requests to the API server as nouns, mirrored from `portcullis:kubernetes/api`. No HTTP here.

use std::fmt;
use std::time::Duration;

use crate::kubegrant::KubernetesAccess;
use crate::principal::Principal;

/// What a request is about, in the words of its URL.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    /// Empty for the core group.
    pub group: String,
    /// E.g. `v1`.
    pub version: String,
    /// Lower-case plural.
    pub plural: String,
    /// Absent: cluster scope or all namespaces.
    pub namespace: Option<String>,
    /// Absent: list, create, watch.
    pub name: Option<String>,
    /// E.g. `status`.
    pub subresource: Option<String>,
}

/// In which form objects come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// Whole objects.
    #[default]
    Object,
    /// meta.k8s.io/v1 Table, rows with PartialObjectMetadata.
    Table,
    /// PartialObjectMetadata.
    Metadata,
}

/// Options of list and watch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListOptions {
    /// Label selector.
    pub label_selector: Option<String>,
    /// Field selector.
    pub field_selector: Option<String>,
    /// Objects per page.
    pub limit: Option<u32>,
    /// Token of the page before.
    pub continue_token: Option<String>,
    /// Where to begin.
    pub resource_version: Option<String>,
}

/// Options of create, apply and patch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WriteOptions {
    /// dryRun=All.
    pub dry_run: bool,
    /// fieldManager.
    pub field_manager: Option<String>,
    /// fieldValidation.
    pub field_validation: Option<String>,
    /// Form of the reply.
    pub reply: Form,
}

/// Options of delete.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeleteOptions {
    /// dryRun=All.
    pub dry_run: bool,
    /// Precondition.
    pub uid: Option<String>,
    /// Precondition.
    pub resource_version: Option<String>,
    /// Background, Foreground or Orphan.
    pub propagation: Option<String>,
    /// Seconds.
    pub grace_period_seconds: Option<u32>,
}

/// Options of logs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogOptions {
    /// Container name.
    pub container: Option<String>,
    /// Of the instance before.
    pub previous: bool,
    /// RFC 3339 prefix on each line.
    pub timestamps: bool,
    /// Seconds.
    pub since_seconds: Option<u32>,
    /// Lines.
    pub tail_lines: Option<u32>,
    /// Bytes.
    pub limit_bytes: Option<u32>,
}

/// How a patch is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchKind {
    /// RFC 7396.
    Merge,
    /// RFC 6902.
    Json,
}

/// What to do. Objects may be Secrets, so that none prints itself.
#[derive(Clone, PartialEq, Eq)]
pub enum KubeOperation {
    /// One object.
    Get(Form),
    /// Many.
    List(ListOptions, Form),
    /// POST.
    Create(String, WriteOptions),
    /// Server-side apply; the flag is `force`.
    Apply(String, WriteOptions, bool),
    /// PATCH.
    Patch(PatchKind, String, WriteOptions),
    /// DELETE.
    Delete(DeleteOptions),
    /// `pods/log`.
    Logs(LogOptions),
    /// GET through the API server's proxy; the path begins with `/`.
    Proxy(String),
    /// SelfSubjectRulesReview in the target's namespace.
    Access,
    /// APIResourceList of the target's group and version.
    Discover,
    /// GET /version.
    ServerVersion,
}

/// For whom a request is made. Sent as `Impersonate-User` and `Impersonate-Group` if the configuration says `impersonate`, else unused.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Impersonation {
    /// The caller's name, as RBAC subjects of kind User name it. Must not begin with `system:`.
    pub user: String,
    /// The caller's groups. Must not begin with `system:`.
    pub groups: Vec<String>,
}

impl Impersonation {
    /// As whom the API server sees a caller: a token of the configuration by its name, and whom a strategy knows with the issuer in front, as
    /// `kube-apiserver` does for OpenID Connect users (`--oidc-username-prefix`: `ISSUER#`). Subjects and groups are unique within an issuer only:
    /// `alice` of a test issuer must not be anybody else's `alice`. `None`: nobody proved who it is.
    #[must_use]
    pub fn of(principal: &Principal) -> Option<Self> {
        let own = principal.issuer == Principal::CONFIG_ISSUER;
        let named = |name: &String| if own { name.clone() } else { format!("{}#{name}", principal.issuer) };
        let groups = principal.groups.iter().map(named).collect();
        (!principal.is_local()).then(|| Self { user: named(&principal.subject), groups })
    }
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubeRequest {
    /// About what.
    pub target: Target,
    /// What to do.
    pub operation: KubeOperation,
    /// Most time it may take, retries included.
    pub timeout: Duration,
    /// Most bytes of the reply's body.
    pub max_reply: u64,
    /// For whom; `None`: nobody is known. With `impersonate` that is `system:anonymous`, not the host.
    pub impersonate: Option<Impersonation>,
}

/// An opened watch's options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchRequest {
    /// About what.
    pub target: Target,
    /// From where, and which.
    pub options: ListOptions,
    /// In which form.
    pub form: Form,
    /// The server closes the watch after this.
    pub timeout_seconds: u32,
    /// For whom; `None`: nobody is known. With `impersonate` that is `system:anonymous`, not the host.
    pub impersonate: Option<Impersonation>,
}

/// A body and its warnings. It may be a Secret, so that it does not print itself.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct KubeReply {
    /// Byte for byte what the server sent.
    pub body: String,
    /// Texts of the `Warning:` headers.
    pub warnings: Vec<String>,
}

impl fmt::Debug for KubeReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KubeReply({} bytes, warnings {:?})", self.body.len(), self.warnings)
    }
}

/// One watch event. Its object may be a Secret, so that it does not print itself.
#[derive(Clone, PartialEq, Eq)]
pub struct KubeEvent {
    /// ADDED, MODIFIED, DELETED or BOOKMARK.
    pub kind: String,
    /// JSON text.
    pub object: String,
}

impl fmt::Debug for KubeEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KubeEvent({}, {} bytes)", self.kind, self.object.len())
    }
}

/// One reason inside a Status.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KubeCause {
    /// E.g. `FieldValueInvalid`.
    pub reason: String,
    /// For people.
    pub message: String,
    /// E.g. `spec.instances`.
    pub field: String,
}

/// Who refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KubeOrigin {
    /// The API server answered.
    #[default]
    ApiServer,
    /// The grant does not cover it.
    Grant,
    /// No answer came.
    Host,
}

/// A refusal: the API's Status, or the host's own in the same form.
#[derive(Debug, Clone, PartialEq, Eq, Default, thiserror::Error)]
#[error("{reason} ({code}): {message}")]
pub struct KubeStatus {
    /// HTTP status; 0 without an answer.
    pub code: u16,
    /// Machine-readable.
    pub reason: String,
    /// For people.
    pub message: String,
    /// Details.
    pub causes: Vec<KubeCause>,
    /// When the server wants to be asked again.
    pub retry_after: Option<Duration>,
    /// Who refused.
    pub origin: KubeOrigin,
}

impl fmt::Debug for KubeOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, body) = match self {
            Self::Get(_) => ("Get", None),
            Self::List(..) => ("List", None),
            Self::Create(body, _) => ("Create", Some(body)),
            Self::Apply(body, ..) => ("Apply", Some(body)),
            Self::Patch(_, body, _) => ("Patch", Some(body)),
            Self::Delete(_) => ("Delete", None),
            Self::Logs(_) => ("Logs", None),
            Self::Proxy(_) => ("Proxy", None),
            Self::Access => ("Access", None),
            Self::Discover => ("Discover", None),
            Self::ServerVersion => ("ServerVersion", None),
        };
        match body {
            Some(body) => write!(f, "{word}({} bytes)", body.len()),
            None => f.write_str(word),
        }
    }
}

impl KubeOperation {
    /// The RBAC verbs that this needs, all of them; none for what every authenticated user may do. An apply creates what is not there, and the
    /// API server, too, asks for both then.
    #[must_use]
    pub fn verbs(&self) -> &'static [&'static str] {
        match self {
            Self::Get(_) | Self::Logs(_) | Self::Proxy(_) => &["get"],
            Self::List(..) => &["list"],
            Self::Create(..) => &["create"],
            Self::Apply(..) => &["patch", "create"],
            Self::Patch(..) => &["patch"],
            Self::Delete(_) => &["delete"],
            Self::Access | Self::Discover | Self::ServerVersion => &[],
        }
    }

    /// The subresource that the operation itself implies.
    #[must_use]
    pub fn implied_subresource(&self) -> Option<&'static str> {
        match self {
            Self::Logs(_) => Some("log"),
            Self::Proxy(_) => Some("proxy"),
            _ => None,
        }
    }
}

impl Target {
    /// `plural` or `plural/subresource`, as RBAC writes it.
    #[must_use]
    pub fn rbac_resource(&self, implied: Option<&str>) -> String {
        match implied.or(self.subresource.as_deref()) {
            Some(sub) => format!("{}/{sub}", self.plural),
            None => self.plural.clone(),
        }
    }

    /// The request as a grant sees it. `resource` comes from [`Target::rbac_resource`].
    #[must_use]
    pub fn access<'a>(&'a self, verb: &'a str, resource: &'a str) -> KubernetesAccess<'a> {
        KubernetesAccess { verb, group: &self.group, resource, namespace: self.namespace.as_deref(), name: self.name.as_deref() }
    }
}

#[cfg(test)]
mod tests {
    use super::{Impersonation, KubeEvent, KubeOperation, KubeReply, PatchKind, WriteOptions};
    use crate::principal::Principal;

    #[test]
    fn callers_of_two_issuers_are_never_one_kubernetes_user() {
        let of = |issuer: &str| {
            let groups = vec!["dba".to_owned()];
            Impersonation::of(&Principal { subject: "alice".into(), issuer: issuer.into(), groups, ..Principal::local() })
        };
        let named = |user: &str, group: &str| Some(Impersonation { user: user.into(), groups: vec![group.into()] });
        assert_eq!(of("https://id.example.com"), named("https://id.example.com#alice", "https://id.example.com#dba"));
        assert_eq!(of("https://test"), named("https://test#alice", "https://test#dba"));
        assert_eq!(of(Principal::CONFIG_ISSUER), named("alice", "dba"));
        assert_eq!(of(Principal::LOCAL_ISSUER), None);
    }

    #[test]
    fn objects_do_not_print_themselves() {
        let body = || r#"{"data":"hush"}"#.to_owned();
        for (operation, printed) in [
            (KubeOperation::Create(body(), WriteOptions::default()), "Create(15 bytes)"),
            (KubeOperation::Apply(body(), WriteOptions::default(), true), "Apply(15 bytes)"),
            (KubeOperation::Patch(PatchKind::Merge, body(), WriteOptions::default()), "Patch(15 bytes)"),
            (KubeOperation::Access, "Access"),
        ] {
            assert_eq!(format!("{operation:?}"), printed);
        }
        let event = KubeEvent { kind: "ADDED".into(), object: body() };
        assert_eq!(format!("{event:?}"), "KubeEvent(ADDED, 15 bytes)");
        let reply = KubeReply { body: body(), warnings: vec!["old".into()] };
        assert_eq!(format!("{reply:?}"), "KubeReply(15 bytes, warnings [\"old\"])");
    }
}
