//! create_postgres_role: declares a role and makes its password. Nothing that exists already is taken over unless the caller says so,
//! and nothing is written before the API server has accepted a dry run of it.

mod answer;
mod guard;

use serde_json::Value;

use self::answer::Made;
use super::required;
use crate::answer::Outcome;
use crate::applied::{TIMEOUT, WAIT};
use crate::arguments::read;
use crate::call::{Call, MANAGER, Written};
use crate::catalogue::{Entry, Hints};
use crate::change::{Change, Wanted};
use crate::cluster::Cluster;
use crate::json::{integer, json, merged, text};
use crate::kind::{CLUSTER_LABEL, CLUSTERS, DATABASE_ROLES, DATABASES, SECRETS};
use crate::parameter::{CLUSTER_NAME, DRY_RUN, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::roles::attributes::{changes, flag, word};
use crate::roles::causes::named;
use crate::roles::password::Password;
use crate::roles::role::Source;
use crate::roles::secret::{self, Login, Owner, Stored};
use crate::roles::{self, Roles, inline, policy};
use crate::rule::Rule;
use crate::shape::Shape;

pub(crate) const TOOL: Entry = Entry {
    name: "create_postgres_role",
    title: "Create a PostgreSQL role",
    description: "Create a PostgreSQL role in a cluster, declared as a DatabaseRole (or in spec.managed.roles where CloudNativePG is older than 1.30). A role that may log in gets a generated password in a Secret; the password itself is never shown.",
    parameters: &[
        CLUSTER_NAME,
        super::ROLE_NAME,
        Parameter::optional("login", Takes::Flag, "true", "Whether it may log in. false makes a group role, without a password."),
        Parameter::optional(
            "superuser",
            Takes::Flag,
            "false",
            "Passes over all permissions. Refused unless the host's operator allows it.",
        ),
        Parameter::optional("inherit", Takes::Flag, "true", "Whether it has the permissions of the roles it is a member of."),
        Parameter::optional("createdb", Takes::Flag, "false", "Whether it may create databases."),
        Parameter::optional("createrole", Takes::Flag, "false", "Whether it may create, alter and drop roles."),
        Parameter::optional(
            "replication",
            Takes::Flag,
            "false",
            "Whether it may replicate. Refused unless the host's operator allows it.",
        ),
        Parameter::optional(
            "bypassrls",
            Takes::Flag,
            "false",
            "Whether row security does not hold for it. Refused unless the host's operator allows it.",
        ),
        Parameter::optional("in_roles", super::IDENTIFIERS, "null", "Roles it becomes a member of."),
        Parameter::optional(
            "connection_limit",
            Takes::Integer(-1, 262_143),
            "null",
            "Most connections at a time; -1 or left out: no limit.",
        ),
        Parameter::optional(
            "valid_until",
            Takes::Text(""),
            "null",
            "When its password expires, RFC 3339, e.g. `2027-01-31T00:00:00Z`. Left out: never.",
        ),
        Parameter::optional("comment", Takes::Text(""), "null", "Comment on the role in PostgreSQL."),
        Parameter::optional(
            "disable_password",
            Takes::Flag,
            "false",
            "Set its password to NULL in PostgreSQL; no Secret is made.",
        ),
        Parameter::optional(
            "client_certificate",
            Takes::Flag,
            "false",
            "Let CloudNativePG issue a TLS client certificate for it (1.30 and later).",
        ),
        Parameter::optional(
            "reclaim_policy",
            Takes::Choice(&["retain", "delete"]),
            "\"retain\"",
            "What becomes of the role in PostgreSQL when its DatabaseRole is deleted.",
        ),
        Parameter::optional(
            "adopt",
            Takes::Flag,
            "false",
            "Take over a role that PostgreSQL has already: its attributes, memberships and password are rewritten to what this call says.",
        ),
        NAMESPACE,
        DRY_RUN,
        WAIT,
        TIMEOUT,
    ],
    shape: Shape {
        properties: r#"{
"cluster": {"type": "string"}, "namespace": {"type": "string"}, "role_name": {"type": "string"}, "crd_name": {"type": ["string", "null"]},
"source": {"enum": ["databaserole", "inline"]}, "created": {"type": "boolean"}, "dry_run": {"type": "boolean"},
"manifest": {"type": "object", "description": "What was declared"},
"server_defaults": {"type": "array", "items": {"type": "object"}},
"password_secret": {"type": ["string", "null"], "description": "Name only, keys username and password; values never leave Kubernetes"},
"notes": {"type": "array", "items": {"type": "string"}}, "warnings": {"type": "array", "items": {"type": "string"}},
"wait": {"type": ["object", "null"]}
}"#,
        required: &[
            "cluster",
            "namespace",
            "role_name",
            "source",
            "created",
            "dry_run",
            "manifest",
            "password_secret",
            "warnings",
        ],
    },
    hints: Hints { read_only: false, destructive: false, idempotent: false },
    level: Level::Provision,
    promised: true,
    rules: &[
        Rule::on(CLUSTERS, &["get", "patch", "watch"]),
        Rule::on(DATABASE_ROLES, &["list", "create", "get", "watch"]),
        Rule::on(DATABASES, &["list"]),
        Rule::on(SECRETS, &["create", "patch"]),
    ],
    run,
};

