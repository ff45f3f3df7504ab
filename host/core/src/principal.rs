//! Who is calling. A principal never carries the credential that proved it.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

/// An authenticated caller. `subject` is unique only together with `issuer`. Two principals are the same if issuer, subject and project are:
/// the next token of the same person may carry other groups and scopes.
#[derive(Debug, Clone)]
pub struct Principal {
    /// Stable identifier within the issuer.
    pub subject: String,
    /// Who vouches for it; [`Principal::CONFIG_ISSUER`] for tokens of the configuration file.
    pub issuer: String,
    /// For people.
    pub name: Option<String>,
    /// Group names as the issuer gave them.
    pub groups: Vec<String>,
    /// The project that a project token belongs to.
    pub project: Option<String>,
    /// Scopes of the OAuth token that it came with; `None`: it came with none, and policy alone decides.
    pub scopes: Option<Vec<String>>,
}

impl PartialEq for Principal {
    fn eq(&self, other: &Self) -> bool {
        self.identifier() == other.identifier()
    }
}

impl Eq for Principal {}

impl Hash for Principal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identifier().hash(state);
    }
}

impl PartialOrd for Principal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Principal {
    fn cmp(&self, other: &Self) -> Ordering {
        self.identifier().cmp(&other.identifier())
    }
}

impl Principal {
    /// Issuer of principals that the configuration file declares.
    pub const CONFIG_ISSUER: &str = "portcullis:config";
    /// Issuer of the caller behind stdio or an unguarded loopback endpoint.
    pub const LOCAL_ISSUER: &str = "portcullis:local";

    /// The person at this machine: stdio, or loopback without a guard.
    #[must_use]
    pub fn local() -> Self {
        Self {
            subject: "local".into(),
            issuer: Self::LOCAL_ISSUER.into(),
            name: None,
            groups: Vec::new(),
            project: None,
            scopes: None,
        }
    }

    fn identifier(&self) -> (&str, &str, Option<&str>) {
        (&self.issuer, &self.subject, self.project.as_deref())
    }

    /// Whether nobody proved who this is.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.issuer == Self::LOCAL_ISSUER
    }
}

impl std::fmt::Display for Principal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.subject, self.issuer)
    }
}
