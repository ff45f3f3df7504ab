//! hibernate_cluster: shuts all instances down and keeps their volumes, declaratively (annotation `cnpg.io/hibernation`).

use serde::Deserialize;
use serde_json::json;

use crate::answer::Outcome;
use crate::call::Call;
use crate::catalogue::{Entry, Hints, read};
use crate::change::{Change, REQUIRED, Wanted, Words, shape_of_change};
use crate::cluster::Cluster;
use crate::consent::{Consent, Danger, obtain};
use crate::guard;
use crate::kind::CLUSTERS;
use crate::parameter::{DRY_RUN, NAME, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;

/// `on` or `off`; anything else is refused by the webhook.
pub(super) const ANNOTATION: &str = "cnpg.io/hibernation";

pub(crate) const TOOL: Entry = Entry {
    name: "hibernate_cluster",
    title: "Hibernate a PostgreSQL cluster",
    description: "Shut a PostgreSQL cluster down and keep its volumes: all instances stop, nobody can connect, `resume_cluster` brings it back. Asks the human when the client can; otherwise needs `confirm: true` and the name once more in `confirm_name`.",
    parameters: &[
        NAME,
        Parameter::optional(
            "confirm",
            Takes::Flag,
            "null",
            "Must not be false, and needs `confirm_name` beside it when the client cannot ask the human.",
        ),
        Parameter::optional("confirm_name", Takes::Text(""), "null", "The cluster's name once more."),
        NAMESPACE,
        DRY_RUN,
    ],
    shape: Shape {
        properties: shape_of_change!(r#", "confirmed_by": {"enum": ["human", "confirm_name", null]}"#),
        required: REQUIRED,
    },
    hints: Hints { read_only: false, destructive: true, idempotent: true },
    level: Level::Operate,
    promised: false,
    rules: &[Rule::on(CLUSTERS, &["get", "patch"])],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    confirm: Option<bool>,
    confirm_name: Option<String>,
    namespace: Option<String>,
    dry_run: Option<bool>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let decide = |object: &_| {
        let cluster = Cluster(object);
        guard::is_looked_after(cluster)?;
        if cluster.is_hibernated() {
            return Ok(None);
        }
        guard::is_not_moving(cluster)?;
        let patch = json!({"metadata": {"annotations": {ANNOTATION: "on"}}});
        Ok(Some(Wanted::merge(
            patch,
            vec!["volumes and Secrets stay; Poolers and scheduled backups of it fail meanwhile".into()],
        )))
    };
    let change = Change::of_cluster(call, input.namespace.as_deref(), &input.name, input.dry_run, &decide);
    let Some(seen) = change.look()? else { return Ok(change.same("is hibernated already", &json!({})).into()) };
    let mut by = None;
    if !change.dry_run {
        match obtain(call, &danger(&input, Cluster(&seen.object)))? {
            Consent::Given(who) => by = Some(who),
            Consent::Ask(question) => return Ok(Outcome::Ask(question)),
        }
    }
    let words = Words {
        would: "would be hibernated".into(),
        did: "is being hibernated: its instances stop, its volumes stay".into(),
        next: "`get_cluster_status` shows when it is done; `resume_cluster` brings it back",
        extra: json!({"confirmed_by": by}),
    };
    Ok(change.make(seen)?.answer(&words).into())
}

fn danger<'a>(input: &'a Input, cluster: Cluster<'a>) -> Danger<'a> {
    Danger {
        tool: "hibernate_cluster",
        noun: "cluster",
        name: cluster.name(),
        identity: cluster.uid(),
        question: format!("Hibernate PostgreSQL cluster {}/{}?", cluster.namespace(), cluster.name()),
        impact: "- All instances stop: nobody can connect until it is resumed\n- Volumes, Secrets and services stay\n".into(),
        undone: "was not hibernated",
        flag: Some(("confirm", input.confirm)),
        confirm_name: input.confirm_name.as_deref(),
    }
}
