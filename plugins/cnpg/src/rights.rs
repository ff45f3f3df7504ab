//! What the identity of a call may do in one namespace, by the API server's own account, against the rules that tools declare: who would be
//! refused hears it before the call. What the host's grants allow is not part of it. API: authorization.k8s.io/v1 SelfSubjectRulesReview.

use serde_json::Value;

use crate::call::{Call, parse};
use crate::catalogue::Entry;
use crate::json::{list, texts};
use crate::kind::CNPG;
use crate::rule::Rule;
use crate::served::Served;

/// A review that was answered.
pub(crate) struct Rights(Value);

impl Rights {
    /// Asks the API server. Everybody may (`system:basic-user`).
    ///
    /// # Errors
    /// Why it was not answered, in words.
    pub(crate) fn read(call: &Call<'_>, namespace: &str) -> Result<Self, String> {
        let body = call.api.access(namespace).map_err(|status| status.message)?.body;
        parse(&body).map(Self).map_err(|problem| problem.message.into())
    }

    /// Whether an authorizer cannot list its rules (a webhook's): what is not listed may be allowed all the same.
    pub(crate) fn is_incomplete(&self) -> bool {
        self.0.pointer("/status/incomplete") != Some(&Value::Bool(false))
    }

    /// What the tool declares that it needs and the review does not list, as `patch clusters/status`. Kinds that are not served need nothing.
    pub(crate) fn lacking(&self, entry: &Entry, served: &Served) -> Vec<String> {
        let there = |rule: &&Rule| rule.kind.group != CNPG || served.has(rule.kind.plural);
        let verbs = |rule: &Rule| {
            let lacking: Vec<&str> = rule.verbs.iter().copied().filter(|verb| !self.allows(rule, verb)).collect();
            (!lacking.is_empty()).then(|| format!("{} {}", lacking.join(","), rule.resource()))
        };
        entry.rules.iter().filter(there).filter_map(verbs).collect()
    }

    /// As RBAC matches (rbac.authorization.k8s.io/v1). A rule for some names counts: it is enough for these.
    fn allows(&self, rule: &Rule, verb: &str) -> bool {
        let resource = rule.resource();
        let every = format!("*/{}", rule.subresource);
        list(&self.0, "/status/resourceRules").iter().any(|one| {
            let has =
                |field: &str, wanted: &[&str]| texts(one, field).iter().any(|known| *known == "*" || wanted.contains(known));
            has("/apiGroups", &[rule.kind.group]) && has("/resources", &[&resource, &every]) && has("/verbs", &[verb])
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use serde_json::json;

    use super::Rights;
    use crate::catalogue;
    use crate::served::Served;

    fn lacking(rules: serde_json::Value, tool: &str, kinds: &[&str]) -> Vec<String> {
        let rights = Rights(json!({"status": {"resourceRules": rules, "incomplete": false}}));
        let resources: Vec<_> = kinds.iter().map(|name| json!({"name": name})).collect();
        rights.lacking(catalogue::find(tool).unwrap(), &Served::of(json!({"resources": resources})))
    }

    #[test]
    fn rules_match_by_group_resource_and_verb_and_stars_match_all() {
        let rule = |group: &str, resource: &str, verbs: &[&str]| json!([{"apiGroups": [group], "resources": [resource], "verbs": verbs}]);
        let scale = |rules| lacking(rules, "set_parameters", &["clusters"]);
        assert!(scale(rule("postgresql.cnpg.io", "clusters", &["get", "patch"])).is_empty());
        assert!(scale(rule("*", "*", &["*"])).is_empty());
        assert_eq!(scale(rule("postgresql.cnpg.io", "clusters", &["get"])), ["patch clusters"]);
        assert_eq!(scale(rule("", "clusters", &["*"])), ["get,patch clusters"]);
        assert_eq!(scale(rule("postgresql.cnpg.io", "clusters/status", &["*"])), ["get,patch clusters"]);
    }

    #[test]
    fn a_subresource_has_rules_of_its_own() {
        let logs = |resource: &str| {
            let rules = json!([{"apiGroups": ["*"], "resources": ["pods", "clusters", resource], "verbs": ["*"]}]);
            lacking(rules, "get_cluster_logs", &["clusters"])
        };
        assert_eq!(logs("services"), ["get pods/log"]);
        assert!(logs("pods/log").is_empty() && logs("*/log").is_empty());
    }

    #[test]
    fn a_kind_that_is_not_served_needs_no_rule() {
        let clusters = json!([{"apiGroups": ["*"], "resources": ["clusters", "databases", "secrets"], "verbs": ["*"]}]);
        assert!(lacking(clusters.clone(), "create_postgres_role", &["clusters", "databases"]).is_empty());
        let missing = lacking(clusters, "create_postgres_role", &["clusters", "databases", "databaseroles"]);
        assert_eq!(missing, ["list,create,get,watch databaseroles"]);
    }
}
