//! list_image_catalogs: which PostgreSQL images the catalogs of a namespace and those of all offer.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::answer::{Format, Outcome};
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::image_catalog::KINDS;
use crate::json::{integer, json, list, text};
use crate::kind::{self, CLUSTER_IMAGE_CATALOGS, IMAGE_CATALOGS};
use crate::paging::{self, Cut, Row, Rows};
use crate::parameter::{ALL_NAMESPACES, CURSOR, FORMAT, LIMIT, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::short;
use crate::time;

pub(crate) const TOOL: Entry = Entry {
    name: "list_image_catalogs",
    title: "List image catalogs",
    description: "List the image catalogs of CloudNativePG: those of a namespace (or of all) and the cluster-wide ones, with the PostgreSQL image that each carries for a major version. `create_postgres_cluster` and `upgrade_cluster_image` take images from them.",
    parameters: &[
        Parameter::optional("major", Takes::Integer(1, 99), "null", "Only images of this major version of PostgreSQL."),
        NAMESPACE,
        ALL_NAMESPACES,
        LIMIT,
        CURSOR,
        FORMAT,
    ],
    shape: Shape {
        properties: r#"{
"catalogs": {"type": "array", "items": {"type": "object", "properties": {
  "kind": {"enum": ["ImageCatalog", "ClusterImageCatalog"]}, "name": {"type": "string"}, "namespace": {"type": ["string", "null"]},
  "created": {"type": ["string", "null"]},
  "images": {"type": "array", "items": {"type": "object", "properties": {
    "major": {"type": "integer"}, "image": {"type": "string"}, "extensions": {"type": "array", "items": {"type": "string"}}}}}}}},
"count": {"type": "integer", "description": "Catalogs in this answer"},
"scope": {"type": "string"},
"notes": {"type": "array", "items": {"type": "string"}},
"incomplete": {"type": "boolean", "description": "There were more than one call reads"},
"next_cursor": {"type": ["string", "null"], "description": "Null on the last page"}
}"#,
        required: &["catalogs", "count", "scope", "notes", "next_cursor"],
    },
    hints: Hints { read_only: true, destructive: false, idempotent: true },
    level: Level::Read,
    promised: false,
    rules: &[Rule::on(IMAGE_CATALOGS, &["list"]), Rule::on(CLUSTER_IMAGE_CATALOGS, &["list"])],
    run,
};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Input {
    major: Option<i64>,
    namespace: Option<String>,
    all_namespaces: Option<bool>,
    limit: Option<usize>,
    cursor: Option<String>,
    format: Option<Format>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let namespace = (!input.all_namespaces.unwrap_or(false)).then(|| call.namespace(input.namespace.as_deref()));
    let (rows, notes) = rows(call, namespace.as_deref(), input.major)?;
    let scope = namespace.as_ref().map_or_else(|| "all namespaces".to_owned(), |one| format!("namespace '{one}'"));
    let how = Cut {
        query: format!("{}|{}", namespace.as_deref().unwrap_or("*"), input.major.unwrap_or_default()),
        cursor: input.cursor.as_deref(),
        limit: input.limit.unwrap_or(100),
        descending: false,
    };
    let page = paging::cut(rows, &how)?;
    let mut title = title(page.rows.len(), &scope, input.major);
    for note in &notes {
        title.push_str(&format!("\n- {note}"));
    }
    let mut structured = Map::new();
    structured.insert("scope".into(), scope.into());
    structured.insert("notes".into(), notes.into());
    let header = ["Kind", "Namespace", "Catalog", "Age", "Images"];
    Ok(page.answer("catalogs", &title, &header, structured).formatted(input.format).into())
}

/// Those of the namespace must be readable; cluster-wide ones often are not, which is told.
fn rows(call: &Call<'_>, namespace: Option<&str>, major: Option<i64>) -> Result<(Rows, Vec<String>), Problem> {
    let (mut out, mut notes, now) = (Rows::default(), Vec::new(), call.host.now());
    for (name, kind) in KINDS {
        let everywhere = kind.plural == CLUSTER_IMAGE_CATALOGS.plural;
        let target = if everywhere { kind.everywhere() } else { kind::all(kind, namespace) };
        match paging::read(call, &target, None, &|object| row(name, object, major, now)) {
            Ok(mut found) => {
                out.rows.append(&mut found.rows);
                out.incomplete |= found.incomplete;
            }
            Err(problem) if everywhere && matches!(problem.code, 403 | 404) => {
                let why = if problem.code == 403 { "not permitted" } else { "this CloudNativePG has none" };
                notes.push(format!("cluster-wide catalogs: {why} ({})", short(&problem.message)));
            }
            Err(problem) => return Err(problem),
        }
    }
    Ok((out, notes))
}

fn row(kind: &str, object: &Value, major: Option<i64>, now: i64) -> Option<Row> {
    let fits = |one: &&Value| major.is_none_or(|wanted| integer(one, "/major") == Some(wanted));
    let images: Vec<Value> = list(object, "/spec/images").iter().filter(fits).map(image).collect();
    if images.is_empty() && major.is_some() {
        return None;
    }
    let (name, namespace) = (text(object, "/metadata/name").unwrap_or_default(), text(object, "/metadata/namespace"));
    let created = text(object, "/metadata/creationTimestamp");
    let word = |one: &Value| format!("{}: {}", integer(one, "/major").unwrap_or_default(), text(one, "/image").unwrap_or("-"));
    let words: Vec<String> = images.iter().map(word).collect();
    let cells = vec![
        kind.to_owned(),
        namespace.unwrap_or_default().to_owned(),
        name.to_owned(),
        time::age(created, now),
        words.join("; "),
    ];
    let structured = json!({"kind": kind, "name": name, "namespace": namespace, "created": created, "images": images});
    Some(Row { key: format!("{kind}|{}/{name}", namespace.unwrap_or_default()), structured, cells })
}

fn image(one: &Value) -> Value {
    let extensions: Vec<String> = list(one, "/extensions").iter().filter_map(|each| text(each, "/name")).map(short).collect();
    let image = text(one, "/image").map(short).unwrap_or_default();
    json!({"major": integer(one, "/major").unwrap_or_default(), "image": image, "extensions": extensions})
}

fn title(count: usize, scope: &str, major: Option<i64>) -> String {
    let of = major.map(|one| format!(" for PostgreSQL {one}")).unwrap_or_default();
    if count == 0 {
        return format!(
            "No image catalogs{of} found in {scope} or cluster-wide. An image can be named directly: `container_image` of `create_postgres_cluster`, `image` of `upgrade_cluster_image`."
        );
    }
    format!("Found {count} image catalog(s){of} in {scope} and cluster-wide:")
}
