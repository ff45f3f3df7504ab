//! What a page of the API server says of each cluster: the printer columns of a Table, or whole objects. A page holds more than an answer
//! has room for, so a row is read when its turn comes: skipping it costs a fraction of reading it. Table: meta.k8s.io/v1.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::call::parse;
use crate::cluster::Cluster;
use crate::json::{json, text, with};
use crate::phase::{self, Health};
use crate::problem::Problem;
use crate::text::short;
use crate::time;

/// A list in whichever form the server chose: one that cannot write tables answers with objects.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page<'a> {
    #[serde(default)]
    metadata: ListMeta,
    #[serde(borrow)]
    column_definitions: Option<Vec<Column<'a>>>,
    #[serde(borrow)]
    rows: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize, Default)]
struct ListMeta {
    #[serde(rename = "continue")]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Column<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

/// One row of a Table; of its object nothing but the metadata comes, and of that nothing else is read.
#[derive(Deserialize)]
struct TableRow<'a> {
    cells: Vec<Value>,
    #[serde(borrow)]
    object: Object<'a>,
}

#[derive(Deserialize)]
struct Object<'a> {
    #[serde(borrow)]
    metadata: Metadata<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    namespace: Cow<'a, str>,
    #[serde(borrow)]
    creation_timestamp: Option<Cow<'a, str>>,
}

/// One cluster of the answer: JSON, and the row of the table.
pub(super) struct Row {
    /// `namespace/name`, by which the server sorts.
    pub(super) key: String,
    pub(super) health: Health,
    pub(super) structured: Value,
    pub(super) cells: Vec<String>,
}

/// The rows of a page, each read when it is asked for.
pub(super) struct Rows<'a> {
    columns: Option<Vec<Column<'a>>>,
    unread: std::vec::IntoIter<&'a RawValue>,
    detailed: bool,
    now: i64,
}

impl<'a> Page<'a> {
    /// Where the next page begins.
    pub(super) fn next(&self) -> Option<String> {
        self.metadata.next.clone().filter(|token| !token.is_empty())
    }

    /// What it holds. `detailed` asks for the columns that only whole objects have; `now` is for ages.
    pub(super) fn rows(self, detailed: bool, now: i64) -> Rows<'a> {
        let unread = self.rows.or(self.items).unwrap_or_default().into_iter();
        Rows { columns: self.column_definitions, unread, detailed, now }
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.unread.next()?.get();
        Some(match &self.columns {
            Some(columns) => parse(row).map(|row| from_table(&row, columns, self.now)),
            None => parse(row).map(|object| from_object(Cluster(&object), self.detailed, self.now)),
        })
    }
}

fn from_table(row: &TableRow<'_>, columns: &[Column<'_>], now: i64) -> Row {
    let cell = |name: &str| columns.iter().position(|one| one.name == name).and_then(|at| row.cells.get(at));
    let word = |name: &str| cell(name).and_then(Value::as_str).filter(|one| !one.is_empty());
    let number = |name: &str| cell(name).and_then(Value::as_i64);
    let health = match phase::health(word("Status")) {
        Health::Healthy if number("Ready") < number("Instances") => Health::Progressing,
        other => other,
    };
    let Metadata { name, namespace, creation_timestamp: created } = &row.object.metadata;
    let structured = json!({
        "name": name, "namespace": namespace, "instances": number("Instances"),
        "ready_instances": number("Ready"), "phase": word("Status").unwrap_or("Unknown"), "health": health.word(),
        "current_primary": word("Primary"), "created": created,
    });
    let age = time::age(created.as_deref(), now);
    let cells = cells(&structured, None, age);
    Row { key: format!("{namespace}/{name}"), health, structured, cells }
}

fn from_object(cluster: Cluster<'_>, detailed: bool, now: i64) -> Row {
    let health = cluster.health();
    let mut structured = cluster.summary();
    let reason = cluster.phase_reason().filter(|_| health != Health::Healthy);
    let mut cells = cells(&structured, reason, time::age(cluster.created(), now));
    if detailed {
        let (version, size) = (cluster.postgres_version(), cluster.storage_size());
        cells.extend([version.clone(), size.unwrap_or_default().to_owned(), conditions(cluster)]);
        structured = with(structured, "postgres_version", version.into());
        structured = with(structured, "storage_size", size.into());
        structured = with(structured, "conditions", cluster.conditions().into());
    }
    Row { key: format!("{}/{}", cluster.namespace(), cluster.name()), health, structured, cells }
}

/// The columns that both forms have.
fn cells(structured: &Value, reason: Option<&str>, age: String) -> Vec<String> {
    let string = |key: &str| structured.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let number = |key: &str| structured.get(key).and_then(Value::as_i64);
    let wanted = number("instances").map_or_else(|| "?".to_owned(), |one| one.to_string());
    let mut phase = string("phase");
    if let Some(reason) = reason {
        phase.push_str(": ");
        phase.push_str(&short(reason));
    }
    vec![
        string("namespace"),
        string("name"),
        format!("{}/{wanted}", number("ready_instances").unwrap_or_default()),
        string("health"),
        phase,
        string("current_primary"),
        age,
    ]
}

/// `Ready=True, ContinuousArchiving=False`.
fn conditions(cluster: Cluster<'_>) -> String {
    let word = |one: &Value, pointer: &str| text(one, pointer).unwrap_or("?").to_owned();
    let all: Vec<String> =
        cluster.conditions().iter().map(|one| format!("{}={}", word(one, "/type"), word(one, "/status"))).collect();
    all.join(", ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]
mod tests {
    use super::{Page, parse};

    #[test]
    fn a_row_is_read_when_its_turn_comes_and_not_before() {
        let body = r#"{"kind": "Table", "metadata": {"continue": "x"}, "columnDefinitions": [{"name": "Name"}, {"name": "Status"}], "rows": [
            {"cells": ["db", "Failing \"over\""], "object": {"metadata": {"name": "db", "namespace": "prod", "labels": {"a": "b"}}}},
            {"cells": "none"}]}"#;
        let page: Page<'_> = parse(body).unwrap();
        assert_eq!(page.next().as_deref(), Some("x"));
        let mut rows = page.rows(false, 0);
        let first = rows.next().unwrap().unwrap();
        assert_eq!(
            (first.key.as_str(), first.cells.join("|").as_str()),
            ("prod/db", "prod|db|0/?|unknown|Failing \"over\"||unknown")
        );
        assert!(rows.next().unwrap().is_err());
        assert!(rows.next().is_none());
    }

    #[test]
    fn a_page_without_rows_is_empty_however_it_is_written() {
        for body in [r#"{"columnDefinitions": [], "rows": null}"#, r#"{"metadata": {"continue": ""}, "items": []}"#, "{}"] {
            let page: Page<'_> = parse(body).unwrap();
            assert_eq!(page.next(), None);
            assert!(page.rows(true, 0).next().is_none());
        }
    }
}
