//! set_managed_service: a Service of one's own for a cluster, kept by CloudNativePG beside `-rw`, `-ro` and `-r`. The list
//! (`spec.managed.services.additional`) is atomic: a JSON patch of the entry. Source: CloudNativePG, "Service management".

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::answer::Outcome;
use crate::arguments::read;
use crate::atomic;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::change::{Change, REQUIRED, Wanted, Words, shape_of_change};
use crate::cluster::Cluster;
use crate::consent::{Consent, Danger, as_seen, obtain};
use crate::guard;
use crate::json::{json, list, merged, text};
use crate::kind::CLUSTERS;
use crate::parameter::{CONFIRM, CONFIRM_NAME, DRY_RUN, NAME, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::short;

const PATH: &[&str] = &["spec", "managed", "services", "additional"];
const LIST: &str = "/spec/managed/services/additional";
/// Labels or annotations; null takes one out.
const TEXTS: Takes = Takes::Json(
    r#"{"type": "object", "maxProperties": 50, "additionalProperties": {"type": ["string", "null"], "maxLength": 1024}}"#,
);

pub(crate) const TOOL: Entry = Entry {
    name: "set_managed_service",
    title: "Make or change a service of a cluster",
    description: "Make a Kubernetes Service that leads to a cluster (beside CloudNativePG's own `-rw`, `-ro` and `-r`), e.g. a load balancer, or change the one of that name, or remove it with `ensure: absent`, for which the human is asked as for leading it elsewhere. What is left out stays as it is.",
    parameters: &[
        NAME,
        Parameter::required(
            "service",
            Takes::Text("^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$"),
            "Name of the Service; not one of the cluster's own (`<cluster>-rw`, `-ro`, `-r`, `-any`).",
        ),
        Parameter::optional(
            "type",
            Takes::Choice(&["rw", "ro", "r"]),
            "null",
            "rw: to the primary. ro: to replicas. r: to any instance. Left out: as it is; a new one needs it.",
        ),
        Parameter::optional(
            "service_type",
            Takes::Choice(&["ClusterIP", "NodePort", "LoadBalancer"]),
            "null",
            "ClusterIP: reached within Kubernetes. NodePort, LoadBalancer: from outside too. Left out: as it is, or ClusterIP.",
        ),
        Parameter::optional(
            "source_ranges",
            Takes::Json(
                r#"{"type": "array", "items": {"type": "string", "pattern": "^[0-9a-fA-F.:]{2,45}/[0-9]{1,3}$"}, "maxItems": 50}"#,
            ),
            "null",
            "Networks that a load balancer lets in, e.g. `[\"10.0.0.0/8\"]`.",
        ),
        Parameter::optional("labels", TEXTS, "null", "Labels of the Service; null takes one out."),
        Parameter::optional(
            "annotations",
            TEXTS,
            "null",
            "Annotations of the Service, e.g. for a cloud's load balancer; null takes one out.",
        ),
        Parameter::optional(
            "update_strategy",
            Takes::Choice(&["patch", "replace"]),
            "null",
            "How CloudNativePG changes the Service: patch keeps what others wrote into it, replace makes it anew. Left out: as it is, or patch.",
        ),
        Parameter::optional("ensure", Takes::Choice(&["present", "absent"]), "\"present\"", "absent: remove it."),
        CONFIRM,
        CONFIRM_NAME,
        NAMESPACE,
        DRY_RUN,
    ],
    shape: Shape {
        properties: shape_of_change!(
            r#", "service": {"type": "string"}, "created": {"type": "boolean"}, "removed": {"type": "boolean"},
"confirmed_by": {"enum": ["human", "confirm_name", null]}"#
        ),
        required: REQUIRED,
    },
    hints: Hints { read_only: false, destructive: true, idempotent: true },
    level: Level::Provision,
    promised: false,
    rules: &[Rule::on(CLUSTERS, &["get", "patch"])],
    run,
};

type Texts = BTreeMap<String, Option<String>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    service: String,
    #[serde(rename = "type")]
    selector: Option<String>,
    service_type: Option<String>,
    source_ranges: Option<Vec<String>>,
    labels: Option<Texts>,
    annotations: Option<Texts>,
    update_strategy: Option<String>,
    ensure: Option<String>,
    confirm: Option<bool>,
    confirm_name: Option<String>,
    namespace: Option<String>,
    dry_run: Option<bool>,
}

impl Input {
    fn removes(&self) -> bool {
        self.ensure.as_deref() == Some("absent")
    }
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let decide = |object: &Value| {
        guard::is_looked_after(Cluster(object))?;
        decide(&input, Cluster(object))
    };
    let change = Change::of_cluster(call, input.namespace.as_deref(), &input.name, input.dry_run, &decide);
    let what = format!("service `{}`", input.service);
    let own = |created: bool, removed: bool| json!({"service": input.service, "created": created, "removed": removed});
    let Some(seen) = change.look()? else {
        let same = if input.removes() { format!("has no {what}") } else { format!("has {what} like this already") };
        return Ok(change.same(&same, &own(false, false)).into());
    };
    let there = find(Cluster(&seen.object), &input.service).map(|(_, one)| one);
    let mut by = None;
    if let Some(there) = there.filter(|there| !change.dry_run && cuts_off(&input, there)) {
        match obtain(call, &danger(&input, Cluster(&seen.object), &as_seen(&seen.object), there))? {
            Consent::Given(who) => by = Some(who),
            Consent::Ask(question) => return Ok(Outcome::Ask(question)),
        }
    }
    let verb = if input.removes() {
        "removed"
    } else if there.is_some() {
        "changed"
    } else {
        "made"
    };
    let done = !change.dry_run;
    let words = Words {
        would: format!("would have {what} {verb}"),
        did: format!("has {what} {verb}"),
        next: "`get_connection_info` tells how to connect",
        extra: merged(&own(done && verb == "made", done && verb == "removed"), &json!({"confirmed_by": by})),
    };
    Ok(change.make_agreed(seen, by)?.answer(&words).into())
}

