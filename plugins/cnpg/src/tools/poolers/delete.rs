//! delete_pooler: exactly the one that was looked at, after somebody agreed: those who connect through it lose their way.

use serde::Deserialize;

use super::POOLER;
use crate::answer::{Answer, Outcome, warnings};
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::consent::{Consent, Danger, obtain};
use crate::deleting;
use crate::json::{json, text};
use crate::kind::POOLERS;
use crate::parameter::{CONFIRM, CONFIRM_NAME, DRY_RUN, NAMESPACE};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::short;

pub(crate) const TOOL: Entry = Entry {
    name: "delete_pooler",
    title: "Delete a pooler",
    description: "Delete a pooler (PgBouncer) with its service: who connects through it loses the connection. The cluster and its data are not touched. Asks the human when the client can; otherwise `confirm_name` must repeat the name.",
    parameters: &[POOLER, CONFIRM, CONFIRM_NAME, NAMESPACE, DRY_RUN],
    shape: Shape {
        properties: r#"{
"name": {"type": "string"}, "namespace": {"type": "string"}, "cluster": {"type": "string"},
"deleted": {"type": "boolean"}, "dry_run": {"type": "boolean"}, "confirmed_by": {"enum": ["human", "confirm_name", null]},
"notes": {"type": "array", "items": {"type": "string"}}, "warnings": {"type": "array", "items": {"type": "string"}}
}"#,
        required: &["name", "namespace", "cluster", "deleted", "dry_run", "notes", "warnings"],
    },
    hints: Hints { read_only: false, destructive: true, idempotent: false },
    level: Level::Administer,
    promised: false,
    rules: &[Rule::on(POOLERS, &["get", "delete"])],
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
    let namespace = call.namespace(input.namespace.as_deref());
    let target = POOLERS.within(namespace.as_str()).named(&input.name);
    let object = call.get(&target).map_err(|problem| problem.next(&["list_poolers"]))?;
    let cluster = text(&object, "/spec/cluster/name").map(short).unwrap_or_default();
    let mut notes = vec![
        format!("its pods and its service `{}` go: who connects through it loses the connection", input.name),
        format!("cluster `{cluster}` and its data stay"),
    ];
    notes.extend(deleting::gitops(call, &object)?);
    let dry_run = input.dry_run.unwrap_or(false);
    let mut by = None;
    if !dry_run {
        let danger = Danger {
            tool: "delete_pooler",
            noun: "pooler",
            name: &input.name,
            identity: text(&object, "/metadata/uid").unwrap_or_default(),
            question: format!("Delete pooler {namespace}/{} of cluster {cluster}?", input.name),
            impact: notes.iter().map(|note| format!("- {note}\n")).collect(),
            undone: "was not deleted",
            flag: Some(("confirm", input.confirm)),
            confirm_name: input.confirm_name.as_deref(),
        };
        match obtain(call, &danger)? {
            Consent::Given(one) => by = Some(one),
            Consent::Ask(question) => return Ok(Outcome::Ask(question)),
        }
    }
    let texts = deleting::delete(call, &target, &object, dry_run)?;
    let mut out = if dry_run {
        format!("**Dry run**: the API server would delete pooler `{namespace}/{}`; nothing was deleted.\n", input.name)
    } else {
        call.host.log(&format!("deleted pooler {namespace}/{} (confirmed by {})", input.name, by.unwrap_or("-")));
        format!("Pooler `{namespace}/{}` is deleted.\n", input.name)
    };
    out.extend(notes.iter().map(|note| format!("- {note}\n")));
    out.push_str(&warnings(&texts));
    let next =
        if dry_run { "the same call with `dry_run: false` and `confirm_name`" } else { "`list_poolers` shows what is left" };
    out.push_str(&format!("\nNext: {next}.\n"));
    let structured = json!({
        "name": input.name, "namespace": namespace, "cluster": cluster, "deleted": !dry_run, "dry_run": dry_run,
        "confirmed_by": by, "notes": notes, "warnings": texts,
    });
    Ok(Answer::new(out, structured).into())
}
