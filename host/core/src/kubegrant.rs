//! Kubernetes grants: RBAC rules with namespaces, and the question whether one request is allowed.
//! Source: Kubernetes "Using RBAC Authorization" (rules are additive; `*` is a wildcard; subresources are `resource/sub`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// RBAC rules, plus whether values of Secrets may reach the guest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KubernetesGrant {
    /// Additive rules; what none of them covers is refused by the host before it reaches the API server.
    #[serde(default)]
    pub rules: Vec<KubernetesRule>,
    /// Whether `data` of Secrets may reach the guest. Without it a Secret comes only as metadata.
    #[serde(default)]
    pub secret_values: bool,
}

/// One rule, in the words of a Role, with the namespaces it holds in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KubernetesRule {
    /// `""` is the core group; `*` is any.
    pub api_groups: Vec<String>,
    /// Plurals, with subresources as `pods/log`; `*` is any resource and subresource.
    pub resources: Vec<String>,
    /// get, list, watch, create, patch, delete; `*` is any. A server-side apply takes patch and create.
    pub verbs: Vec<String>,
    /// Namespaces in which the rule holds; `*` is every namespace and the cluster scope. Absent means `*` in a request and in a grant.
    #[serde(default = "any")]
    pub namespaces: Vec<String>,
    /// Object names; empty is any. As in RBAC, a rule with names does not cover list, watch or create.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resource_names: Vec<String>,
}

/// One request, as the grant sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KubernetesAccess<'a> {
    /// RBAC verb.
    pub verb: &'a str,
    /// `""` is the core group.
    pub group: &'a str,
    /// Plural, or `plural/subresource`.
    pub resource: &'a str,
    /// `None`: cluster scope or all namespaces.
    pub namespace: Option<&'a str>,
    /// `None`: no single object.
    pub name: Option<&'a str>,
}

fn any() -> Vec<String> {
    vec!["*".into()]
}

fn covers(list: &[String], value: &str) -> bool {
    list.iter().any(|one| one == "*" || one == value)
}

impl KubernetesRule {
    /// Whether this rule covers the request.
    #[must_use]
    pub fn allows(&self, access: &KubernetesAccess<'_>) -> bool {
        covers(&self.api_groups, access.group)
            && covers(&self.resources, access.resource)
            && covers(&self.verbs, access.verb)
            && access.namespace.map_or_else(|| self.namespaces.iter().any(|one| one == "*"), |ns| covers(&self.namespaces, ns))
            && (self.resource_names.is_empty()
                || access.name.is_some_and(|name| self.resource_names.iter().any(|one| one == name)))
    }

    /// Every request that the rule stands for. A `*` stands for itself: only another `*` covers it.
    fn accesses(&self) -> impl Iterator<Item = KubernetesAccess<'_>> {
        let groups = self.api_groups.iter();
        let resources = groups.flat_map(|group| self.resources.iter().map(move |resource| (group, resource)));
        let verbs = resources.flat_map(|(group, resource)| self.verbs.iter().map(move |verb| (group, resource, verb)));
        let places = verbs.flat_map(|(group, resource, verb)| {
            self.namespaces.iter().map(move |one| (group, resource, verb, (one != "*").then_some(one.as_str())))
        });
        places.flat_map(move |(group, resource, verb, namespace)| {
            let access = move |name| KubernetesAccess { verb, group, resource, namespace, name };
            let unnamed = self.resource_names.is_empty().then(|| access(None));
            unnamed.into_iter().chain(self.resource_names.iter().map(move |name| access(Some(name))))
        })
    }

    fn intersect(&self, other: &Self) -> Option<Self> {
        let both = Self {
            api_groups: meet(&self.api_groups, &other.api_groups),
            resources: meet(&self.resources, &other.resources),
            verbs: meet(&self.verbs, &other.verbs),
            namespaces: meet(&self.namespaces, &other.namespaces),
            resource_names: match (self.resource_names.is_empty(), other.resource_names.is_empty()) {
                (true, _) => other.resource_names.clone(),
                (_, true) => self.resource_names.clone(),
                _ => meet(&self.resource_names, &other.resource_names),
            },
        };
        let names_vanished =
            both.resource_names.is_empty() && !(self.resource_names.is_empty() && other.resource_names.is_empty());
        let empty =
            both.api_groups.is_empty() || both.resources.is_empty() || both.verbs.is_empty() || both.namespaces.is_empty();
        (!empty && !names_vanished).then_some(both)
    }
}

/// Values that both lists cover; `*` takes the other's values.
fn meet(a: &[String], b: &[String]) -> Vec<String> {
    let mut both: Vec<String> =
        a.iter().filter(|one| covers(b, one)).chain(b.iter().filter(|one| covers(a, one))).cloned().collect();
    both.sort();
    both.dedup();
    both
}

impl KubernetesGrant {
    /// Whether some rule covers the request (the value fence).
    #[must_use]
    pub fn allows(&self, access: &KubernetesAccess<'_>) -> bool {
        self.rules.iter().any(|rule| rule.allows(access))
    }

    /// The part of `requested` that this grant does not cover: whole rules, since half a rule is no rule that an operator reads.
    #[must_use]
    pub fn lacks(&self, requested: &Self) -> Self {
        let rules = requested.rules.iter().filter(|rule| !rule.accesses().all(|access| self.allows(&access))).cloned().collect();
        Self { rules, secret_values: requested.secret_values && !self.secret_values }
    }

