//! set_superuser_access: whether `postgres` has a password and may log in over the network. With it comes all that a superuser can, so
//! that the operator's setting `privilegedRoles` decides; without it the Secret goes that others may use, so that a human agrees.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::answer::Outcome;
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::change::{Change, REQUIRED, Wanted, Words, shape_of_change};
use crate::cluster::Cluster;
use crate::consent::{Consent, Danger, as_seen, obtain};
use crate::guard;
use crate::json::{json, merged, text};
use crate::kind::CLUSTERS;
use crate::name::OBJECT_PATTERN;
use crate::parameter::{CONFIRM, CONFIRM_NAME, DRY_RUN, NAME, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::roles::policy;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::short;

pub(crate) const TOOL: Entry = Entry {
    name: "set_superuser_access",
    title: "Set superuser access",
    description: "Switch on or off that the superuser `postgres` of a cluster may log in over the network with a password. On: CloudNativePG keeps the password in a Secret; needs this server's setting `privilegedRoles: allow`. Off: the password and CloudNativePG's Secret go, for which the human is asked.",
    parameters: &[
        NAME,
        Parameter::required("enabled", Takes::Flag, "true: `postgres` may log in over the network. false: it may not."),
        Parameter::optional(
            "secret_name",
            Takes::Text(OBJECT_PATTERN),
            "null",
            "Secret of yours with the keys `username` (postgres) and `password`. Left out: as it is; without one CloudNativePG makes `<cluster>-superuser`.",
        ),
        CONFIRM,
        CONFIRM_NAME,
        NAMESPACE,
        DRY_RUN,
    ],
    shape: Shape {
        properties: shape_of_change!(
            r#", "enabled": {"type": "boolean"}, "secret": {"type": ["string", "null"], "description": "Name only; values never leave Kubernetes"},
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    enabled: bool,
    secret_name: Option<String>,
    confirm: Option<bool>,
    confirm_name: Option<String>,
    namespace: Option<String>,
    dry_run: Option<bool>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    if !input.enabled && input.secret_name.is_some() {
        let message = "without superuser access there is no password to take from a Secret";
        return Err(Problem::argument("secret_name", message, "Leave it out, or say `enabled: true`."));
    }
    let decide = |object: &Value| {
        let cluster = Cluster(object);
        guard::is_looked_after(cluster)?;
        let patch = patch(&input);
        let on = is_on(cluster);
        if on == input.enabled && merged(object, &patch) == *object || (!on && !input.enabled) {
            return Ok(None);
        }
        if input.enabled {
            policy::superuser(call, "enabled", "whoever reads its password passes over all permissions")?;
        }
        Ok(Some(Wanted::merge(patch, notes(&input, cluster))))
    };
    let change = Change::of_cluster(call, input.namespace.as_deref(), &input.name, input.dry_run, &decide);
    let state = if input.enabled { "on" } else { "off" };
    let Some(seen) = change.look()? else {
        let own = json!({"enabled": input.enabled, "secret": null});
        return Ok(change.same(&format!("has superuser access {state} already"), &own).into());
    };
    let mut by = None;
    if !input.enabled && !change.dry_run {
        match obtain(call, &danger(&input, Cluster(&seen.object), &as_seen(&seen.object)))? {
            Consent::Given(who) => by = Some(who),
            Consent::Ask(question) => return Ok(Outcome::Ask(question)),
        }
    }
    let done = change.make_agreed(seen, by)?;
    let secret = input.enabled.then(|| secret(Cluster(done.object())));
    let words = Words {
        would: format!("would have superuser access {state}"),
        did: format!("has superuser access {state}"),
        next: if input.enabled { "`get_connection_info` tells how to connect" } else { "`get_cluster_status`" },
        extra: json!({"enabled": input.enabled, "secret": secret, "confirmed_by": by}),
    };
    Ok(done.answer(&words).into())
}

/// The CRD's default is off.
fn is_on(cluster: Cluster<'_>) -> bool {
    cluster.0.pointer("/spec/enableSuperuserAccess").and_then(Value::as_bool) == Some(true)
}

fn secret(cluster: Cluster<'_>) -> String {
    text(cluster.0, "/spec/superuserSecret/name").map_or_else(|| format!("{}-superuser", cluster.name()), short)
}

fn patch(input: &Input) -> Value {
    let mut spec = Map::new();
    spec.insert("enableSuperuserAccess".into(), input.enabled.into());
    if let Some(name) = &input.secret_name {
        spec.insert("superuserSecret".into(), json!({"name": name}));
    }
    json!({"spec": spec})
}

fn notes(input: &Input, cluster: Cluster<'_>) -> Vec<String> {
    if input.enabled {
        let name = input.secret_name.clone().unwrap_or_else(|| secret(cluster));
        return vec![format!("whoever may read Secret `{name}` is superuser of every database of this cluster")];
    }
    let mut out =
        vec!["`postgres` loses its password: sessions that are open stay, new ones over the network are refused".to_owned()];
    if text(cluster.0, "/spec/superuserSecret/name").is_none() {
        out.push(format!("CloudNativePG deletes Secret `{}`", secret(cluster)));
    }
    out
}

fn danger<'a>(input: &'a Input, cluster: Cluster<'a>, identity: &'a str) -> Danger<'a> {
    Danger {
        tool: "set_superuser_access",
        noun: "cluster",
        name: cluster.name(),
        identity,
        question: format!("Switch superuser access off for PostgreSQL cluster {}/{}?", cluster.namespace(), cluster.name()),
        impact: notes(input, cluster).iter().map(|one| format!("- {one}\n")).collect(),
        undone: "was not changed",
        flag: Some(("confirm", input.confirm)),
        confirm_name: input.confirm_name.as_deref(),
    }
}
