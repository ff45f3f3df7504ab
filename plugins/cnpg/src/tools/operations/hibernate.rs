//! hibernate_cluster: shuts all instances down and keeps their volumes, declaratively (annotation `cnpg.io/hibernation`).

use serde::Deserialize;
use serde_json::Value;

use crate::answer::Outcome;
use crate::arguments::read;
use crate::backup_first::First;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::change::{Change, REQUIRED, Wanted, Words, shape_of_change};
use crate::cluster::Cluster;
use crate::consent::{Consent, Danger, as_seen, obtain};
use crate::guard;
use crate::json::{json, text, with};
use crate::kind::{BACKUPS, CLUSTERS};
use crate::parameter::{CONFIRM, CONFIRM_NAME, DRY_RUN, NAME, NAMESPACE, Parameter, TIMEOUT, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::short;
use crate::time;
use crate::waiting;
use crate::watching::{End, Seen, Verdict, until};

/// `on` or `off`; anything else is refused by the webhook.
pub(super) const ANNOTATION: &str = "cnpg.io/hibernation";

/// The condition that tells how far the operator is.
const CONDITION: &str = "cnpg.io/hibernation";
/// The backup before it.
const BACKUP: First =
    First { parameter: "backup_first", word: "hibernation", undone: "nothing was hibernated", verb: "hibernate" };

pub(crate) const TOOL: Entry = Entry {
    name: "hibernate_cluster",
    title: "Hibernate a PostgreSQL cluster",
    description: "Shut a PostgreSQL cluster down and keep its volumes: all instances stop, nobody can connect, `resume_cluster` brings it back. Asks the human when the client can; otherwise needs `confirm: true` and the name once more in `confirm_name`.",
    parameters: &[
        NAME,
        CONFIRM,
        CONFIRM_NAME,
        Parameter::optional(
            "backup_first",
            Takes::Flag,
            "false",
            "Take a backup the way the cluster is set up for, and hibernate only when it is completed.",
        ),
        Parameter::optional("wait", Takes::Flag, "false", "Wait until all instances are shut down."),
        TIMEOUT,
        NAMESPACE,
        DRY_RUN,
    ],
    shape: Shape {
        properties: shape_of_change!(
            r#", "confirmed_by": {"enum": ["human", "confirm_name", null]}, "backup": {"type": ["string", "null"], "description": "Name of the Backup that was taken first"},
"wait": {"type": ["object", "null"]}"#
        ),
        required: REQUIRED,
    },
    hints: Hints { read_only: false, destructive: true, idempotent: true },
    level: Level::Operate,
    promised: false,
    rules: &[Rule::on(CLUSTERS, &["get", "patch", "watch"]), Rule::on(BACKUPS, &["create", "get", "watch"])],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    confirm: Option<bool>,
    confirm_name: Option<String>,
    backup_first: Option<bool>,
    wait: Option<bool>,
    timeout: Option<i64>,
    namespace: Option<String>,
    dry_run: Option<bool>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let first = input.backup_first == Some(true);
    let decide = |object: &_| decide(Cluster(object), first);
    let change = Change::of_cluster(call, input.namespace.as_deref(), &input.name, input.dry_run, &decide);
    let Some(seen) = change.look()? else { return Ok(change.same("is hibernated already", &json!({})).into()) };
    let (mut by, mut backup) = (None, None);
    if !change.dry_run {
        match obtain(call, &danger(&input, Cluster(&seen.object), &as_seen(&seen.object)))? {
            Consent::Given(who) => by = Some(who),
            Consent::Ask(question) => return Ok(Outcome::Ask(question)),
        }
        if first {
            backup = Some(BACKUP.take(call, Cluster(&seen.object))?);
        }
    }
    let words = Words {
        would: "would be hibernated".into(),
        did: "is being hibernated: its instances stop, its volumes stay".into(),
        next: "`get_cluster_status` shows when it is done; `resume_cluster` brings it back",
        extra: json!({"confirmed_by": by, "backup": backup}),
    };
    let done = change.make_agreed(seen, by).map_err(|problem| after_backup(problem, backup.as_deref()))?;
    let mut answer = done.answer(&words);
    if input.wait == Some(true) && !change.dry_run {
        let seconds = waiting::seconds(input.timeout, Cluster(done.object()).instances());
        let waited = until(call, &change.target, done.into_object(), seconds, &judge);
        answer.text.push_str(&format!("\n{}\n", told(&waited)?));
        answer.structured = with(answer.structured, "wait", waited.structured());
    }
    Ok(answer.into())
}

fn decide(cluster: Cluster<'_>, backup_first: bool) -> Result<Option<Wanted>, Problem> {
    guard::is_looked_after(cluster)?;
    if cluster.is_hibernated() {
        return Ok(None);
    }
    guard::is_not_moving(cluster)?;
    let mut notes = vec!["volumes and Secrets stay; Poolers and scheduled backups of it fail meanwhile".to_owned()];
    if backup_first {
        BACKUP.possible(cluster)?;
        notes.push("a backup is taken first; without it nothing is hibernated".into());
    }
    let patch = json!({"metadata": {"annotations": {ANNOTATION: "on"}}});
    Ok(Some(Wanted::merge(patch, notes)))
}

/// A refusal after the backup says that there is one.
fn after_backup(mut problem: Problem, backup: Option<&str>) -> Problem {
    if let Some(name) = backup {
        problem.hint = format!("{} Backup `{name}` was taken and stays.", problem.hint).into();
    }
    problem
}

fn judge(object: &Value) -> (Verdict, String) {
    let condition = Cluster(object).condition(CONDITION);
    let word = |key: &str| condition.and_then(|one| text(one, key));
    let verdict = match (word("/status"), word("/reason")) {
        _ if !Cluster(object).is_hibernated() => Verdict::Failed,
        (_, Some("WrongAnnotationValue")) => Verdict::Failed,
        (Some("True"), _) => Verdict::Reached,
        _ => Verdict::Going,
    };
    (verdict, format!("Hibernation: {}", short(word("/reason").unwrap_or("not begun by the operator yet"))))
}

fn told(waited: &Seen) -> Result<String, Problem> {
    let took = time::span(i64::try_from(waited.took_ms / 1000).unwrap_or(0));
    let now = judge(&waited.object).1;
    let ended = |reason: &str, message: &str| {
        Err(Problem::refused(reason, message, "Hibernation itself was asked for.").next(&["get_cluster_status"]))
    };
    match &waited.end {
        End::Reached => Ok(format!("Hibernated after {took}: no instance runs.")),
        End::TimedOut => Ok(format!("Not hibernated yet after {took}. {now}. The operator goes on by itself.")),
        End::Blind(problem) => Ok(format!("The change was made, but this server could not watch it:\n\n{}", problem.markdown())),
        End::Deleted => ended("Deleted", "somebody deleted the cluster while this call waited"),
        End::Failed => ended("NotHibernated", &format!("the cluster does not hibernate. {now}, or somebody resumed it")),
    }
}

fn danger<'a>(input: &'a Input, cluster: Cluster<'a>, identity: &'a str) -> Danger<'a> {
    Danger {
        tool: "hibernate_cluster",
        noun: "cluster",
        name: cluster.name(),
        identity,
        question: format!("Hibernate PostgreSQL cluster {}/{}?", cluster.namespace(), cluster.name()),
        impact: "- All instances stop: nobody can connect until it is resumed\n- Volumes, Secrets and services stay\n".into(),
        undone: "was not hibernated",
        flag: Some(("confirm", input.confirm)),
        confirm_name: input.confirm_name.as_deref(),
    }
}
