//! update_postgres_role: changes what is declared of a role, and rotates its password without showing it. What is left out stays.

mod answer;

use portcullis_plugin::kubernetes::Target;
use serde_json::Value;

use self::answer::answer;
use super::required;
use crate::answer::Outcome;
use crate::applied::{TIMEOUT, WAIT};
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::change::{self, Change, Wanted};
use crate::cluster::Cluster;
use crate::json::{json, list, text};
use crate::kind::{CLUSTERS, DATABASE_ROLES, SECRETS};
use crate::parameter::{CLUSTER_NAME, DRY_RUN, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::roles::attributes::{UNSET, changes, flag, word};
use crate::roles::causes::named;
use crate::roles::password::Password;
use crate::roles::role::{Role, Source};
use crate::roles::secret::{self, Login, Owner, Stored};
use crate::roles::{Roles, inline, policy};
use crate::rule::Rule;
use crate::shape::Shape;

pub(crate) const TOOL: Entry = Entry {
    name: "update_postgres_role",
    title: "Update a PostgreSQL role",
    description: "Change a PostgreSQL role's attributes or memberships, or rotate its password. What is left out or null stays as it is. `reset_password: true` makes a new password in the role's Secret without showing it to anybody.",
    parameters: &[
        CLUSTER_NAME,
        super::ROLE_NAME,
        Parameter::optional("login", Takes::Flag, "null", "Whether it may log in."),
        Parameter::optional(
            "superuser",
            Takes::Flag,
            "null",
            "Passes over all permissions. true is refused unless the host's operator allows it.",
        ),
        Parameter::optional("inherit", Takes::Flag, "null", "Whether it has the permissions of the roles it is a member of."),
        Parameter::optional("createdb", Takes::Flag, "null", "Whether it may create databases."),
        Parameter::optional("createrole", Takes::Flag, "null", "Whether it may create, alter and drop roles."),
        Parameter::optional(
            "replication",
            Takes::Flag,
            "null",
            "Whether it may replicate. true is refused unless the host's operator allows it.",
        ),
        Parameter::optional(
            "bypassrls",
            Takes::Flag,
            "null",
            "Whether row security does not hold for it. true is refused unless the host's operator allows it.",
        ),
        Parameter::optional("in_roles", super::IDENTIFIERS, "null", "All its memberships: those not named are revoked."),
        Parameter::optional("add_roles", super::IDENTIFIERS, "null", "Memberships to add to those it has."),
        Parameter::optional("remove_roles", super::IDENTIFIERS, "null", "Memberships to take from those it has."),
        Parameter::optional("connection_limit", Takes::Integer(-1, 262_143), "null", "Most connections at a time; -1: no limit."),
        Parameter::optional(
            "valid_until",
            Takes::Text(""),
            "null",
            "When its password expires, RFC 3339, e.g. `2027-01-31T00:00:00Z`.",
        ),
        Parameter::optional("comment", Takes::Text(""), "null", "Comment on the role in PostgreSQL."),
        Parameter::optional("unset", Takes::Choices(&UNSET), "null", "Attributes to take out of the declaration."),
        Parameter::optional(
            "disable_password",
            Takes::Flag,
            "null",
            "true: set its password to NULL in PostgreSQL and refer to no Secret any more. false: allow one again.",
        ),
        Parameter::optional(
            "client_certificate",
            Takes::Flag,
            "null",
            "Whether CloudNativePG issues a TLS client certificate for it (1.30 and later).",
        ),
        Parameter::optional(
            "reclaim_policy",
            Takes::Choice(&["retain", "delete"]),
            "null",
            "What becomes of the role in PostgreSQL when its DatabaseRole is deleted.",
        ),
        Parameter::optional(
            "reset_password",
            Takes::Flag,
            "false",
            "Make a new password of 32 characters in the role's Secret; CloudNativePG applies it at once.",
        ),
        Parameter::optional(
            "password",
            Takes::Json(r#"{"type": "string", "minLength": 1, "maxLength": 1024, "writeOnly": true}"#),
            "null",
            "A password in clear, for compatibility: it passes through this conversation. `reset_password: true` is safer, since nobody sees what it makes.",
        ),
        Parameter::optional(
            "replace_secret",
            Takes::Flag,
            "false",
            "If the role's password is in a Secret that this server did not make: leave that Secret alone and refer to one of our own.",
        ),
        NAMESPACE,
        DRY_RUN,
        WAIT,
        TIMEOUT,
    ],
    shape: Shape {
        properties: r#"{
"cluster": {"type": "string"}, "namespace": {"type": "string"}, "role_name": {"type": "string"}, "crd_name": {"type": ["string", "null"]},
"source": {"enum": ["databaserole", "inline"]}, "changed": {"type": "boolean"}, "dry_run": {"type": "boolean"},
"changes": {"type": "array", "items": {"type": "object"}},
"password_changed": {"type": "boolean"}, "password_secret": {"type": ["string", "null"], "description": "Name only"},
"notes": {"type": "array", "items": {"type": "string"}}, "warnings": {"type": "array", "items": {"type": "string"}},
"wait": {"type": ["object", "null"]}
}"#,
        required: &["cluster", "namespace", "role_name", "source", "changed", "dry_run", "password_changed", "warnings"],
    },
    hints: Hints { read_only: false, destructive: false, idempotent: true },
    level: Level::Provision,
    promised: true,
    rules: &[
        Rule::on(CLUSTERS, &["get", "patch", "watch"]),
        Rule::on(DATABASE_ROLES, &["list", "get", "patch", "watch"]),
        Rule::on(SECRETS, &["create", "patch"]),
    ],
    run,
};

/// What was done, or would be.
struct Done<'a> {
    roles: &'a Roles,
    role: Role<'a>,
    target: Target,
    dry_run: bool,
    changed: Option<change::Done>,
    stored: Option<Stored>,
    notes: Vec<String>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Value = read(arguments)?;
    let (cluster, name) = (required(&input, "cluster_name")?, required(&input, "role_name")?);
    let roles = Roles::read(call, &call.namespace(word(&input, "namespace")), cluster)?;
    let role = roles.expect(name)?;
    if role.is_being_deleted() || role.ensure() == "absent" {
        let message = format!("role `{name}` is being removed");
        return Err(Problem::refused("BeingDeleted", message, "Wait until it is gone, then create it anew.")
            .next(&["get_postgres_role_status"]));
    }
    let password = wish(call, &input, role)?;
    let done = update(call, &input, &roles, role, password.as_ref()).map_err(named)?;
    if done.is_made() {
        call.host.log(&format!("updated a role of cluster {}/{cluster}", Cluster(&roles.cluster).namespace()));
    }
    answer(call, &input, &done).map(Outcome::Done)
}

