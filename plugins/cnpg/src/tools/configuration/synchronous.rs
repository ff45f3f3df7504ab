//! set_sync_replication: how many standbys confirm each commit. Source: CloudNativePG, "Synchronous replication"; `minSyncReplicas` and
//! `maxSyncReplicas` are its deprecated forerunners, which are taken out so that one place says it.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::answer::Outcome;
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::change::{Change, REQUIRED, Wanted, Words, shape_of_change};
use crate::cluster::Cluster;
use crate::guard;
use crate::json::{integer, json, list, merged, text};
use crate::kind::CLUSTERS;
use crate::parameter::{DRY_RUN, NAME, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::count;

const FIELD: &str = "/spec/postgresql/synchronous";

pub(crate) const TOOL: Entry = Entry {
    name: "set_sync_replication",
    title: "Set synchronous replication",
    description: "Set how many standbys must confirm each commit of a cluster before the client hears of it; 0 switches synchronous replication off. A reload applies it, without a restart.",
    parameters: &[
        NAME,
        Parameter::required("number", Takes::Integer(0, 100), "Standbys that confirm each commit; 0: none, commits do not wait."),
        Parameter::optional(
            "method",
            Takes::Choice(&["any", "first"]),
            "null",
            "any: whichever standbys confirm first (quorum). first: by priority. Left out: as it is, or any.",
        ),
        Parameter::optional(
            "data_durability",
            Takes::Choice(&["required", "preferred"]),
            "null",
            "required: writes wait while standbys are missing. preferred: they go on without them. Left out: as it is (CloudNativePG's default is required).",
        ),
        Parameter::optional(
            "failover_quorum",
            Takes::Flag,
            "null",
            "Whether a failover waits for enough standbys to be sure that no confirmed commit is lost (CloudNativePG 1.28 and later).",
        ),
        NAMESPACE,
        DRY_RUN,
    ],
    shape: Shape {
        properties: shape_of_change!(
            r#", "synchronous": {"type": ["object", "null"], "description": "As it is (or would be); null: switched off"}"#
        ),
        required: REQUIRED,
    },
    hints: Hints { read_only: false, destructive: false, idempotent: true },
    level: Level::Operate,
    promised: false,
    rules: &[Rule::on(CLUSTERS, &["get", "patch"])],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    number: i64,
    method: Option<String>,
    data_durability: Option<String>,
    failover_quorum: Option<bool>,
    namespace: Option<String>,
    dry_run: Option<bool>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    if input.number == 0 && (input.method.is_some() || input.data_durability.is_some() || input.failover_quorum.is_some()) {
        let message = "0 switches synchronous replication off, and then nothing else of it can be set";
        return Err(Problem::argument("number", message, "Leave out the others, or say how many standbys shall confirm."));
    }
    let decide = |object: &Value| {
        let cluster = Cluster(object);
        guard::is_looked_after(cluster)?;
        let patch = patch(&input, cluster);
        let after = merged(object, &patch);
        enough(cluster, &after)?;
        let notes = notes(cluster, &after);
        Ok((after != *object).then(|| Wanted::merge(patch, notes)))
    };
    let change = Change::of_cluster(call, input.namespace.as_deref(), &input.name, input.dry_run, &decide);
    let Some(seen) = change.look()? else { return Ok(change.same("replicates like this already", &json!({})).into()) };
    let done = change.make(seen).map_err(|problem| problem.renamed(&[("sync", "number")]))?;
    let how = if input.number == 0 {
        "without waiting for standbys".to_owned()
    } else {
        format!("with {} confirming each commit", count(input.number, "standby"))
    };
    let words = Words {
        would: format!("would replicate {how}"),
        did: format!("replicates {how} from the next reload on"),
        next: "`get_cluster_status` with `sections: [\"live\"]` shows which standbys confirm",
        extra: json!({"synchronous": done.object().pointer(FIELD)}),
    };
    Ok(done.answer(&words).into())
}

/// The deprecated fields that say something; the CRD fills in 0 for both.
fn deprecated(cluster: Cluster<'_>) -> impl Iterator<Item = &'static str> {
    let says = move |one: &&str| integer(cluster.0, &format!("/spec/{one}")).is_some_and(|number| number > 0);
    ["minSyncReplicas", "maxSyncReplicas"].into_iter().filter(says)
}

fn patch(input: &Input, cluster: Cluster<'_>) -> Value {
    let mut spec = Map::new();
    spec.extend(deprecated(cluster).map(|old| (old.to_owned(), Value::Null)));
    let there = cluster.0.pointer(FIELD).is_some();
    if input.number > 0 {
        let mut fields = json!({"number": input.number});
        let method = input.method.as_deref().or(if there { None } else { Some("any") });
        let given = [
            ("method", method.map(Value::from)),
            ("dataDurability", input.data_durability.as_deref().map(Value::from)),
            ("failoverQuorum", input.failover_quorum.map(Value::from)),
        ];
        if let Some(map) = fields.as_object_mut() {
            map.extend(given.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
        }
        spec.insert("postgresql".into(), json!({"synchronous": fields}));
    } else if there {
        spec.insert("postgresql".into(), json!({"synchronous": null}));
    }
    json!({"spec": spec})
}

/// The rule of the webhook: fewer than the instances and the standbys that are named besides.
fn enough(cluster: Cluster<'_>, after: &Value) -> Result<(), Problem> {
    let number = integer(after, &format!("{FIELD}/number")).unwrap_or(0);
    let named: usize =
        ["standbyNamesPre", "standbyNamesPost"].iter().map(|key| list(after, &format!("{FIELD}/{key}")).len()).sum();
    let standbys = cluster.instances() - 1 + i64::try_from(named).unwrap_or(i64::MAX / 2);
    if number <= standbys {
        return Ok(());
    }
    let message = format!(
        "cluster `{}` has {}: {number} cannot confirm, and with `required` no write would ever end",
        cluster.name(),
        count(standbys, "standby")
    );
    Err(Problem::argument("number", message, "Ask for fewer, or add instances first.").next(&["scale_postgres_cluster"]))
}

fn notes(cluster: Cluster<'_>, after: &Value) -> Vec<String> {
    let mut out = Vec::new();
    let Some(number) = integer(after, &format!("{FIELD}/number")) else {
        if cluster.synchronous().is_some() {
            out.push("a failover may lose the last commits that clients were told of".into());
        }
        return out;
    };
    let durability = text(after, &format!("{FIELD}/dataDurability")).unwrap_or("required");
    if durability == "required" && number >= cluster.instances() - 1 {
        out.push("every standby must confirm: when one is missing, writes wait until it is back".into());
    }
    if durability == "preferred" {
        out.push("with `preferred`, commits go on while standbys are missing and may be lost in a failover then".into());
    }
    if deprecated(cluster).next().is_some() {
        out.push(
            "the deprecated `minSyncReplicas` and `maxSyncReplicas` are taken out: `postgresql.synchronous` says it now".into(),
        );
    }
    out
}
