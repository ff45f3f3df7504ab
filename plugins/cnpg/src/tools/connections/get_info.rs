//! get_connection_info: where a cluster listens, as whom to connect, and which Secret holds the password. Reads no Secret: values never
//! pass through here, and every form refers to them where they are.

use portcullis_plugin::kubernetes::{ListRequest, Read};
use serde_json::Value;

use super::snippet;
use crate::answer::{Answer, Format, Outcome};
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::cluster::Cluster;
use crate::json::{json, list, text};
use crate::kind::{CLUSTER_LABEL, CLUSTERS, DATABASE_ROLES, POOLERS, SERVICES};
use crate::parameter::{NAME, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::roles::Roles;
use crate::roles::attributes::word;
use crate::roles::policy::{IDENTIFIER_PATTERN, identifier};
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::{short, table};

/// Services and poolers of one namespace that are looked at.
const PAGE: u32 = 250;

pub(crate) const TOOL: Entry = Entry {
    name: "get_connection_info",
    title: "Get connection information",
    description: "How to connect to a PostgreSQL cluster: service host and port, database, role, and the names of the Secrets with password and CA certificate, as URI, psql, JDBC, environment or Kubernetes snippet. Never a password.",
    parameters: &[
        NAME,
        NAMESPACE,
        Parameter::optional(
            "role",
            Takes::Text(IDENTIFIER_PATTERN),
            "null",
            "Role to connect as. Left out: the owner of the application database.",
        ),
        Parameter::optional(
            "database",
            Takes::Text(IDENTIFIER_PATTERN),
            "null",
            "Database to connect to. Left out: the application database.",
        ),
        Parameter::optional(
            "mode",
            Takes::Choice(&["rw", "ro", "r", "pooler"]),
            "\"rw\"",
            "rw: the primary. ro: replicas only. r: any instance. pooler: a PgBouncer pooler of the cluster.",
        ),
        Parameter::optional("pooler", Takes::Text(""), "null", "Which pooler, with `mode: pooler`, when there are several."),
        Parameter::optional(
            "format",
            Takes::Choice(&["text", "json", "uri", "psql", "jdbc", "env", "k8s-snippet"]),
            "\"text\"",
            "text: all forms for people. json: the structured result as text. Others: that form alone.",
        ),
    ],
    shape: Shape {
        properties: r#"{
"name": {"type": "string"}, "namespace": {"type": "string"}, "mode": {"type": "string"},
"service": {"type": "string"}, "host": {"type": "string"}, "port": {"type": "integer"},
"database": {"type": "string"}, "role": {"type": "string"},
"password_secret": {"type": ["string", "null"], "description": "Name only; key password"}, "ca_secret": {"type": "string", "description": "Name only; key ca.crt"},
"client_certificate_secret": {"type": ["string", "null"], "description": "Name only; keys tls.crt and tls.key"},
"forms": {"type": "object", "properties": {"uri": {"type": "string"}, "psql": {"type": "string"}, "jdbc": {"type": "string"}, "env": {"type": "string"}, "k8s-snippet": {"type": "string"}}},
"notes": {"type": "array", "items": {"type": "string"}}
}"#,
        required: &["name", "namespace", "service", "host", "port", "database", "role", "password_secret", "forms"],
    },
    hints: Hints { read_only: true, destructive: false, idempotent: true },
    level: Level::Read,
    promised: false,
    rules: &[
        Rule::on(CLUSTERS, &["get"]),
        Rule::on(DATABASE_ROLES, &["list"]),
        Rule::on(SERVICES, &["list"]),
        Rule::on(POOLERS, &["list"]),
    ],
    run,
};

/// Where and as whom.
pub(super) struct Connection {
    pub(super) host: String,
    pub(super) database: String,
    pub(super) role: String,
    pub(super) secret: Option<String>,
    pub(super) ca: String,
    pub(super) certificate: Option<String>,
}