    /// What both grants allow, rule by rule.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let rules = self.rules.iter().flat_map(|mine| other.rules.iter().filter_map(|theirs| mine.intersect(theirs))).collect();
        Self { rules, secret_values: self.secret_values && other.secret_values }
    }
}

impl KubernetesAccess<'_> {
    /// The grant that would allow this request, as YAML under `grants.kubernetes.rules`.
    #[must_use]
    pub fn missing_rule(&self) -> String {
        let namespaces = self.namespace.unwrap_or("*");
        format!(
            "- apiGroups: [\"{}\"]\n  resources: [\"{}\"]\n  verbs: [\"{}\"]\n  namespaces: [\"{namespaces}\"]",
            self.group, self.resource, self.verb
        )
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]
mod tests {
    use super::{KubernetesAccess, KubernetesGrant, KubernetesRule};
    use proptest::prelude::{Strategy, any, prop, prop_assert, proptest};

    fn list(values: &[&str]) -> Vec<String> {
        values.iter().map(|&value| value.to_owned()).collect()
    }

    fn clusters(verbs: &[&str], namespaces: &[&str], names: &[&str]) -> KubernetesRule {
        KubernetesRule {
            api_groups: list(&["postgresql.cnpg.io"]),
            resources: list(&["clusters"]),
            verbs: list(verbs),
            namespaces: list(namespaces),
            resource_names: list(names),
        }
    }

    fn access<'a>(verb: &'a str, namespace: Option<&'a str>, name: Option<&'a str>) -> KubernetesAccess<'a> {
        KubernetesAccess { verb, group: "postgresql.cnpg.io", resource: "clusters", namespace, name }
    }

    #[test]
    fn a_rule_holds_only_in_its_namespaces() {
        let rule = clusters(&["get"], &["a"], &[]);
        assert!(rule.allows(&access("get", Some("a"), Some("x"))));
        assert!(!rule.allows(&access("get", Some("b"), Some("x"))));
        assert!(!rule.allows(&access("get", None, Some("x"))));
    }

    #[test]
    fn a_rule_with_names_does_not_cover_a_list() {
        let rule = clusters(&["*"], &["*"], &["db"]);
        assert!(rule.allows(&access("delete", Some("a"), Some("db"))));
        assert!(!rule.allows(&access("delete", Some("a"), Some("other"))));
        assert!(!rule.allows(&access("list", Some("a"), None)));
    }

    #[test]
    fn a_subresource_needs_its_own_rule() {
        let rule = clusters(&["*"], &["*"], &[]);
        let status = KubernetesAccess { resource: "clusters/status", ..access("patch", Some("a"), Some("db")) };
        assert!(!rule.allows(&status));
    }

    #[test]
    fn disjoint_names_leave_nothing_rather_than_everything() {
        let both = KubernetesGrant { rules: vec![clusters(&["get"], &["*"], &["a"])], secret_values: false }
            .intersect(&KubernetesGrant { rules: vec![clusters(&["get"], &["*"], &["b"])], secret_values: false });
        assert!(both.rules.is_empty());
    }

    #[test]
    fn what_a_grant_lacks_is_named_by_whole_rules() {
        let grant = KubernetesGrant { rules: vec![clusters(&["get", "list"], &["a", "b"], &[])], secret_values: false };
        let lacks = |rule: KubernetesRule| grant.lacks(&KubernetesGrant { rules: vec![rule], secret_values: false }).rules.len();
        assert_eq!(lacks(clusters(&["get"], &["a"], &[])), 0);
        assert_eq!(lacks(clusters(&["get"], &["a"], &["db"])), 0);
        assert_eq!(lacks(clusters(&["get", "delete"], &["a"], &[])), 1);
        assert_eq!(lacks(clusters(&["get"], &["*"], &[])), 1);
        assert_eq!(lacks(clusters(&["*"], &["a"], &[])), 1);
        let secrets = KubernetesGrant { rules: vec![], secret_values: true };
        assert!(grant.lacks(&secrets).secret_values);
    }

    fn words(choices: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec(prop::sample::select(choices).prop_map(str::to_owned), 1..3)
    }

    fn rules() -> impl Strategy<Value = KubernetesRule> {
        (
            words(&["get", "list", "*"]),
            words(&["a", "b", "*"]),
            prop::collection::vec(prop::sample::select(&["x", "y"][..]).prop_map(str::to_owned), 0..2),
        )
            .prop_map(|(verbs, namespaces, names)| KubernetesRule {
                verbs,
                namespaces,
                resource_names: names,
                ..clusters(&[], &[], &[])
            })
    }

    proptest! {
        #[test]
        fn an_intersection_never_allows_more_than_either_side(
            mine in prop::collection::vec(rules(), 0..3), theirs in prop::collection::vec(rules(), 0..3),
            verb in prop::sample::select(&["get", "list"][..]), namespace in prop::option::of(prop::sample::select(&["a", "b"][..])),
            name in prop::option::of(prop::sample::select(&["x", "y"][..])), secrets in any::<bool>(),
        ) {
            let mine = KubernetesGrant { rules: mine, secret_values: secrets };
            let theirs = KubernetesGrant { rules: theirs, secret_values: true };
            let both = mine.intersect(&theirs);
            let one = access(verb, namespace, name);
            prop_assert!(both.allows(&one) == (mine.allows(&one) && theirs.allows(&one)));
            prop_assert!(both.secret_values == secrets);
        }
    }
}
