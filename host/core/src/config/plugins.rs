//! The operator's part of each plugin: names that a plugin can have, grants that mean something, limits within their ranges.

use std::collections::BTreeMap;

use super::PluginConfig;
use super::path::KeyPath;
use super::raw::{RawLimits, RawPlugin};
use super::report::Report;
use super::suggest::nearest;
use crate::kubegrant::KubernetesRule;
use crate::limits::Limits;
use crate::manifest::is_dns_label;

/// RBAC verbs that the `kubernetes` capability has operations for. Another one would be accepted and never matter.
const VERBS: [&str; 7] = ["get", "list", "watch", "create", "patch", "delete", "*"];

/// A verb of many Roles: copied into a grant it does no harm, and nothing either.
const PUT: &str = "update";

/// Resolves all plugins.
pub(crate) fn resolve(raw: &BTreeMap<String, RawPlugin>, report: &mut Report<'_>) -> BTreeMap<String, PluginConfig> {
    raw.iter().map(|(name, plugin)| (name.clone(), one(name, plugin, report))).collect()
}

fn one(name: &str, raw: &RawPlugin, report: &mut Report<'_>) -> PluginConfig {
    let path = KeyPath::root().key("plugins").key(name);
    if !is_dns_label(name) {
        let hint = "the name that the plugin gives itself; `portcullis plugin inspect FILE` prints it".to_owned();
        report.about_key(&path, "cannot be a plugin's name".to_owned(), hint);
    }
    if let Some(grant) = &raw.grants.kubernetes {
        let rules = path.key("grants").key("kubernetes").key("rules");
        grant.rules.iter().enumerate().for_each(|(index, rule)| check_rule(rule, &rules.index(index), report));
    }
    PluginConfig {
        enabled: raw.enabled.unwrap_or(true),
        grants: raw.grants.clone(),
        settings: raw.settings.clone(),
        limits: limits(&raw.limits, &path.key("limits"), report),
    }
}

fn check_rule(rule: &KubernetesRule, path: &KeyPath, report: &mut Report<'_>) {
    let lists = [
        ("apiGroups", &rule.api_groups, false),
        ("resources", &rule.resources, false),
        ("verbs", &rule.verbs, false),
        ("namespaces", &rule.namespaces, false),
        ("resourceNames", &rule.resource_names, true),
    ];
    for (key, list, may_be_empty) in lists {
        let here = path.key(key);
        if list.is_empty() && !may_be_empty {
            report.error(&here, "is empty: the rule would allow nothing; `[\"*\"]` is any".to_owned());
        }
        for (index, value) in list.iter().enumerate().filter(|(_, value)| value.contains('*') && (*value != "*" || may_be_empty))
        {
            let message = format!("`{value}` would match nothing: as in RBAC, `*` stands alone, and not in resourceNames");
            report.error(&here.index(index), message);
        }
    }
    let odd = |verb: &str| !VERBS.contains(&verb) && !verb.contains('*');
    for (index, verb) in rule.verbs.iter().enumerate().filter(|(_, verb)| odd(verb)) {
        if verb == PUT {
            let hint = "remove it; `patch` is the verb of patches and of server-side apply".to_owned();
            report.warning(
                &path.key("verbs").index(index),
                format!("`{PUT}` allows nothing: plugins cannot replace objects"),
                hint,
            );
            continue;
        }
        let hint = nearest(verb, VERBS).map_or_else(|| VERBS.join(", "), |meant| format!("did you mean `{meant}`?"));
        report.hinted(&path.key("verbs").index(index), format!("`{verb}` is no verb that a plugin can use"), Some(hint));
    }
}

fn limits(raw: &RawLimits, path: &KeyPath, report: &mut Report<'_>) -> Limits {
    let default = Limits::default();
    let narrow = |value: Option<u64>, default: u32| value.map_or(default, |value| u32::try_from(value).unwrap_or(u32::MAX));
    let limits = Limits {
        deadline_ms: raw.deadline_ms.unwrap_or(default.deadline_ms),
        memory: raw.memory.map_or(default.memory, |size| size.0),
        table_elements: narrow(raw.table_elements, default.table_elements),
        output: raw.output.map_or(default.output, |size| size.0),
        log_lines: narrow(raw.log_lines, default.log_lines),
        log_line: narrow(raw.log_line.map(|size| size.0), default.log_line),
        host_calls: narrow(raw.host_calls, default.host_calls),
        host_reply: raw.host_reply.map_or(default.host_reply, |size| size.0),
    };
    limits.problems().into_iter().for_each(|(field, reason)| report.error(&path.key(field), reason));
    limits
}
