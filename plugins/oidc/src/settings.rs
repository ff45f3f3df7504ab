//! The plugin's settings, as the operator wrote them. The schema and its defaults are in plugin.yaml; each is enforced where it is named.

use serde::Deserialize;

/// What to do about opaque tokens of several issuers.
const PREFIXES: &str = "give each `introspection.prefix`, none the beginning of another, or a token would go to a stranger";

/// What the operator decided.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Settings {
    /// In the order in which they are advertised.
    pub(crate) issuers: Vec<Issuer>,
    /// By how much clocks may differ.
    #[serde(default = "leeway")]
    pub(crate) leeway_seconds: u32,
}

/// One issuer.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Issuer {
    /// Character for character.
    pub(crate) issuer: String,
    #[serde(default)]
    pub(crate) audiences: Vec<String>,
    #[serde(default = "algorithms")]
    pub(crate) algorithms: Vec<String>,
    #[serde(default = "types")]
    pub(crate) types: Vec<String>,
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
    /// Whether its document lists every scope that it grants.
    #[serde(default = "yes")]
    pub(crate) lists_all_scopes: bool,
    #[serde(default)]
    pub(crate) scope_claim: Option<String>,
    #[serde(default = "groups")]
    pub(crate) groups_claim: Option<String>,
    #[serde(default)]
    pub(crate) name_claim: Option<String>,
    #[serde(default)]
    pub(crate) clients: Vec<String>,
    #[serde(default)]
    pub(crate) jwks_uri: Option<String>,
    #[serde(default)]
    pub(crate) introspection: Option<Introspection>,
}

/// How an issuer's opaque tokens are judged.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Introspection {
    pub(crate) endpoint: String,
    /// How its tokens begin; absent: anyhow.
    #[serde(default)]
    pub(crate) prefix: Option<String>,
    #[serde(default = "keep")]
    pub(crate) keep_seconds: u64,
}

impl Settings {
    /// Reads them.
    ///
    /// # Errors
    /// What is wrong, for the operator.
    pub(crate) fn parse(json: &str) -> Result<Self, String> {
        let settings: Self = serde_json::from_str(json).map_err(|error| ["settings: ", &error.to_string()].concat())?;
        let mut names: Vec<&str> = settings.issuers.iter().map(|one| one.issuer.as_str()).collect();
        names.sort_unstable();
        match names.windows(2).find_map(|pair| match pair {
            [one, other] if one == other => Some(*one),
            _ => None,
        }) {
            Some(twice) => Err(["settings: issuers has `", twice, "` twice: keep one entry and put everything into it"].concat()),
            None => settings.check_prefixes().map(|()| settings),
        }
    }

    /// Of each opaque token it must be clear which issuer may see it.
    fn check_prefixes(&self) -> Result<(), String> {
        let named = |one: &Issuer| Some((one.issuer.clone(), one.introspection.as_ref()?.prefix.clone().unwrap_or_default()));
        let mut all: Vec<(String, String)> = self.issuers.iter().filter_map(named).collect();
        // Sorted, a prefix comes right before what begins with it.
        all.sort_by(|(_, one), (_, other)| one.cmp(other));
        match all.windows(2).find_map(|pair| match pair {
            [(one, prefix), (other, longer)] if longer.starts_with(prefix) => Some((one, other)),
            _ => None,
        }) {
            Some((one, other)) => {
                Err(["settings: an opaque token could be `", one, "`'s or `", other, "`'s: ", PREFIXES].concat())
            }
            None => Ok(()),
        }
    }

    /// The issuer of this name.
    pub(crate) fn issuer(&self, name: &str) -> Option<&Issuer> {
        self.issuers.iter().find(|one| one.issuer == name)
    }
}

fn list(values: &[&str]) -> Vec<String> {
    values.iter().map(|&one| one.to_owned()).collect()
}

fn algorithms() -> Vec<String> {
    list(&["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"])
}

fn types() -> Vec<String> {
    list(&["", "jwt", "at+jwt"])
}

#[expect(clippy::unnecessary_wraps, reason = "the default of an optional field")]
fn groups() -> Option<String> {
    Some("groups".to_owned())
}

fn yes() -> bool {
    true
}

fn leeway() -> u32 {
    60
}

fn keep() -> u64 {
    60
}
