//! switchover_readiness: go or no-go for each replica, with the reasons and what would be lost.

use serde::Deserialize;
use serde_json::Value;

use crate::answer::{Answer, Format, Outcome};
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::cluster::Cluster;
use crate::instance::{self, Instances};
use crate::json::json;
use crate::kind::{CLUSTERS, LEASES, PODS};
use crate::parameter::{FORMAT, NAME, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::readiness::{Assessment, Candidate, Facts, LAG_MAX, Weight, weighing};
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::{short, table};

/// Replicas shown; a cluster with more names one with `instance`.
const SHOWN: usize = 20;

pub(crate) const TOOL: Entry = Entry {
    name: "switchover_readiness",
    title: "Readiness for a switchover",
    description: "Whether a PostgreSQL cluster can switch over to another primary now: go or no-go for each replica, with lag, reasons, and what would be lost if the primary failed this moment. `promote_cluster_instance` goes by the same rules.",
    parameters: &[
        NAME,
        Parameter::optional(
            "instance",
            Takes::Text(crate::name::OBJECT_PATTERN),
            "null",
            "Judge only this replica. Left out: all of them.",
        ),
        Parameter::optional(
            "max_lag_bytes",
            Takes::Integer(0, 1_099_511_627_776),
            "16777216",
            "Most bytes of WAL that a replica may be behind. Default: one WAL segment.",
        ),
        NAMESPACE,
        FORMAT,
    ],
    shape: Shape {
        properties: r#"{
"name": {"type": "string"}, "namespace": {"type": "string"},
"ready": {"type": "boolean", "description": "Whether at least one replica can take over without force"},
"primary": {"type": ["string", "null"]}, "best": {"type": ["string", "null"], "description": "The ready replica with the least lag"},
"blockers": {"type": "array", "items": {"type": "string"}, "description": "Of the cluster; not even `force` overrides them"},
"risks": {"type": "array", "items": {"type": "string"}}, "notes": {"type": "array", "items": {"type": "string"}},
"expected_loss_bytes": {"type": ["integer", "null"], "description": "Of a switchover to `best`: 0 while it streams, since the primary sends all before it stops"},
"at_risk_bytes": {"type": ["integer", "null"], "description": "What only the primary has now, should it fail"},
"candidates": {"type": "array", "items": {"type": "object"}}
}"#,
        required: &["name", "namespace", "ready", "primary", "blockers", "risks", "candidates"],
    },
    hints: Hints { read_only: true, destructive: false, idempotent: true },
    level: Level::Read,
    promised: false,
    rules: &[
        Rule::on(CLUSTERS, &["get"]),
        Rule::on(PODS, &["list"]),
        Rule { kind: PODS, subresource: "proxy", verbs: &["get"] },
        Rule::on(LEASES, &["get"]),
    ],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    instance: Option<String>,
    max_lag_bytes: Option<i64>,
    namespace: Option<String>,
    format: Option<Format>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let object = call.get(&CLUSTERS.within(call.namespace(input.namespace.as_deref())).named(&input.name))?;
    let cluster = Cluster(&object);
    let instances = Instances::read(call, cluster)?;
    let names = replicas(cluster, &instances, input.instance.as_deref())?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let facts = Facts::gather(call, cluster, &instances, &names, input.max_lag_bytes.unwrap_or(LAG_MAX));
    Ok(describe(cluster, &facts.assess(&names)).formatted(input.format).into())
}

fn replicas(cluster: Cluster<'_>, instances: &Instances, asked: Option<&str>) -> Result<Vec<String>, Problem> {
    match asked {
        Some(asked) => Ok(vec![instance::name(instances.named(cluster, &instance::meant(cluster, asked))?).to_owned()]),
        None => {
            let others = instances.names().into_iter().filter(|name| Some(*name) != cluster.primary());
            Ok(others.take(SHOWN).map(str::to_owned).collect())
        }
    }
}

fn describe(cluster: Cluster<'_>, found: &Assessment) -> Answer {
    let (blockers, risks) = (weighing(&found.whole, Weight::Forbids), weighing(&found.whole, Weight::Risks));
    let notes = weighing(&found.whole, Weight::Notes);
    let willing = blockers.is_empty() && risks.is_empty();
    let fit = found.candidates.iter().filter(|one| willing && one.is_ready());
    let best = fit.min_by_key(|one| one.lag_bytes.unwrap_or(i64::MAX));
    let at_risk = found.candidates.iter().filter_map(|one| one.lag_bytes).min();
    let structured = json!({
        "name": cluster.name(), "namespace": cluster.namespace(), "ready": best.is_some(), "primary": cluster.primary(),
        "best": best.map(|one| one.name.as_str()), "blockers": blockers, "risks": risks, "notes": notes,
        "expected_loss_bytes": best.map(|_| 0), "at_risk_bytes": at_risk,
        "candidates": found.candidates.iter().map(Candidate::structured).collect::<Vec<Value>>(),
    });
    let mut text = head(cluster, best);
    for (title, lines) in [("Blockers", &blockers), ("Risks", &risks), ("Notes", &notes)] {
        if !lines.is_empty() {
            text.push_str(&format!("\n**{title}:**\n- {}\n", lines.join("\n- ")));
        }
    }
    let rows: Vec<Vec<String>> = found.candidates.iter().map(Candidate::row).collect();
    let none = if rows.is_empty() { "There is no replica.\n" } else { "" };
    text.push_str(&format!("\n{none}{}", table(&["Replica", "Ready", "Lag", "Replay lag", "Sync", "Why"], &rows)));
    text.push_str(&match best {
        Some(best) => format!("\nNext: `promote_cluster_instance` with `instance: \"{}\"`.\n", best.name),
        None => "\nNext: `get_cluster_status` with `detail_level: detailed`.\n".into(),
    });
    Answer::new(text, structured)
}

fn head(cluster: Cluster<'_>, best: Option<&Candidate>) -> String {
    let (namespace, name) = (cluster.namespace(), cluster.name());
    match best {
        Some(best) => format!(
            "**Go**: cluster `{namespace}/{name}` can switch over from {} to {}; a switchover loses nothing, since the primary sends all its WAL before it stops.\n",
            short(cluster.primary().unwrap_or_default()),
            best.name
        ),
        None => format!("**No-go**: cluster `{namespace}/{name}` cannot switch over safely now.\n"),
    }
}
