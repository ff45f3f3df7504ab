//! Who is calling. A principal never carries the credential that proved it.

/// An authenticated caller. `subject` is unique only together with `issuer`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
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
}

impl Principal {
    /// Issuer of principals that the configuration file declares.
    pub const CONFIG_ISSUER: &str = "portcullis:config";
    /// Issuer of the caller behind stdio or an unguarded loopback endpoint.
    pub const LOCAL_ISSUER: &str = "portcullis:local";

    /// The person at this machine: stdio, or loopback without a guard.
    #[must_use]
    pub fn local() -> Self {
        Self { subject: "local".into(), issuer: Self::LOCAL_ISSUER.into(), name: None, groups: Vec::new(), project: None }
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
