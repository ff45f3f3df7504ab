//! get_cluster_status: one cluster, interpreted. Concise is one request; sections read what belongs to the cluster, all at once.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::answer::{Answer, Detail, Format, Outcome};
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::cluster::Cluster;
use crate::json::{json, list, text};
use crate::kind::{
    BACKUPS, CLUSTERS, EVENTS, FAILOVER_QUORUMS, LEASES, OBJECT_STORES, PODS, POOLERS, SCHEDULED_BACKUPS, VOLUME_CLAIMS,
};
use crate::parameter::{DETAIL, FORMAT, NAME, NAMESPACE, Parameter, Takes};
use crate::phase::{self, Health};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::status::section::{self, Section};
use crate::status::{backups, certificates, events, failover, instances, live, part, poolers, storage};
use crate::text::short;
use crate::time;

pub(crate) const TOOL: Entry = Entry {
    name: "get_cluster_status",
    title: "Status of a PostgreSQL cluster",
    description: "Get the status of one PostgreSQL cluster: phase with its reason and meaning, instances, primary, image, and what needs attention. `detail_level: detailed` adds pods, volumes, backups, poolers, warnings, certificates and live replication; `sections` picks some of them.",
    parameters: &[
        NAME,
        NAMESPACE,
        DETAIL,
        FORMAT,
        Parameter::optional(
            "sections",
            Takes::Choices(&section::NAMES),
            "null",
            "Only these sections. Left out: none when concise, all when detailed.",
        ),
        Parameter::optional(
            "live",
            Takes::Flag,
            "null",
            "Ask the running instances for LSNs, lag and archiving. Left out: yes with the section `live`, which detailed includes.",
        ),
    ],
    shape: Shape {
        properties: r#"{
"name": {"type": "string"}, "namespace": {"type": "string"},
"instances": {"type": "integer"}, "ready_instances": {"type": "integer"},
"phase": {"type": "string"}, "phase_reason": {"type": ["string", "null"]},
"health": {"enum": ["healthy", "progressing", "needs_attention", "failed", "unknown"]},
"meaning": {"type": "string", "description": "What the phase means, where it is not obvious"},
"notices": {"type": "array", "items": {"type": "string"}, "description": "What needs a person's attention"},
"current_primary": {"type": ["string", "null"]}, "target_primary": {"type": ["string", "null"]}, "created": {"type": ["string", "null"]},
"postgres_version": {"type": "string", "description": "The image that runs, else the major version"},
"storage_size": {"type": ["string", "null"]}, "storage_class": {"type": ["string", "null"]},
"conditions": {"type": "array"}, "postgresql_parameters": {"type": "object"},
"legacy_managed_roles": {"type": "array", "items": {"type": "string"}},
"sections": {"type": "object", "description": "By section name; `unavailable` in one says why it could not be read"},
"left_out": {"type": "array", "items": {"type": "string"}, "description": "Sections that did not fit"}
}"#,
        required: &["name", "namespace", "instances", "ready_instances", "phase", "health", "notices"],
    },
    hints: Hints { read_only: true, destructive: false, idempotent: true },
    level: Level::Read,
    promised: true,
    rules: &[
        Rule::on(CLUSTERS, &["get", "list"]),
        Rule::on(PODS, &["list"]),
        Rule { kind: PODS, subresource: "proxy", verbs: &["get"] },
        Rule::on(VOLUME_CLAIMS, &["list"]),
        Rule::on(EVENTS, &["list"]),
        Rule::on(BACKUPS, &["list"]),
        Rule::on(SCHEDULED_BACKUPS, &["list"]),
        Rule::on(POOLERS, &["list"]),
        Rule::on(FAILOVER_QUORUMS, &["get"]),
        Rule::on(LEASES, &["get"]),
        Rule::on(OBJECT_STORES, &["list"]),
    ],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    namespace: Option<String>,
    detail_level: Option<Detail>,
    format: Option<Format>,
    sections: Option<Vec<String>>,
    live: Option<bool>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let object = get(call, &input)?;
    let cluster = Cluster(&object);
    let sections = sections(call, cluster, &wanted(&input));
    Ok(answer(cluster, &input, sections, call.host.now()).formatted(input.format).into())
}

fn get(call: &Call<'_>, input: &Input) -> Result<Value, Problem> {
    call.get(&CLUSTERS.within(call.namespace(input.namespace.as_deref())).named(&input.name))
}

/// The sections to show, in their order.
fn wanted(input: &Input) -> Vec<&'static str> {
    let all = input.detail_level == Some(Detail::Detailed);
    let chosen = |name: &str| match &input.sections {
        Some(picked) => picked.iter().any(|one| one == name),
        None => all,
    };
    let live = |name: &str| if name == "live" { input.live } else { None };
    section::NAMES.into_iter().filter(|name| live(name).unwrap_or_else(|| chosen(name))).collect()
}