/// What was decided on.
struct Plan<'a> {
    roles: &'a Roles,
    name: &'a str,
    /// Fields of the role besides its name.
    spec: Value,
    password: Option<Password>,
    dry_run: bool,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Value = read(arguments)?;
    let (cluster, name) = (required(&input, "cluster_name")?, required(&input, "role_name")?);
    policy::name(name)?;
    let roles = Roles::read(call, &call.namespace(word(&input, "namespace")), cluster)?;
    let mut notes = guard::exists(call, &roles, name, flag(&input, "adopt").unwrap_or(false))?;
    let plan = plan(call, &input, &roles, name)?;
    let made = if roles.served { plan.object(call) } else { plan.inline(call) }.map_err(named)?;
    notes.extend(made.notes.iter().cloned());
    if !plan.dry_run {
        call.host.log(&format!("created a role of cluster {}/{cluster}", Cluster(&roles.cluster).namespace()));
    }
    let seconds = integer(&input, "/timeout").unwrap_or(roles::applied::SECONDS);
    let wait = flag(&input, "wait").unwrap_or(true) && !plan.dry_run;
    plan.answer(call, &made, &notes, wait.then_some(seconds)).map(Outcome::Done)
}

fn plan<'a>(call: &Call<'_>, input: &Value, roles: &'a Roles, name: &'a str) -> Result<Plan<'a>, Problem> {
    let source = if roles.served { Source::Object } else { Source::Inline };
    let defaults = json!({"login": true});
    let given: serde_json::Map<String, Value> = input
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, one)| !one.is_null())
        .map(|(key, one)| (key.clone(), one.clone()))
        .collect();
    let mut spec = changes(&merged(&defaults, &Value::Object(given)), None, source)?;
    policy::check(call, roles, None, &spec)?;
    let is = |field: &str| spec.get(field).and_then(Value::as_bool).unwrap_or(false);
    let password = if is("login") && !is("disablePassword") { Some(Password::generate(call.host)?) } else { None };
    if let (Some(_), Some(map)) = (&password, spec.as_object_mut()) {
        let secret = secret::name(Cluster(&roles.cluster).name(), name);
        map.insert("passwordSecret".into(), json!({"name": secret}));
    }
    Ok(Plan { roles, name, spec, password, dry_run: flag(input, "dry_run").unwrap_or(false) })
}

