//! delete_postgres_role: takes back the declaration of a role, and drops the role itself when that is asked for. Only after the human
//! agreed or the name was given twice; only what was looked at; never a Secret (D3).

mod answer;
mod inline;
mod object;

use serde_json::Value;

use self::answer::Taken;
use super::required;
use crate::answer::Outcome;
use crate::applied::{TIMEOUT, WAIT};
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::cluster::Cluster;
use crate::consent::{Consent, Danger, contradicted, obtain};
use crate::deleting;
use crate::json::{integer, text};
use crate::kind::{CLUSTERS, DATABASE_ROLES};
use crate::parameter::{CLUSTER_NAME, CONFIRM, CONFIRM_NAME, DRY_RUN, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::roles::Roles;
use crate::roles::attributes::{flag, word};
use crate::roles::causes::named;
use crate::roles::role::{Role, Source};
use crate::rule::Rule;
use crate::shape::Shape;

pub(crate) const TOOL: Entry = Entry {
    name: "delete_postgres_role",
    title: "Delete a PostgreSQL role",
    description: "Delete the declaration of a PostgreSQL role and, with `drop_role: true`, drop the role in PostgreSQL. Asks the human when the client can; otherwise needs the role's name once more in `confirm_name`. `dry_run: true` shows what would go and what would stay.",
    parameters: &[
        CLUSTER_NAME,
        super::ROLE_NAME,
        Parameter::optional(
            "drop_role",
            Takes::Flag,
            "null",
            "true: DROP ROLE in PostgreSQL too. false: it stays there. Left out: as the DatabaseRole's reclaim policy says; an entry of spec.managed.roles is dropped.",
        ),
        CONFIRM,
        CONFIRM_NAME,
        NAMESPACE,
        DRY_RUN,
        WAIT,
        TIMEOUT,
    ],
    shape: Shape {
        properties: r#"{
"cluster": {"type": "string"}, "namespace": {"type": "string"}, "role_name": {"type": "string"}, "crd_name": {"type": ["string", "null"]},
"source": {"enum": ["databaserole", "inline"]}, "deleted": {"type": "boolean", "description": "Whether Kubernetes accepted it"},
"gone": {"type": "boolean", "description": "Whether the declaration is gone; with drop_role that means that the role is dropped"},
"drop_role": {"type": "boolean"}, "dry_run": {"type": "boolean"}, "confirmed_by": {"enum": ["human", "confirm_name", null]},
"secret": {"type": ["string", "null"], "description": "Name of the Secret with the password"},
"secret_fate": {"enum": ["garbage_collected", "kept", null]},
"notes": {"type": "array", "items": {"type": "string"}}, "warnings": {"type": "array", "items": {"type": "string"}},
"wait": {"type": ["object", "null"]}
}"#,
        required: &["cluster", "namespace", "role_name", "source", "deleted", "gone", "drop_role", "dry_run", "warnings"],
    },
    hints: Hints { read_only: false, destructive: true, idempotent: false },
    level: Level::Administer,
    promised: true,
    rules: &[
        Rule::on(CLUSTERS, &["get", "patch", "watch"]),
        Rule::on(DATABASE_ROLES, &["list", "get", "patch", "delete", "watch"]),
    ],
    run,
};

/// What was decided on.
struct Plan<'a> {
    roles: &'a Roles,
    role: Role<'a>,
    /// Whether PostgreSQL is to forget it.
    drops: bool,
    dry_run: bool,
    /// Seconds to wait.
    wait: Option<i64>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Value = read(arguments)?;
    let (cluster, name) = (required(&input, "cluster_name")?, required(&input, "role_name")?);
    let roles = Roles::read(call, &call.namespace(word(&input, "namespace")), cluster)?;
    let plan = plan(&input, &roles, roles.expect(name)?)?;
    if plan.dry_run {
        let taken = plan.take(call).map_err(named)?;
        return Ok(plan.answer(taken, None).into());
    }
    if plan.role.source == Source::Object {
        // Said before the human is asked; the note, if it is one, comes with the answer.
        deleting::gitops(call, plan.role.object)?;
    }
    // Finishing what a call before was agreed to needs no second consent.
    let danger = plan.danger(&input);
    contradicted(&danger)?;
    let by = if plan.is_begun() { None } else { Some(obtain(call, &danger)?) };
    let by = match by {
        Some(Consent::Ask(question)) => return Ok(Outcome::Ask(question)),
        Some(Consent::Given(by)) => Some(by),
        None => None,
    };
    let taken = plan.take(call).map_err(named)?;
    call.host.log(&format!("deleted a role of cluster {}/{cluster}", Cluster(&roles.cluster).namespace()));
    Ok(plan.answer(taken, by).into())
}

fn plan<'a>(input: &Value, roles: &'a Roles, role: Role<'a>) -> Result<Plan<'a>, Problem> {
    if role.is_being_deleted() {
        let said = role.state().message.map(|one| format!(" CloudNativePG says: {one}")).unwrap_or_default();
        let message = format!("role `{}` is being deleted already.{said}", role.name());
        let hint = "A role that owns objects cannot be dropped: reassign or drop them in PostgreSQL, then CloudNativePG goes on by itself.";
        return Err(Problem::refused("BeingDeleted", message, hint).next(&["get_postgres_role_status"]));
    }
    let drops = flag(input, "drop_role").unwrap_or_else(|| role.reclaim_policy() != Some("retain"));
    let seconds = integer(input, "/timeout").unwrap_or(crate::roles::applied::SECONDS);
    let wait = flag(input, "wait").unwrap_or(true).then_some(seconds);
    Ok(Plan { roles, role, drops, dry_run: flag(input, "dry_run").unwrap_or(false), wait })
}

impl Plan<'_> {
    fn take(&self, call: &Call<'_>) -> Result<Taken, Problem> {
        match self.role.source {
            Source::Object => object::take(call, self),
            Source::Inline => inline::take(call, self),
        }
    }

    /// An entry that is declared absent already.
    fn is_begun(&self) -> bool {
        self.role.ensure() == "absent" && self.drops
    }

    fn danger<'b>(&'b self, input: &'b Value) -> Danger<'b> {
        let cluster = Cluster(&self.roles.cluster);
        let what = if self.drops { "Drop" } else { "Stop managing" };
        Danger {
            tool: TOOL.name,
            noun: "role",
            name: self.role.name(),
            identity: text(self.role.object, "/metadata/uid").unwrap_or_default(),
            question: format!(
                "{what} role {} of PostgreSQL cluster {}/{}?",
                self.role.name(),
                cluster.namespace(),
                cluster.name()
            ),
            impact: self.impact(true),
            undone: "was not deleted",
            flag: Some(("confirm", flag(input, "confirm"))),
            confirm_name: word(input, "confirm_name"),
        }
    }
}