fn find<'a>(cluster: Cluster<'a>, name: &str) -> Option<(usize, &'a Value)> {
    let is = |one: &Value| text(one, "/serviceTemplate/metadata/name") == Some(name);
    list(cluster.0, LIST).iter().enumerate().find(|(_, one)| is(one))
}

fn decide(input: &Input, cluster: Cluster<'_>) -> Result<Option<Wanted>, Problem> {
    let own = ["rw", "ro", "r", "any"].map(|suffix| format!("{}-{suffix}", cluster.name()));
    if own.contains(&input.service) {
        let message = format!("`{}` is one of CloudNativePG's own services", input.service);
        return Err(Problem::argument("service", message, "Choose another name."));
    }
    let wanted = fields(input);
    match find(cluster, &input.service) {
        None if input.removes() => Ok(None),
        None if input.selector.is_none() => {
            let message = format!(
                "cluster `{}` has no service `{}` yet, and a new one needs to know where to lead",
                cluster.name(),
                input.service
            );
            Err(Problem::argument("type", message, "Say `rw`, `ro` or `r`."))
        }
        None => {
            // A null has nothing to take out.
            let entry = merged(&json!({}), &wanted);
            Ok(Some(Wanted::list(atomic::append(cluster.0, PATH, &entry), notes(&entry))))
        }
        Some((at, _)) if input.removes() => Ok(Some(Wanted::list(atomic::replace(cluster.0, PATH, at, None), Vec::new()))),
        Some((at, there)) => {
            let entry = merged(there, &wanted);
            let edit = atomic::replace(cluster.0, PATH, at, Some(&entry));
            Ok((entry != *there).then(|| Wanted::list(edit, notes(&entry))))
        }
    }
}

/// What was said of it, as the spec has it.
fn fields(input: &Input) -> Value {
    let (mut out, mut spec) = (Map::new(), Map::new());
    let mut metadata = json!({"name": input.service});
    for (key, texts) in [("labels", &input.labels), ("annotations", &input.annotations)] {
        if let (Some(texts), Some(map)) = (texts, metadata.as_object_mut()) {
            map.insert(key.into(), json!(texts));
        }
    }
    spec.extend(input.service_type.clone().map(|one| ("type".to_owned(), Value::from(one))));
    spec.extend(input.source_ranges.clone().map(|one| ("loadBalancerSourceRanges".to_owned(), Value::from(one))));
    let mut template = json!({"metadata": metadata});
    if let (false, Some(map)) = (spec.is_empty(), template.as_object_mut()) {
        map.insert("spec".into(), spec.into());
    }
    out.insert("serviceTemplate".into(), template);
    out.extend(input.selector.clone().map(|one| ("selectorType".to_owned(), Value::from(one))));
    out.extend(input.update_strategy.clone().map(|one| ("updateStrategy".to_owned(), Value::from(one))));
    Value::Object(out)
}

fn notes(entry: &Value) -> Vec<String> {
    let mut out = Vec::new();
    let spec = |key: &str| entry.pointer(&format!("/serviceTemplate/spec/{key}"));
    let kind = spec("type").and_then(Value::as_str).unwrap_or("ClusterIP");
    if kind != "ClusterIP" {
        out.push(format!("{kind}: PostgreSQL can be reached from outside of Kubernetes; `set_pg_hba` says who may connect"));
    }
    if kind == "LoadBalancer" && spec("loadBalancerSourceRanges").is_none_or(|one| one.as_array().is_none_or(Vec::is_empty)) {
        out.push("no `source_ranges`: from everywhere that the load balancer can be reached".into());
    }
    out
}

/// Whether who uses it now finds something else there afterwards, or nothing.
fn cuts_off(input: &Input, there: &Value) -> bool {
    let led = text(there, "/selectorType");
    input.removes() || input.selector.as_deref().is_some_and(|one| Some(one) != led)
}

fn danger<'a>(input: &'a Input, cluster: Cluster<'a>, identity: &'a str, there: &Value) -> Danger<'a> {
    let led = text(there, "/selectorType").map(short).unwrap_or_default();
    let what = if input.removes() {
        "Remove".to_owned()
    } else {
        format!("Lead to `{}` instead of `{led}`", input.selector.as_deref().unwrap_or_default())
    };
    Danger {
        tool: "set_managed_service",
        noun: "service",
        name: &input.service,
        identity,
        question: format!("{what}: service {} of PostgreSQL cluster {}/{}?", input.service, cluster.namespace(), cluster.name()),
        impact:
            "- Clients that connect through it do not find what they found there\n- The cluster and its other services stay\n"
                .into(),
        undone: "was not changed",
        flag: Some(("confirm", input.confirm)),
        confirm_name: input.confirm_name.as_deref(),
    }
}
