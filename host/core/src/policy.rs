//! Who may do what. The only place that makes a [`Permit`], and nothing runs without one. Default deny.
//!
//! Until identities live in the store, the rules are those of the configuration: a token's patterns, and the local caller of stdio or an
//! unguarded loopback endpoint, who may do everything that the operator's plugins may.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::principal::Principal;

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
    /// Id of the policy that decided; `default-deny` if none matched.
    pub policy: String,
}

/// What one token may do: glob patterns in which `*` stands for any characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRules {
    /// Tool names.
    pub tools: Vec<String>,
    /// Prompt names.
    pub prompts: Vec<String>,
    /// Resource URIs.
    pub resources: Vec<String>,
}

/// The rules of one snapshot.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    tokens: BTreeMap<String, TokenRules>,
}

impl Policy {
    /// Rules by token name.
    #[must_use]
    pub fn new(tokens: BTreeMap<String, TokenRules>) -> Self {
        Self { tokens }
    }

    /// Decides.
    ///
    /// # Errors
    /// [`Denial`]: the caller learns that the target is not for it, in the same words as for one that does not exist.
    pub fn decide(&self, principal: &Arc<Principal>, action: Action, target: &str) -> Result<Permit, Denial> {
        let policy = self.matching(principal, action, target);
        let permit = |policy| Permit { principal: Arc::clone(principal), action, target: target.to_owned(), policy };
        policy.map(permit).ok_or_else(|| Denial {
            principal: principal.to_string(),
            target: target.to_owned(),
            policy: "default-deny".into(),
        })
    }

    /// Whether [`Policy::decide`] would permit it: what lists show.
    #[must_use]
    pub fn allows(&self, principal: &Principal, action: Action, target: &str) -> bool {
        self.matching(principal, action, target).is_some()
    }

    /// Whether some target that begins with `prefix` could be permitted: what lists of templates show. Each member is decided on its own.
    #[must_use]
    pub fn allows_some(&self, principal: &Principal, action: Action, prefix: &str) -> bool {
        let overlaps = |pattern: &String| {
            let (head, open) = pattern.split_once('*').map_or((pattern.as_str(), false), |(head, _)| (head, true));
            head.starts_with(prefix) || (open && prefix.starts_with(head))
        };
        principal.is_local() || self.patterns(principal, action).is_some_and(|patterns| patterns.iter().any(overlaps))
    }

    /// The patterns that a token brings; `None` for everybody else.
    fn patterns(&self, principal: &Principal, action: Action) -> Option<&[String]> {
        if principal.issuer != Principal::CONFIG_ISSUER {
            return None;
        }
        let rules = self.tokens.get(&principal.subject)?;
        Some(match action {
            Action::CallTool => &rules.tools,
            Action::GetPrompt => &rules.prompts,
            Action::ReadResource => &rules.resources,
        })
    }

    fn matching(&self, principal: &Principal, action: Action, target: &str) -> Option<String> {
        if principal.is_local() {
            return Some("local".to_owned());
        }
        let patterns = self.patterns(principal, action)?;
        patterns.iter().any(|pattern| glob(pattern, target)).then(|| format!("token:{}", principal.subject))
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::{Action, Policy, TokenRules, glob};
    use crate::principal::Principal;
    use std::collections::BTreeMap;
    use std::sync::Arc;

    fn token(name: &str) -> Arc<Principal> {
        Arc::new(Principal { subject: name.into(), issuer: Principal::CONFIG_ISSUER.into(), ..Principal::local() })
    }

    fn reader() -> Policy {
        let rules = TokenRules { tools: vec!["list_*".into()], prompts: vec![], resources: vec!["cnpg://a/*".into()] };
        Policy::new(BTreeMap::from([("reader".to_owned(), rules)]))
    }

    #[test]
    fn a_token_may_do_what_its_patterns_say_and_nothing_else() {
        let (policy, reader) = (reader(), token("reader"));
        assert_eq!(policy.decide(&reader, Action::CallTool, "list_clusters").unwrap().policy(), "token:reader");
        assert_eq!(policy.decide(&reader, Action::CallTool, "delete_cluster").unwrap_err().policy, "default-deny");
        assert!(!policy.allows(&reader, Action::GetPrompt, "list_clusters"));
        assert!(policy.allows(&reader, Action::ReadResource, "cnpg://a/b"));
        assert!(!policy.allows(&reader, Action::ReadResource, "cnpg://b/b"));
    }

    #[test]
    fn a_template_shows_if_some_member_could_be_read() {
        let (policy, reader) = (reader(), token("reader"));
        for (prefix, expected) in [("cnpg://", true), ("cnpg://a/clusters/", true), ("cnpg://b/", false), ("test://", false)] {
            assert_eq!(policy.allows_some(&reader, Action::ReadResource, prefix), expected, "{prefix}");
        }
        assert!(!policy.allows_some(&token("unknown"), Action::ReadResource, ""));
    }

    #[test]
    fn a_subject_of_another_issuer_is_nobody() {
        let stranger = Principal { issuer: "https://elsewhere".into(), ..token("reader").as_ref().clone() };
        assert!(!reader().allows(&stranger, Action::CallTool, "list_clusters"));
        assert!(!reader().allows(&token("unknown"), Action::CallTool, "list_clusters"));
        assert!(reader().allows(&Principal::local(), Action::CallTool, "delete_cluster"));
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*c", "abc", true),
            ("a*c", "ab", false),
            ("a*a", "a", false),
            ("*b*d", "abcd", true),
            ("ab", "abc", false),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }
}
