//! `portcullis plugin rbac FILE`: what the host's service account needs in the cluster, so that the plugin's requests work.
//! Source: Kubernetes, "Using RBAC Authorization".

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use portcullis_core::kubegrant::{KubernetesGrant, KubernetesRule};
use portcullis_core::manifest::{Manifest, is_dns_label};
use serde_json::{Value, json};

use super::super::{ConfigFile, Outcome};
use super::source::Component;
use crate::{configuration, output};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The component: a file, or the name of a plugin in the configuration's plugin directory.
    #[arg(value_name = "FILE|NAME")]
    file: PathBuf,
    /// Only what this profile of the plugin needs, e.g. `reader`. Default: all that the plugin asks for.
    #[arg(long, value_name = "PROFILE")]
    profile: Option<String>,
    #[command(flatten)]
    config: ConfigFile,
    /// Only these namespaces, by Roles; rules for the whole cluster are cut down to them. Default: as the plugin asks.
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    namespaces: Vec<String>,
    /// Name of the roles and bindings. Default: portcullis-NAME.
    #[arg(long)]
    name: Option<String>,
    /// Whom they are bound to, as NAMESPACE:NAME.
    #[arg(long, value_name = "NAMESPACE:NAME", default_value = "portcullis:portcullis", value_parser = account)]
    service_account: (String, String),
}