/// The password that the caller asks for.
fn wish(call: &Call<'_>, input: &Value, role: Role<'_>) -> Result<Option<Password>, Problem> {
    let (given, reset) = (word(input, "password"), flag(input, "reset_password").unwrap_or(false));
    if given.is_none() && !reset {
        return Ok(None);
    }
    let parameter = if reset { "reset_password" } else { "password" };
    if given.is_some() && reset {
        return Err(Problem::argument(
            parameter,
            "the call gives a password and asks for a generated one",
            "Choose one: the generated one is safer.",
        ));
    }
    let disabled = flag(input, "disable_password").unwrap_or_else(|| role.flag("disablePassword"));
    if disabled {
        let message = format!("the password of `{}` is disabled, or is being disabled by this call", role.name());
        return Err(Problem::argument(parameter, message, "Pass `disable_password: false` beside it."));
    }
    match given {
        Some(text) => policy::password(call, role).and_then(|()| Password::given(text)).map(Some),
        None => Password::generate(call.host).map(Some),
    }
}

fn update<'a>(
    call: &Call<'_>,
    input: &Value,
    roles: &'a Roles,
    role: Role<'a>,
    password: Option<&Password>,
) -> Result<Done<'a>, Problem> {
    let cluster = Cluster(&roles.cluster);
    let secret = secret::name(cluster.name(), role.name());
    if password.is_some() {
        ours(role, &secret, flag(input, "replace_secret").unwrap_or(false))?;
    }
    let dry_run = flag(input, "dry_run").unwrap_or(false);
    let target = declared_in(roles, role);
    let refer = password.map(|_| secret.as_str());
    let edit = |dry_run: bool| declare(call, input, roles, role, refer, dry_run);
    let Some(password) = password else {
        let changed = edit(dry_run)?;
        let notes = changed.iter().flat_map(|one| one.notes.iter().cloned()).collect();
        return Ok(Done { roles, role, target, dry_run, changed, stored: None, notes });
    };
    // No password is changed before the API server has accepted the rest.
    let rehearsed = edit(true)?;
    let login = Login { namespace: cluster.namespace(), cluster: cluster.name(), role: role.name() };
    let stored = secret::put(call, &login, password, Some(&Owner(role.object)), dry_run)?;
    let changed = if dry_run || rehearsed.is_none() { rehearsed } else { edit(false)? };
    let notes = changed.iter().flat_map(|one| one.notes.iter()).chain(&stored.note).cloned().collect();
    Ok(Done { roles, role, target, dry_run, changed, stored: Some(stored), notes })
}

