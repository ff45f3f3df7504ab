//! What strategies and endpoints promise clients together and do not keep: people would log in again and again.

use std::collections::BTreeMap;

use super::{DETAILS, Strategies};
use crate::config::{Config, Endpoint, Listener};
use crate::finding::Finding;

impl Strategies {
    /// Endpoints that refuse tokens with `authorization_details` which a strategy of theirs issues (RFC 9396).
    pub(super) fn refused_details(&self, config: &Config) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (listener, endpoint) in endpoints(config).filter(|(_, endpoint)| !endpoint.ignores_authorization_details) {
            let issuing = self.of(&listener.name, &endpoint.guard).filter(|one| one.strategy.has_metadata(DETAILS));
            findings.extend(issuing.map(|one| {
                let (plugin, path) = (&one.plugin, &endpoint.path);
                let message = format!(
                    "strategy `{plugin}` lets clients ask for authorization details, and `{path}` refuses every token that has some"
                );
                Finding::warning(format!("listener {}", listener.name), message).hint(format!(
                    "if nothing here needs to enforce them, add to endpoint `{path}`:\n    authorizationDetails: ignore\nelse take them out of the settings of plugin `{plugin}`"
                ))
            }));
        }
        findings
    }

    /// Scopes of tools that no login at an endpoint can bring, as far as its strategies say which they grant: clients would be sent for them in
    /// vain. `tools` has the scopes that each tool needs.
    #[must_use]
    pub fn out_of_reach(&self, config: &Config, tools: &BTreeMap<String, Vec<String>>) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (listener, endpoint) in endpoints(config) {
            let Some(granted) = self.grants(listener, endpoint) else { continue };
            let mut missing = BTreeMap::new();
            for (tool, scope) in tools.iter().flat_map(|(tool, scopes)| scopes.iter().map(move |scope| (tool, scope))) {
                if !config.scope_hierarchy.holds(&granted, scope) {
                    missing.entry(scope).or_insert(tool);
                }
            }
            findings.extend(missing.into_iter().map(|(scope, tool)| {
                let path = &endpoint.path;
                let message = format!("as its strategies describe themselves, no login at `{path}` brings scope `{scope}`, which tool `{tool}` needs");
                Finding::warning(format!("listener {}", listener.name), message)
                    .hint(format!("name `{scope}` in `scopes` of the strategy's settings, or of endpoint `{path}`"))
            }));
        }
        findings
    }

    /// What the strategies of an endpoint grant together; `None` if one does not say, or there is none.
    fn grants(&self, listener: &Listener, endpoint: &Endpoint) -> Option<Vec<String>> {
        let mut granted = Vec::new();
        for one in self.of(&listener.name, &endpoint.guard) {
            if one.strategy.scopes.is_empty() {
                return None;
            }
            granted.extend_from_slice(&one.strategy.scopes);
        }
        (!granted.is_empty()).then_some(granted)
    }
}

fn endpoints(config: &Config) -> impl Iterator<Item = (&Listener, &Endpoint)> {
    config.listeners.iter().flat_map(|listener| listener.endpoints.iter().map(move |endpoint| (listener, endpoint)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::super::{Described, Strategies, sites};
    use crate::config::{Config, Surroundings};
    use crate::strategy::Strategy;

    fn config(more: &str) -> Config {
        let text = format!(
            "plugins: {{proxy: {{}}, oidc: {{}}}}\nlisteners:\n- name: main\n  address: 127.0.0.1:4204\n  endpoints:\n  - {{path: /strict, guard: [tokens, proxy]}}\n  - {{path: /lax, guard: proxy, authorizationDetails: ignore}}\n  - {{path: /both, guard: [proxy, oidc]}}\n{more}"
        );
        let root = Path::new("/");
        let tokens =
            "tokens:\n- {name: me, sha256: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad, tools: ['*']}\n";
        let around = Surroundings { file: "f", base: root, cache: root, state: root, scopes: None, guarded: false };
        Config::parse(&[&text, tokens].concat(), around).unwrap().0
    }

    /// What `proxy` and `oidc` say.
    fn built(config: &Config, proxy: &Strategy, oidc: &Strategy) -> (Strategies, Vec<String>) {
        let said = |(listener, plugin, site): (String, String, _)| {
            let strategy = if plugin == "proxy" { proxy.clone() } else { oidc.clone() };
            (listener, Described { plugin, site, strategy })
        };
        let (strategies, findings) = Strategies::build(config, BTreeMap::new(), sites(config).into_iter().map(said).collect());
        (strategies, findings.iter().map(|one| format!("{:?} {one}", one.severity)).collect())
    }

    fn scopes(scopes: &[&str]) -> Strategy {
        Strategy { scopes: scopes.iter().map(|&one| one.to_owned()).collect(), ..Strategy::default() }
    }

    #[test]
    fn an_endpoint_that_refuses_what_its_strategy_issues_is_a_finding() {
        let details = r#"{"authorization_details_types_supported":["namespace"]}"#;
        let issuing = Strategy { metadata: Some(details.to_owned()), ..Strategy::default() };
        let (_, findings) = built(&config(""), &issuing, &Strategy::default());
        assert_eq!(findings.len(), 2, "{findings:?}");
        for (finding, path) in findings.iter().zip(["`/strict`", "`/both`"]) {
            let told = finding.contains(path) && finding.contains("strategy `proxy`") && finding.starts_with("Warning");
            assert!(told && finding.contains("authorizationDetails: ignore"), "{finding}");
        }
        let other = Strategy { metadata: Some(r#"{"resource_name":"x"}"#.to_owned()), ..Strategy::default() };
        assert_eq!(built(&config(""), &other, &Strategy::default()).1, [""; 0]);
    }

    #[test]
    fn a_scope_that_no_login_brings_is_a_finding_where_all_strategies_say_what_they_grant() {
        let needed = |wanted: &[(&str, &[&str])]| -> BTreeMap<String, Vec<String>> {
            let owned = |scopes: &[&str]| scopes.iter().map(|&one| one.to_owned()).collect();
            wanted.iter().map(|(tool, scopes)| ((*tool).to_owned(), owned(scopes))).collect()
        };
        let tools = needed(&[("drop", &["admin", "write"]), ("list", &["read"]), ("wipe", &["admin"])]);
        let found = |config: &Config, proxy: &Strategy, oidc: &Strategy| -> Vec<String> {
            let (strategies, _) = built(config, proxy, oidc);
            strategies.out_of_reach(config, &tools).iter().map(ToString::to_string).collect()
        };
        let (plain, readers) = (config(""), scopes(&["read", "write"]));
        let all = found(&plain, &readers, &scopes(&["admin"]));
        assert_eq!(all.len(), 2, "{all:?}");
        for (finding, path) in all.iter().zip(["`/strict`", "`/lax`"]) {
            assert!(finding.contains(path) && finding.contains("`admin`") && finding.contains("`drop`"), "{finding}");
        }
        assert_eq!(found(&plain, &readers, &scopes(&[])).len(), 2, "of `/both`, nobody knows");
        assert_eq!(found(&plain, &scopes(&[]), &readers), [""; 0]);
        let broad = config("scopeHierarchy: {write: [admin]}\n");
        assert_eq!(found(&broad, &readers, &readers), [""; 0], "a broader scope stands for it");
    }
}
