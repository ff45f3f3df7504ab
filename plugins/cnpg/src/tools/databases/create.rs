//! create_postgres_database: one strict POST of a Database, after looking at what is declared already; then waits for the operator.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{DATABASE, parts};
use crate::answer::Outcome;
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::declared::creating::{PROPERTIES, REQUIRED, Wanted, create};
use crate::declared::{Place, all};
use crate::json::{list, text};
use crate::kind::{CLUSTERS, DATABASE_ROLES, DATABASES};
use crate::parameter::{CLUSTER_NAME, DRY_RUN, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::short;
use crate::{applied, cluster::Cluster};

const fn option(name: &'static str, description: &'static str) -> Parameter {
    Parameter::optional(name, Takes::Text(""), "null", description)
}

pub(crate) const TOOL: Entry = Entry {
    name: "create_postgres_database",
    title: "Create a database",
    description: "Create a new database in a PostgreSQL cluster by declaring it in a Database object. Waits until the operator has made it, or says why it could not. A database of that name that is in PostgreSQL already is taken over, not made anew.",
    parameters: &[
        CLUSTER_NAME,
        Parameter::required(
            "database_name",
            Takes::Text(""),
            "Name of the new database in PostgreSQL; any name up to 63 bytes, e.g. `app` or `MyDb`.",
        ),
        Parameter::required(
            "owner",
            Takes::Text(""),
            "Role that owns it. It must exist in PostgreSQL: `create_postgres_role` makes one.",
        ),
        Parameter::optional(
            "reclaim_policy",
            Takes::Choice(&["retain", "delete"]),
            "\"retain\"",
            "What a deletion of the Database object does. retain: the database stays. delete: it is dropped with its data.",
        ),
        option("encoding", "Character encoding, e.g. `UTF8`. Left out: that of the template."),
        option("locale", "Locale for both collation and character types, e.g. `en_US.utf8`."),
        Parameter::optional("locale_provider", Takes::Choice(&["builtin", "icu", "libc"]), "null", "Where locales come from."),
        option("locale_collate", "`LC_COLLATE`: the order of strings."),
        option("locale_ctype", "`LC_CTYPE`: what is a letter, upper case and so on."),
        option("icu_locale", "Locale of ICU, with `locale_provider: icu`."),
        option("icu_rules", "Further collation rules of ICU, with `locale_provider: icu`."),
        option("builtin_locale", "Locale of the builtin provider, with `locale_provider: builtin`, e.g. `C.UTF-8`."),
        option("collation_version", "Collation version to record; only for databases that are restored by hand."),
        option("template", "Database that it is copied from. Left out: `template1`."),
        option("tablespace", "Tablespace that its objects go to by default."),
        Parameter::optional("connection_limit", Takes::Integer(-1, 1_000_000), "null", "Most connections at once; -1: no limit."),
        Parameter::optional("allow_connections", Takes::Flag, "null", "Whether anybody may connect to it."),
        Parameter::optional("is_template", Takes::Flag, "null", "Whether every role that may create databases may copy it."),
        parts::EXTENSIONS,
        parts::SCHEMAS,
        parts::FDWS,
        parts::SERVERS,
        NAMESPACE,
        applied::WAIT,
        applied::TIMEOUT,
        DRY_RUN,
    ],
    shape: Shape { properties: PROPERTIES, required: REQUIRED },
    hints: Hints { read_only: false, destructive: false, idempotent: true },
    level: Level::Provision,
    promised: true,
    rules: &[
        Rule::on(DATABASES, &["create", "get", "list", "watch"]),
        Rule::on(CLUSTERS, &["get"]),
        Rule::on(DATABASE_ROLES, &["list"]),
    ],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    cluster_name: String,
    database_name: String,
    owner: String,
    reclaim_policy: Option<String>,
    extensions: Option<Vec<Value>>,
    schemas: Option<Vec<Value>>,
    fdws: Option<Vec<Value>>,
    servers: Option<Vec<Value>>,
    namespace: Option<String>,
    wait: Option<bool>,
    timeout: Option<i64>,
    dry_run: Option<bool>,
    encoding: Option<String>,
    locale: Option<String>,
    locale_provider: Option<String>,
    locale_collate: Option<String>,
    locale_ctype: Option<String>,
    icu_locale: Option<String>,
    icu_rules: Option<String>,
    builtin_locale: Option<String>,
    collation_version: Option<String>,
    template: Option<String>,
    tablespace: Option<String>,
    connection_limit: Option<i64>,
    allow_connections: Option<bool>,
    is_template: Option<bool>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    check(&input)?;
    let namespace = call.namespace(input.namespace.as_deref());
    let wanted = Wanted {
        place: Place { namespace: &namespace, cluster: &input.cluster_name, database: None, name: &input.database_name },
        spec: spec(&input)?,
        policy: input.reclaim_policy.as_deref(),
        notes: Vec::new(),
        dry_run: input.dry_run,
        wait: input.wait,
        timeout: input.timeout,
        update: Some("update_postgres_database"),
    };
    let examine = |cluster: &Value| Ok(examine(call, Cluster(cluster), &input.owner));
    create(call, &DATABASE, wanted, &examine).map(Outcome::Done)
}

/// What the API server's rules refuse too, where it knows rules (1.25 and later), said in our parameters.
fn check(input: &Input) -> Result<(), Problem> {
    if ["postgres", "template0", "template1"].contains(&input.database_name.as_str()) {
        let message = format!("`{}` is a database of PostgreSQL itself", input.database_name);
        return Err(Problem::argument("database_name", message, "Choose another name."));
    }
    crate::declared::check("owner", &input.owner)?;
    let provider = input.locale_provider.as_deref();
    let needs = [
        ("icu_locale", &input.icu_locale, "icu"),
        ("icu_rules", &input.icu_rules, "icu"),
        ("builtin_locale", &input.builtin_locale, "builtin"),
    ];
    for (parameter, value, needed) in needs {
        if value.is_some() && provider != Some(needed) {
            let message = format!("it is only for the locale provider `{needed}`");
            return Err(Problem::argument(parameter, message, format!("Add `locale_provider: \"{needed}\"`, or leave it out.")));
        }
    }
    Ok(())
}

fn spec(input: &Input) -> Result<Map<String, Value>, Problem> {
    let mut spec = Map::new();
    let texts = [
        &input.encoding,
        &input.locale,
        &input.locale_provider,
        &input.locale_collate,
        &input.locale_ctype,
        &input.icu_locale,
        &input.icu_rules,
        &input.builtin_locale,
        &input.collation_version,
    ];
    for (field, value) in super::CREATE_OPTIONS.into_iter().zip(texts) {
        spec.insert(field.into(), value.clone().into());
    }
    spec.insert("owner".into(), input.owner.as_str().into());
    spec.insert("template".into(), input.template.clone().into());
    spec.insert("tablespace".into(), input.tablespace.clone().into());
    spec.insert("connectionLimit".into(), input.connection_limit.into());
    spec.insert("allowConnections".into(), input.allow_connections.into());
    spec.insert("isTemplate".into(), input.is_template.into());
    let given = [&input.extensions, &input.schemas, &input.fdws, &input.servers];
    for (part, entries) in parts::PARTS.into_iter().zip(given) {
        parts::put(&mut spec, part, entries.as_deref())?;
    }
    Ok(spec)
}

/// What is worth a word before the operator tries: Kubernetes knows only the roles that somebody declared.
fn examine(call: &Call<'_>, cluster: Cluster<'_>, owner: &str) -> Vec<String> {
    let mut notes = Vec::new();
    if cluster.is_hibernated() {
        notes.push("the cluster is hibernated: the database is made when it is resumed".into());
    }
    if cluster.0.pointer("/spec/replica/enabled").and_then(Value::as_bool) == Some(true) {
        notes.push("this is a replica cluster: nothing is made in it until it is promoted".into());
    }
    if !is_declared(call, cluster, owner) {
        notes.push(format!(
            "no object declares role `{}`: if it is not in PostgreSQL either, the operator waits for it (`create_postgres_role`)",
            short(owner)
        ));
    }
    notes
}

fn is_declared(call: &Call<'_>, cluster: Cluster<'_>, owner: &str) -> bool {
    let inline = list(cluster.0, "/spec/managed/roles").iter().any(|one| text(one, "/name") == Some(owner));
    let methods = cluster.0.pointer("/spec/bootstrap").and_then(Value::as_object);
    let first = methods.into_iter().flatten().any(|(_, one)| text(one, "/owner") == Some(owner));
    // Without bootstrap options CloudNativePG makes role `app`.
    let usual = methods.is_none() && owner == "app";
    let of_cluster =
        |one: &Value| text(one, "/spec/cluster/name") == Some(cluster.name()) && text(one, "/spec/name") == Some(owner);
    // A server without the kind, or a caller who may not list it, gives no reason to warn.
    owner == "postgres"
        || inline
        || first
        || usual
        || all(call, DATABASE_ROLES, cluster.namespace()).map_or(true, |roles| roles.iter().any(of_cluster))
}
