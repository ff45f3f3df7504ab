//! What the catalogue declares, for programs outside of the plugin: which tool is in which profile, and which rules of the API server it
//! needs. Tests of the whole give each tool exactly these; plugin.yaml's `requests` and `profiles` are held equal to them.

use portcullis_plugin::kubernetes::Kind;

use crate::catalogue::{self, Entry};
use crate::kind::{CLUSTERS, DATABASE_ROLES, DATABASES};
use crate::profile::Profile;
use crate::rule::Rule;

/// One kind and the verbs that are used on it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NeededRule {
    /// API group; empty is the core group.
    pub group: &'static str,
    /// Plural, with the subresource as `pods/log`.
    pub resource: String,
    /// RBAC verbs.
    pub verbs: Vec<&'static str>,
}

/// One tool.
#[derive(Debug, Clone)]
pub struct ToolNeeds {
    /// As clients call it.
    pub name: &'static str,
    /// The profiles that it is part of, by the words of the setting `profile`.
    pub profiles: Vec<&'static str>,
    /// What it needs.
    pub rules: Vec<NeededRule>,
}

/// The words of the setting `profile`.
pub const PROFILES: [&str; 5] = ["default", "reader", "operator", "provisioner", "admin"];

const VALUES: [Profile; 5] = [Profile::Default, Profile::Reader, Profile::Operator, Profile::Provisioner, Profile::Admin];

/// All tools.
#[must_use]
pub fn needs() -> Vec<ToolNeeds> {
    catalogue::all().map(of).collect()
}

/// What resources, their changes and completions need, whatever the profile.
#[must_use]
pub fn offers() -> Vec<NeededRule> {
    let rule = |kind: Kind, verbs: &[&'static str]| NeededRule {
        group: kind.group,
        resource: kind.plural.into(),
        verbs: verbs.to_vec(),
    };
    vec![rule(CLUSTERS, &["get", "list", "watch"]), rule(DATABASES, &["list"]), rule(DATABASE_ROLES, &["list"])]
}

fn of(entry: &'static Entry) -> ToolNeeds {
    let profiles = PROFILES.into_iter().zip(VALUES).filter(|(_, one)| one.includes(entry)).map(|(name, _)| name).collect();
    let rule = |one: &Rule| NeededRule { group: one.kind.group, resource: one.resource(), verbs: one.verbs.to_vec() };
    // What `all_namespaces` looks for.
    let sought = entry.sought().map(|(_, kind)| Rule::on(kind, &["list"]));
    ToolNeeds { name: entry.name, profiles, rules: entry.rules.iter().copied().chain(sought).map(|one| rule(&one)).collect() }
}