impl Plan<'_> {
    fn cluster(&self) -> Cluster<'_> {
        Cluster(&self.roles.cluster)
    }

    fn store(&self, call: &Call<'_>, owner: Option<&Owner<'_>>, dry_run: bool) -> Result<Option<Stored>, Problem> {
        let Some(password) = &self.password else { return Ok(None) };
        let login = Login { namespace: self.cluster().namespace(), cluster: self.cluster().name(), role: self.name };
        secret::put(call, &login, password, owner, dry_run).map(Some)
    }

    fn manifest(&self) -> Value {
        let (cluster, spec) = (self.cluster(), json!({"cluster": {"name": self.cluster().name()}, "name": self.name}));
        json!({
            "apiVersion": "postgresql.cnpg.io/v1", "kind": "DatabaseRole",
            "metadata": {"name": self.roles.new_object(self.name), "namespace": cluster.namespace(),
                "labels": {CLUSTER_LABEL: cluster.name(), "app.kubernetes.io/managed-by": MANAGER}},
            "spec": merged(&spec, &self.spec),
        })
    }

    /// Dry run, Secret, DatabaseRole, and the Secret again with its owner: so the operator finds the password at once, and the Secret
    /// goes when the role goes.
    fn object(&self, call: &Call<'_>) -> Result<Made, Problem> {
        let manifest = self.manifest();
        let target = DATABASE_ROLES.within(self.cluster().namespace());
        let rehearsed = call.create(&target, &manifest, true)?;
        if self.dry_run {
            self.store(call, None, true)?;
            return Ok(Made { source: Source::Object, manifest, written: rehearsed, stored: None, notes: Vec::new() });
        }
        let first = self.store(call, None, false)?;
        let written = call.create(&target, &manifest, false).map_err(|problem| self.lost(call, problem))?;
        let stored = self.store(call, Some(&Owner(&written.object)), false)?;
        let notes = first.and_then(|one| one.note).into_iter().chain(stored.as_ref().and_then(|one| one.note.clone())).collect();
        Ok(Made { source: Source::Object, manifest, written, stored, notes })
    }

    /// Somebody else declared the role between our look and our write. The Secret that they refer to is ours by name, so that it must
    /// belong to their object now.
    fn lost(&self, call: &Call<'_>, problem: Problem) -> Problem {
        if problem.code != 409 {
            return with_leftover(problem, self);
        }
        let now = Roles::read(call, self.cluster().namespace(), self.cluster().name());
        let Ok(now) = now else { return problem };
        let Some(theirs) = now.find(self.name) else { return problem };
        let secret = secret::name(self.cluster().name(), self.name);
        let repaired = theirs.secret() == Some(secret.as_str()) && self.store(call, Some(&Owner(theirs.object)), false).is_ok();
        let mut lost = guard::declared(theirs);
        let note = if repaired { " Its Secret holds a password that both know of: CloudNativePG applies it." } else { "" };
        lost.hint =
            format!("Somebody else created it while this call was at it; their attributes stand.{note} {}", lost.hint).into();
        lost
    }

    /// The same in `spec.managed.roles`, where the Secret goes with the Cluster.
    fn inline(&self, call: &Call<'_>) -> Result<Made, Problem> {
        let entry = inline::entry(&json!({"name": self.name, "ensure": "present"}), &self.spec);
        let rehearsed = self.append(call, &entry, true)?;
        let owner = Owner(&self.roles.cluster);
        let stored = self.store(call, Some(&owner), self.dry_run)?;
        let (written, mut notes) = if self.dry_run { rehearsed } else { self.append(call, &entry, false)? };
        notes.extend(stored.as_ref().and_then(|one| one.note.clone()));
        Ok(Made { source: Source::Inline, manifest: entry, written, stored, notes })
    }

    fn append(&self, call: &Call<'_>, entry: &Value, dry_run: bool) -> Result<(Written, Vec<String>), Problem> {
        let decide = |cluster: &Value| {
            guard::same_cluster(&self.roles.cluster, cluster)?;
            guard::undeclared(cluster, self.name)?;
            Ok(Some(Wanted::list(inline::add(cluster, entry), Vec::new())))
        };
        let done = Change::of(call, self.roles.cluster_target(), dry_run, &decide).settle()?;
        let (warnings, notes) = (done.warnings().to_vec(), done.notes.clone());
        Ok((Written { object: done.into_object(), warnings }, notes))
    }
}

/// A refusal after the Secret was written.
fn with_leftover(mut problem: Problem, plan: &Plan<'_>) -> Problem {
    if plan.password.is_some() {
        let name = secret::name(plan.cluster().name(), plan.name);
        problem.hint =
            format!("{} Secret `{name}` was written already and belongs to no role; the next call takes it.", problem.hint)
                .into();
    }
    problem
}

/// Name of the DatabaseRole as the API server stored it.
fn object_name(written: &Written) -> &str {
    text(&written.object, "/metadata/name").unwrap_or_default()
}