fn account(text: &str) -> Result<(String, String), String> {
    let (namespace, name) = text.split_once(':').ok_or("must be NAMESPACE:NAME")?;
    Ok((namespace.to_owned(), name.to_owned()))
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let manifest = Component::read(&component(arguments)?)?.inspection.manifest;
    let Some(grant) = profile(&manifest, arguments.profile.as_deref())? else {
        eprintln!("{}: asks for no Kubernetes access, so it needs no role", manifest.name);
        return Ok(ExitCode::SUCCESS);
    };
    let name = arguments.name.clone().unwrap_or_else(|| format!("portcullis-{}", manifest.name));
    let documents = documents(grant, &arguments.namespaces, &name, &arguments.service_account);
    let texts: anyhow::Result<Vec<String>> = documents.iter().map(output::yaml).collect();
    output::write(&texts.context("the roles could not be written as YAML")?.join("---\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// The file that is meant.
fn component(arguments: &Arguments) -> anyhow::Result<PathBuf> {
    let name = arguments.file.to_str().filter(|name| is_dns_label(name) && !arguments.file.exists());
    let Some(name) = name else { return Ok(arguments.file.clone()) };
    let read = super::super::runtime()?.block_on(configuration::read(&arguments.config.config, None));
    let (config, _) = read.map_err(|_| {
        anyhow::anyhow!(
            "{name}: no such file, and {} does not say where plugins are: name the .wasm file",
            arguments.config.config.display()
        )
    })?;
    Ok(config.plugin_directory.join(name).with_extension("wasm"))
}

/// What the profile needs; without one, all that the plugin asks for.
fn profile<'a>(manifest: &'a Manifest, name: Option<&str>) -> anyhow::Result<Option<&'a KubernetesGrant>> {
    let Some(name) = name else { return Ok(manifest.requests.kubernetes.as_ref()) };
    let known = || manifest.profiles.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let found = manifest.profiles.get(name);
    found.map(Some).with_context(|| match manifest.profiles.is_empty() {
        true => format!("{} has no profiles: leave --profile out", manifest.name),
        false => format!("{} has no profile `{name}`; it has {}", manifest.name, known()),
    })
}

/// Kinds that live in no namespace, of those that plugins ask for: a Role grants nothing on them.
const CLUSTER_SCOPED: [&str; 8] = [
    "clusterimagecatalogs",
    "customresourcedefinitions",
    "ingressclasses",
    "namespaces",
    "nodes",
    "persistentvolumes",
    "priorityclasses",
    "storageclasses",
];

/// The part of a rule on kinds without a namespace (`inside`: on those with one), if there is any.
fn part(rule: &KubernetesRule, inside: bool) -> Option<KubernetesRule> {
    let scoped = |resource: &String| CLUSTER_SCOPED.contains(&resource.split('/').next().unwrap_or(resource));
    let resources: Vec<String> = rule.resources.iter().filter(|one| scoped(one) != inside).cloned().collect();
    (!resources.is_empty()).then(|| KubernetesRule { resources, ..rule.clone() })
}

/// Roles with their bindings: one ClusterRole for rules that hold everywhere, one Role per namespace for the others.
fn documents(grant: &KubernetesGrant, only: &[String], name: &str, account: &(String, String)) -> Vec<Value> {
    let mut documents = Vec::new();
    let everywhere: Vec<Value> = grant.rules.iter().filter(|rule| is_everywhere(rule)).map(policy_rule).collect();
    if only.is_empty() && !everywhere.is_empty() {
        documents.extend(role("ClusterRole", None, name, everywhere, account));
    }
    let outside: Vec<Value> = grant.rules.iter().filter_map(|rule| part(rule, false)).map(|rule| policy_rule(&rule)).collect();
    if !only.is_empty() && !outside.is_empty() {
        documents.extend(role("ClusterRole", None, &format!("{name}-cluster-scoped"), outside, account));
    }
    for namespace in namespaces(grant, only) {
        let holds = |rule: &&KubernetesRule| match only.is_empty() {
            true => !is_everywhere(rule) && rule.namespaces.contains(&namespace),
            false => is_everywhere(rule) || rule.namespaces.contains(&namespace),
        };
        let rules = grant.rules.iter().filter(holds).filter_map(|rule| part(rule, true));
        let rules: Vec<Value> = rules.map(|rule| policy_rule(&rule)).collect();
        if !rules.is_empty() {
            documents.extend(role("Role", Some(&namespace), name, rules, account));
        }
    }
    documents
}

fn is_everywhere(rule: &KubernetesRule) -> bool {
    rule.namespaces.iter().any(|namespace| namespace == "*")
}

fn namespaces(grant: &KubernetesGrant, only: &[String]) -> Vec<String> {
    let mut named: Vec<String> = match only {
        [] => grant.rules.iter().flat_map(|rule| rule.namespaces.clone()).filter(|namespace| namespace != "*").collect(),
        some => some.to_vec(),
    };
    named.sort();
    named.dedup();
    named
}

fn policy_rule(rule: &KubernetesRule) -> Value {
    let mut value = json!({"apiGroups": rule.api_groups, "resources": rule.resources, "verbs": rule.verbs});
    if let (Some(object), false) = (value.as_object_mut(), rule.resource_names.is_empty()) {
        object.insert("resourceNames".to_owned(), json!(rule.resource_names));
    }
    value
}

fn role(kind: &str, namespace: Option<&str>, name: &str, rules: Vec<Value>, account: &(String, String)) -> [Value; 2] {
    let api = "rbac.authorization.k8s.io";
    let version = format!("{api}/v1");
    let metadata = namespace.map_or_else(|| json!({"name": name}), |namespace| json!({"name": name, "namespace": namespace}));
    let subject = json!({"kind": "ServiceAccount", "namespace": account.0, "name": account.1});
    let role = json!({"apiVersion": version, "kind": kind, "metadata": metadata, "rules": rules});
    let binding = json!({
        "apiVersion": version,
        "kind": format!("{kind}Binding"),
        "metadata": metadata,
        "roleRef": {"apiGroup": api, "kind": kind, "name": name},
        "subjects": [subject],
    });
    [role, binding]
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]
mod tests {
    use portcullis_core::kubegrant::{KubernetesGrant, KubernetesRule};
    use portcullis_core::manifest::Manifest;

    use super::{documents, profile};

    fn rule(resource: &str, namespaces: &[&str]) -> KubernetesRule {
        KubernetesRule {
            api_groups: vec![String::new()],
            resources: vec![resource.to_owned()],
            verbs: vec!["get".to_owned()],
            namespaces: namespaces.iter().map(|&one| one.to_owned()).collect(),
            resource_names: Vec::new(),
        }
    }

    fn summary(only: &[&str]) -> Vec<String> {
        let grant = KubernetesGrant { rules: vec![rule("pods", &["*"]), rule("secrets", &["a"])], secret_values: false };
        let only: Vec<String> = only.iter().map(|&one| one.to_owned()).collect();
        let account = ("portcullis".to_owned(), "portcullis".to_owned());
        let line = |document: &serde_json::Value| {
            let rules = document["rules"]
                .as_array()
                .map(|rules| rules.iter().map(|rule| rule["resources"][0].to_string()).collect::<String>());
            format!("{} {} {}", document["kind"], document["metadata"]["namespace"], rules.unwrap_or_default()).replace('"', "")
        };
        documents(&grant, &only, "x", &account).iter().map(line).collect()
    }

    #[test]
    fn what_holds_everywhere_is_a_cluster_role_and_the_rest_a_role_in_its_namespace() {
        assert_eq!(summary(&[]), ["ClusterRole null pods", "ClusterRoleBinding null ", "Role a secrets", "RoleBinding a "]);
    }

    #[test]
    fn kinds_without_a_namespace_keep_a_cluster_role_beside_the_roles() {
        let grant = KubernetesGrant { rules: vec![rule("pods", &["*"]), rule("storageclasses", &["*"])], secret_values: false };
        let account = ("portcullis".to_owned(), "portcullis".to_owned());
        let documents = documents(&grant, &["a".to_owned()], "x", &account);
        let kinds: Vec<String> =
            documents.iter().map(|one| format!("{} {}", one["kind"], one["rules"][0]["resources"])).collect();
        assert_eq!(kinds[0], r#""ClusterRole" ["storageclasses"]"#);
        assert_eq!(kinds[2], r#""Role" ["pods"]"#);
    }

    #[test]
    fn a_profile_needs_its_own_rules_and_an_unknown_one_names_those_there_are() {
        let rules = "rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]";
        let yaml = format!(
            "name: a\nversion: 0.1.0\ndescription: d\nrequests: {{kubernetes: {{{rules}}}}}\nprofiles: {{reader: {{{rules}}}, nothing: {{}}}}\n"
        );
        let manifest = Manifest::parse(&yaml).unwrap();
        assert_eq!(profile(&manifest, Some("reader")).unwrap().unwrap().rules.len(), 1);
        assert_eq!(profile(&manifest, Some("nothing")).unwrap().unwrap().rules.len(), 0);
        assert!(profile(&manifest, Some("writer")).unwrap_err().to_string().contains("nothing, reader"));
    }

    #[test]
    fn named_namespaces_get_roles_and_nothing_holds_in_the_cluster() {
        assert_eq!(summary(&["a", "b"]), ["Role a podssecrets", "RoleBinding a ", "Role b pods", "RoleBinding b "]);
    }
}
