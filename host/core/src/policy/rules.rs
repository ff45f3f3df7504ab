//! The operator's rules as data: tokens, access rules, scopes that stand for others. What they decide together is `policy`'s business.

use std::collections::{BTreeMap, BTreeSet};

use super::Action;
use crate::principal::Principal;

/// What one token may do: glob patterns in which `*` stands for any characters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenRules {
    /// Tool names.
    pub tools: Vec<String>,
    /// Prompt names.
    pub prompts: Vec<String>,
    /// Resource URIs.
    pub resources: Vec<String>,
}

impl TokenRules {
    pub(super) fn patterns(&self, action: Action) -> &[String] {
        match action {
            Action::CallTool => &self.tools,
            Action::GetPrompt => &self.prompts,
            Action::ReadResource => &self.resources,
        }
    }
}

/// What people whom an auth strategy knows may do. A list of conditions that is empty asks nothing; the others must all hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessRule {
    /// Names the rule in the audit trail.
    pub name: String,
    /// Issuers, character for character.
    pub issuers: Vec<String>,
    /// Subjects, as globs.
    pub subjects: Vec<String>,
    /// Groups, as globs: one of the caller's must match.
    pub groups: Vec<String>,
    /// Scopes, all of which the token must hold.
    pub scopes: Vec<String>,
    /// What is allowed then.
    pub rules: TokenRules,
}

impl AccessRule {
    /// Everything but scopes, which a caller can ask for.
    pub(super) fn concerns(&self, principal: &Principal) -> bool {
        let one = |patterns: &[String], value: &str| patterns.iter().any(|pattern| glob(pattern, value));
        (self.issuers.is_empty() || self.issuers.contains(&principal.issuer))
            && (self.subjects.is_empty() || one(&self.subjects, &principal.subject))
            && (self.groups.is_empty() || principal.groups.iter().any(|group| one(&self.groups, group)))
    }
}

/// Which scopes stand for others: the broader to the narrower (RS-6).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeHierarchy(pub BTreeMap<String, Vec<String>>);

impl ScopeHierarchy {
    /// Whether a token with these scopes may do what needs `wanted`. Ends on cycles.
    #[must_use]
    pub fn holds(&self, held: &[String], wanted: &str) -> bool {
        let (mut seen, mut next) = (BTreeSet::new(), held.iter().collect::<Vec<_>>());
        while let Some(scope) = next.pop() {
            if scope == wanted {
                return true;
            }
            if seen.insert(scope) {
                next.extend(self.0.get(scope).into_iter().flatten());
            }
        }
        false
    }
}

/// Whether `pattern` matches all of `text`; `*` stands for any characters, everything else for itself. Linear in the text per star.
#[must_use]
pub fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut tail) = text.strip_prefix(head) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match tail.split_once(part) {
            Some((_, after)) => tail = after,
            None => return false,
        }
    }
    tail.ends_with(last)
}