fn sections(call: &Call<'_>, cluster: Cluster<'_>, wanted: &[&'static str]) -> Vec<Section> {
    let parts = part::read_all(call, cluster, wanted);
    let now = call.host.now();
    let one = |name: &&str| match *name {
        "instances" => instances::section(&parts, cluster, now),
        "storage" => storage::section(&parts, cluster),
        "backups" => backups::section(&parts, cluster, now),
        "poolers" => poolers::section(&parts, cluster),
        "failover" => failover::section(&parts, cluster),
        "certificates" => Some(certificates::section(cluster, now)),
        "events" => events::section(&parts, cluster, now),
        "live" => live::section(call, &parts, cluster),
        _ => None,
    };
    wanted.iter().filter_map(one).collect()
}

fn answer(cluster: Cluster<'_>, input: &Input, sections: Vec<Section>, now: i64) -> Answer {
    let mut text = summary_text(cluster, now);
    let mut structured = cluster.summary();
    if let Some(map) = structured.as_object_mut() {
        map.insert("meaning".into(), phase::meaning(cluster.phase()).into());
        map.insert("notices".into(), cluster.notices().into());
        map.insert("target_primary".into(), cluster.target_primary().into());
        map.insert("postgres_version".into(), cluster.postgres_version().into());
        map.insert("storage_size".into(), cluster.storage_size().into());
        of_reference(cluster, map);
        if input.detail_level == Some(Detail::Detailed) {
            details(cluster, &mut text, now);
        }
        section::append(&mut text, map, sections);
    }
    if cluster.health() == Health::Healthy && input.detail_level != Some(Detail::Detailed) && input.sections.is_none() {
        text.push_str("\nMore with `detail_level: detailed`.\n");
    }
    Answer::new(text, structured)
}

fn summary_text(cluster: Cluster<'_>, now: i64) -> String {
    let mut out = format!(
        "**Cluster: {}/{}**\n- Status: {}\n",
        cluster.namespace(),
        cluster.name(),
        short(cluster.phase().unwrap_or("Unknown"))
    );
    if let Some(reason) = cluster.phase_reason() {
        out.push_str(&format!("- Reason: {}\n", short(reason)));
    }
    let meaning = phase::meaning(cluster.phase());
    if !meaning.is_empty() {
        out.push_str(&format!("- Meaning: {meaning}\n"));
    }
    out.push_str(&format!(
        "- Instances: {}/{} ready\n- Current Primary: {}\n- PostgreSQL Version: {}\n- Storage Size: {}\n- Age: {}\n",
        cluster.ready(),
        cluster.instances(),
        short(cluster.primary().unwrap_or("none yet")),
        cluster.postgres_version(),
        short(cluster.storage_size().unwrap_or("unknown")),
        time::age(cluster.created(), now),
    ));
    let notices = cluster.notices();
    if !notices.is_empty() {
        out.push_str(&format!("\n**Attention:**\n- {}\n", notices.join("\n- ")));
    }
    out
}

/// Names of the roles in `spec.managed.roles`, the way before DatabaseRole.
fn roles(cluster: Cluster<'_>) -> Vec<&str> {
    list(cluster.0, "/spec/managed/roles").iter().filter_map(|one| text(one, "/name")).collect()
}

/// Keys that the reference answers with: scripts read them, so they are there whatever the level of detail.
fn of_reference(cluster: Cluster<'_>, map: &mut Map<String, Value>) {
    let parameters = cluster.0.pointer("/spec/postgresql/parameters").cloned().unwrap_or_else(|| json!({}));
    map.insert("storage_class".into(), text(cluster.0, "/spec/storage/storageClass").into());
    map.insert("conditions".into(), cluster.conditions().into());
    map.insert("postgresql_parameters".into(), parameters);
    map.insert("legacy_managed_roles".into(), roles(cluster).into());
}

/// What detailed adds from the Cluster itself.
fn details(cluster: Cluster<'_>, out: &mut String, now: i64) {
    let parameters = cluster.0.pointer("/spec/postgresql/parameters").cloned().unwrap_or_else(|| json!({}));
    let roles = roles(cluster);
    let class = text(cluster.0, "/spec/storage/storageClass");
    out.push_str(&format!("- Storage Class: {}\n", short(class.unwrap_or("the cluster's default"))));
    if !cluster.conditions().is_empty() {
        out.push_str("\n**Conditions:**\n");
    }
    for one in cluster.conditions() {
        let word = |pointer: &str| short(text(one, pointer).unwrap_or_default());
        let since = time::age(text(one, "/lastTransitionTime"), now);
        out.push_str(&format!(
            "- {}: {} ({}, for {since}) {}\n",
            word("/type"),
            word("/status"),
            word("/reason"),
            word("/message")
        ));
    }
    if let Some(set) = parameters.as_object().filter(|one| !one.is_empty()) {
        let lines: Vec<String> =
            set.iter().map(|(name, value)| format!("{}={}", short(name), short(value.as_str().unwrap_or_default()))).collect();
        out.push_str(&format!("\n**Parameters:** {}\n", lines.join(", ")));
    }
    if !roles.is_empty() {
        out.push_str(&format!(
            "\n**Roles in `spec.managed.roles`:** {}\n",
            roles.iter().map(|one| short(one)).collect::<Vec<_>>().join(", ")
        ));
    }
}

/// The detailed state of a cluster, for readers that are no tool call.
pub(crate) fn of(call: &Call<'_>, namespace: &str, name: &str) -> Result<Answer, Problem> {
    let input = Input {
        name: name.into(),
        namespace: Some(namespace.into()),
        detail_level: Some(Detail::Detailed),
        format: None,
        sections: None,
        live: None,
    };
    let object = get(call, &input)?;
    let cluster = Cluster(&object);
    Ok(answer(cluster, &input, sections(call, cluster, &wanted(&input)), call.host.now()))
}