fn declared_in(roles: &Roles, role: Role<'_>) -> Target {
    role.object_name().map_or_else(|| roles.cluster_target(), |one| roles.target(one))
}

/// D3: a Secret that somebody else made is not overwritten.
fn ours(role: Role<'_>, secret: &str, replace: bool) -> Result<(), Problem> {
    match role.secret() {
        Some(other) if other != secret && !replace => {
            Err(secret::foreign_secret(&crate::text::short(other), "it is not one that this server makes for the role"))
        }
        _ => Ok(()),
    }
}

/// The change of the declaration, decided on what is there now.
fn declare(
    call: &Call<'_>,
    input: &Value,
    roles: &Roles,
    role: Role<'_>,
    secret: Option<&str>,
    dry_run: bool,
) -> Result<Option<change::Done>, Problem> {
    let (name, source, target) = (role.name(), role.source, declared_in(roles, role));
    let wanted = |now: Role<'_>| -> Result<Value, Problem> {
        let patch = changes(input, Some(now), source)?;
        policy::check(call, roles, Some(now), &patch)?;
        let refer = secret.filter(|one| now.secret() != Some(one)).map(|one| json!({"passwordSecret": {"name": one}}));
        Ok(refer.map_or_else(|| patch.clone(), |refer| with(&patch, &refer)))
    };
    let is_nothing = |patch: &Value| patch.as_object().is_none_or(serde_json::Map::is_empty);
    let decide = |now: &Value| {
        same(role, now)?;
        if source == Source::Object {
            let patch = wanted(Role::new(source, now, now.get("spec")))?;
            return Ok((!is_nothing(&patch)).then(|| Wanted::merge(json!({"spec": patch}), Vec::new())));
        }
        let all = list(now, "/spec/managed/roles");
        let entry = all.iter().find(|one| text(one, "/name") == Some(name)).ok_or_else(|| gone(name))?;
        let patch = wanted(Role::new(source, now, Some(entry)))?;
        let edit = inline::replace(now, name, Some(&inline::entry(entry, &patch))).filter(|_| !is_nothing(&patch));
        Ok(edit.map(|edit| Wanted::list(edit, Vec::new())))
    };
    Change::of(call, target, dry_run, &decide).settle().map(|done| Some(done).filter(change::Done::is_change))
}

/// Two merge patches in one; their nulls stay.
fn with(patch: &Value, more: &Value) -> Value {
    let all = patch.as_object().into_iter().chain(more.as_object()).flatten();
    Value::Object(all.map(|(key, one)| (key.clone(), one.clone())).collect())
}

fn same(role: Role<'_>, now: &Value) -> Result<(), Problem> {
    if text(role.object, "/metadata/uid") == text(now, "/metadata/uid") {
        return Ok(());
    }
    let message =
        format!("what declares role `{}` was replaced by another object of the same name; nothing was changed", role.name());
    Err(Problem::refused("Replaced", message, "Look at it before calling again.").next(&["get_postgres_role_status"]))
}

fn gone(name: &str) -> Problem {
    let message =
        format!("somebody took role `{name}` out of `spec.managed.roles` while this call was at it; nothing was changed");
    Problem::refused("Conflict", message, "Look at the roles again.").next(&["list_postgres_roles"])
}
