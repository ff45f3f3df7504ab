//! Who may do what. The only place that makes a [`Permit`], and nothing runs without one. Default deny.
//!
//! Until identities live in the store, the rules are those of the configuration: a token's patterns, access rules for people whom an auth
//! strategy knows, and the local caller of stdio or an unguarded loopback endpoint, who may do everything that the operator's plugins may.

mod rules;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::principal::Principal;

pub use rules::{AccessRule, ScopeHierarchy, TokenRules, glob};

/// What a principal wants to do with a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// `tools/call`, and being shown the tool in `tools/list`.
    CallTool,
    /// `prompts/get`, and being shown the prompt.
    GetPrompt,
    /// `resources/read`, subscribing, and being shown the resource.
    ReadResource,
}

impl Action {
    /// The word in audit records.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::CallTool => "tools/call",
            Self::GetPrompt => "prompts/get",
            Self::ReadResource => "resources/read",
        }
    }
}

/// Proof that policy allowed one action on one target. Cannot be made elsewhere, is used up by the call.
///
/// ```compile_fail
/// let forged = portcullis_core::policy::Permit { ..unimplemented!() };
/// ```
#[derive(Debug)]
pub struct Permit {
    principal: Arc<Principal>,
    action: Action,
    target: String,
    policy: String,
}

impl Permit {
    /// Who was permitted.
    #[must_use]
    pub fn principal(&self) -> &Arc<Principal> {
        &self.principal
    }

    /// To do what.
    #[must_use]
    pub fn action(&self) -> Action {
        self.action
    }

    /// With which tool, prompt or resource.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Id of the policy that decided, for the audit trail.
    #[must_use]
    pub fn policy(&self) -> &str {
        &self.policy
    }
}

/// Why there is no permit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{principal}` may not use `{target}` ({policy})")]
pub struct Denial {
    /// Who asked.
    pub principal: String,
    /// For what.
    pub target: String,
    /// Id of the policy that decided; `default-deny` if none matched, `scopes` if nothing but scopes is missing.
    pub policy: String,
    /// Scopes with which it would be allowed, those included that the caller has; empty: no scope would help.
    pub scopes: Vec<String>,
}

/// The rules of one snapshot.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    tokens: BTreeMap<String, TokenRules>,
    access: Vec<AccessRule>,
    hierarchy: ScopeHierarchy,
    tool_scopes: BTreeMap<String, Vec<String>>,
}

/// What the rules say.
enum Decision {
    Allowed(String),
    /// These scopes would do.
    Scopes(Vec<String>),
    Denied,
}

impl Policy {
    /// Rules by token name.
    #[must_use]
    pub fn new(tokens: BTreeMap<String, TokenRules>) -> Self {
        Self { tokens, ..Self::default() }
    }

    /// With rules for people whom an auth strategy knows.
    #[must_use]
    pub fn with_access(self, access: Vec<AccessRule>, hierarchy: ScopeHierarchy) -> Self {
        Self { access, hierarchy, ..self }
    }

    /// With the scopes that tools need of callers who come with an OAuth token (`tool.scopes`).
    #[must_use]
    pub fn with_tool_scopes(self, tool_scopes: BTreeMap<String, Vec<String>>) -> Self {
        Self { tool_scopes, ..self }
    }

    /// Decides.
    ///
    /// # Errors
    /// [`Denial`]: the caller learns that the target is not for it, in the same words as for one that does not exist; unless it is the
    /// scopes alone that are missing, which it may ask for.
    pub fn decide(&self, principal: &Arc<Principal>, action: Action, target: &str) -> Result<Permit, Denial> {
        let denial = |policy: &str, scopes| Denial {
            principal: principal.to_string(),
            target: target.to_owned(),
            policy: policy.to_owned(),
            scopes,
        };
        match self.judge(principal, action, target) {
            Decision::Allowed(policy) => {
                Ok(Permit { principal: Arc::clone(principal), action, target: target.to_owned(), policy })
            }
            Decision::Scopes(scopes) => Err(denial("scopes", scopes)),
            Decision::Denied => Err(denial("default-deny", Vec::new())),
        }
    }

    /// Whether [`Policy::decide`] would permit it.
    #[must_use]
    pub fn allows(&self, principal: &Principal, action: Action, target: &str) -> bool {
        matches!(self.judge(principal, action, target), Decision::Allowed(_))
    }

    /// Whether [`Policy::decide`] would permit it, now or with more scopes: what lists show. A tool that were hidden until its scope is there
    /// could not be asked for.
    #[must_use]
    pub fn shows(&self, principal: &Principal, action: Action, target: &str) -> bool {
        !matches!(self.judge(principal, action, target), Decision::Denied)
    }

    /// Whether some target that begins with `prefix` could be permitted: what lists of templates show. Each member is decided on its own.
    #[must_use]
    pub fn allows_some(&self, principal: &Principal, action: Action, prefix: &str) -> bool {
        let overlaps = |pattern: &String| {
            let (head, open) = pattern.split_once('*').map_or((pattern.as_str(), false), |(head, _)| (head, true));
            head.starts_with(prefix) || (open && prefix.starts_with(head))
        };
        principal.is_local() || self.rules(principal).any(|(_, _, rules)| rules.patterns(action).iter().any(overlaps))
    }

    /// The rules that concern a principal, each with its id and the scopes that it asks for.
    fn rules<'a>(&'a self, principal: &'a Principal) -> impl Iterator<Item = (String, &'a [String], &'a TokenRules)> {
        let config = principal.issuer == Principal::CONFIG_ISSUER;
        let token = self.tokens.get(&principal.subject).filter(|_| config);
        let token = token.map(|rules| (format!("token:{}", principal.subject), &[][..], rules));
        let access = self.access.iter().filter(move |rule| !config && rule.concerns(principal));
        token.into_iter().chain(access.map(|rule| (format!("access:{}", rule.name), rule.scopes.as_slice(), &rule.rules)))
    }

    fn judge(&self, principal: &Principal, action: Action, target: &str) -> Decision {
        if principal.is_local() {
            return Decision::Allowed("local".to_owned());
        }
        let mut nearest = Decision::Denied;
        let covering = self.rules(principal).filter(|(_, _, rules)| rules.patterns(action).iter().any(|it| glob(it, target)));
        for (policy, asked, _) in covering {
            match self.missing(principal, action, target, asked) {
                None => return Decision::Allowed(policy),
                Some(scopes) if matches!(nearest, Decision::Denied) => nearest = Decision::Scopes(scopes),
                Some(_) => {}
            }
        }
        nearest
    }

    /// All the scopes that the action needs, if the caller's token lacks one of them. Who came without an OAuth token needs none.
    fn missing(&self, principal: &Principal, action: Action, target: &str, asked: &[String]) -> Option<Vec<String>> {
        let held = principal.scopes.as_ref()?;
        let own = self.tool_scopes.get(target).filter(|_| action == Action::CallTool);
        let needed: Vec<&String> = asked.iter().chain(own.into_iter().flatten()).collect();
        let lacks = needed.iter().any(|scope| !self.hierarchy.holds(held, scope));
        lacks.then(|| needed.into_iter().cloned().collect::<BTreeSet<_>>().into_iter().collect())
    }
}