/// PostgreSQL's, which CloudNativePG's services and poolers keep.
pub(super) const PORT: u16 = 5432;

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Value = read(arguments)?;
    let namespace = call.namespace(word(&input, "namespace"));
    let name = word(&input, "name").unwrap_or_default();
    let roles = Roles::read(call, &namespace, name)?;
    let mut notes = Vec::new();
    let mode = word(&input, "mode").unwrap_or("rw");
    let service = service(call, &namespace, name, mode, word(&input, "pooler"), &mut notes)?;
    let connection = connection(&roles, &input, &service, &mut notes)?;
    Ok(answer(Cluster(&roles.cluster), mode, &service, &connection, &notes, word(&input, "format").unwrap_or("text")).into())
}

/// The name of the service for this mode, which must exist.
fn service(
    call: &Call<'_>,
    namespace: &str,
    cluster: &str,
    mode: &str,
    pooler: Option<&str>,
    notes: &mut Vec<String>,
) -> Result<String, Problem> {
    let services: ListRequest = SERVICES.within(namespace).list().labels(format!("{CLUSTER_LABEL}={cluster}")).limit(PAGE);
    if mode == "pooler" {
        let poolers = call.read_many(&[Read::from(POOLERS.within(namespace).list().limit(PAGE))]).into_iter().next();
        return chosen(&poolers.unwrap_or(Ok(Value::Null))?, cluster, pooler);
    }
    let wanted = format!("{cluster}-{mode}");
    match call.list(&services) {
        Ok(found) if list(&found, "/items").iter().any(|one| text(one, "/metadata/name") == Some(&wanted)) => Ok(wanted),
        Ok(found) => {
            let names: Vec<String> =
                list(&found, "/items").iter().filter_map(|one| text(one, "/metadata/name")).map(short).collect();
            let message = format!(
                "cluster `{cluster}` has no service `{wanted}`; it has {}",
                if names.is_empty() { "none yet".into() } else { names.join(", ") }
            );
            let hint = "A service may be disabled in `spec.managed.services`, or the cluster has just begun.";
            Err(Problem::argument("mode", message, hint).next(&["get_cluster_status"]))
        }
        // The name follows from the cluster's; whether it is there is what could not be seen.
        Err(problem) if problem.code == 403 => {
            notes.push(format!("services could not be listed ({}), so that `{wanted}` was not looked for", problem.reason));
            Ok(wanted)
        }
        Err(problem) => Err(problem),
    }
}

fn chosen(poolers: &Value, cluster: &str, pooler: Option<&str>) -> Result<String, Problem> {
    let of_cluster = |one: &&Value| text(one, "/spec/cluster/name") == Some(cluster);
    let names: Vec<&str> =
        list(poolers, "/items").iter().filter(of_cluster).filter_map(|one| text(one, "/metadata/name")).collect();
    let one = match (pooler, names.as_slice()) {
        (Some(wanted), names) => names.iter().find(|one| **one == wanted),
        (None, [one]) => Some(one),
        (None, _) => None,
    };
    one.map(|one| (*one).to_owned()).ok_or_else(|| {
        let message = match names.as_slice() {
            [] => format!("cluster `{cluster}` has no pooler"),
            names => format!(
                "cluster `{cluster}` has the poolers {}",
                names.iter().map(|one| short(one)).collect::<Vec<_>>().join(", ")
            ),
        };
        Problem::argument("pooler", message, "Name one of its poolers, or choose another `mode`.")
    })
}

fn connection(roles: &Roles, input: &Value, service: &str, notes: &mut Vec<String>) -> Result<Connection, Problem> {
    let cluster = Cluster(&roles.cluster);
    let (database, owner) = application(&roles.cluster);
    let role = word(input, "role").unwrap_or(&owner);
    let wanted = word(input, "database").unwrap_or(&database);
    identifier("role", role)?;
    identifier("database", wanted)?;
    let declared = roles.find(role);
    let mut secret = declared.and_then(|one| one.secret()).map(short);
    if secret.is_none() && role == owner {
        // Made by the operator when the cluster began, unless the cluster was told to take another one.
        let given = ["initdb", "recovery", "pg_basebackup"].into_iter();
        let given = given.filter_map(|way| text(&roles.cluster, &format!("/spec/bootstrap/{way}/secret/name"))).next();
        secret = Some(given.map_or_else(|| format!("{}-app", cluster.name()), short));
    }
    if secret.is_none() {
        notes.push(match declared {
            Some(_) => {
                "the role has no password in a Secret: `update_postgres_role` with `reset_password: true` makes one".into()
            }
            None => "Kubernetes declares no such role, so that where its password is is not known here".into(),
        });
    }
    if declared.is_some_and(|one| !one.flag("login")) {
        notes.push("the role is declared without login: PostgreSQL will refuse it".into());
    }
    let certificate = declared.filter(|one| one.has_certificate()).and_then(|one| one.object_name());
    Ok(Connection {
        host: format!("{service}.{}.svc", cluster.namespace()),
        database: wanted.into(),
        role: role.into(),
        secret,
        ca: text(&roles.cluster, "/spec/certificates/serverCASecret").map_or_else(|| format!("{}-ca", cluster.name()), short),
        certificate: certificate.map(|one| format!("{one}-client-cert")),
    })
}

/// The application database and its owner.
fn application(cluster: &Value) -> (String, String) {
    let begun = ["initdb", "recovery", "pg_basebackup"].into_iter().find_map(|way| {
        let under = |key: &str| text(cluster, &format!("/spec/bootstrap/{way}/{key}"));
        under("database").or_else(|| under("owner")).map(|database| (database, under("owner").unwrap_or(database)))
    });
    let (database, owner) = begun.unwrap_or(("app", "app"));
    (short(database), short(owner))
}

fn answer(cluster: Cluster<'_>, mode: &str, service: &str, to: &Connection, notes: &[String], format: &str) -> Answer {
    let forms = snippet::all(to);
    let structured = json!({
        "name": cluster.name(), "namespace": cluster.namespace(), "mode": mode, "service": service, "host": to.host, "port": PORT,
        "database": to.database, "role": to.role, "password_secret": to.secret, "ca_secret": to.ca,
        "client_certificate_secret": to.certificate, "forms": forms, "notes": notes,
    });
    let mut answer = Answer::new(String::new(), structured);
    answer.text = match text(&forms, &format!("/{format}")) {
        Some(one) => format!("{one}\n"),
        None => markdown(cluster, to, &forms, notes),
    };
    answer.formatted((format == "json").then_some(Format::Json))
}

fn markdown(cluster: Cluster<'_>, to: &Connection, forms: &Value, notes: &[String]) -> String {
    let row = |name: &str, value: &str| vec![name.to_owned(), value.to_owned()];
    let mut rows = vec![
        row("Host", &to.host),
        row("Port", &PORT.to_string()),
        row("Database", &to.database),
        row("Role", &to.role),
        row("Password", &to.secret.as_ref().map_or_else(|| "not known here".into(), |one| format!("Secret {one}, key password"))),
        row("CA certificate", &format!("Secret {}, key ca.crt", to.ca)),
    ];
    rows.extend(to.certificate.as_ref().map(|one| row("Client certificate", &format!("Secret {one}, keys tls.crt and tls.key"))));
    let heading = format!("**Connecting to cluster `{}/{}`**", cluster.namespace(), cluster.name());
    let mut out = format!("{heading}\n\n{}", table(&["What", "Value"], &rows));
    for (name, one) in forms.as_object().into_iter().flatten() {
        out.push_str(&format!("\n{name}:\n```\n{}\n```\n", one.as_str().unwrap_or_default().trim_end()));
    }
    out.push_str("\n- The host name works inside this Kubernetes cluster; from elsewhere use `kubectl port-forward` or a LoadBalancer service\n");
    out.push_str(&notes.iter().map(|one| format!("- {one}\n")).collect::<String>());
    out
}
