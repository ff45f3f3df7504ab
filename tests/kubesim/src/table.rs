//! The Table form of lists, objects and watch events, and the metadata-only forms.
//! Must not choose the form; `negotiate.rs` reads the Accept header. Format: meta.k8s.io/v1.

use serde_json::{Value, json};

use crate::jsonpath;
use crate::kind::{Column, ResourceType};
use crate::object::{at, name, put};

/// How much of each object a Table row carries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Include {
    /// Nothing.
    None,
    /// Its metadata.
    Metadata,
    /// All of it.
    Object,
}

impl Include {
    /// Reads `includeObject`.
    pub(crate) fn parse(text: &str) -> Self {
        match text {
            "None" => Self::None,
            "Object" => Self::Object,
            _ => Self::Metadata,
        }
    }
}

/// A Table of objects.
pub(crate) fn table(kind: &ResourceType, objects: &[&Value], list_meta: &Value, include: Include) -> Value {
    let first = Column::new("Name", ".metadata.name", "string", 0);
    let mut definitions: Vec<Value> = [&first].into_iter().chain(&kind.columns).map(Column::definition).collect();
    if let Some(definition) = definitions.first_mut() {
        put(definition, &["format"], json!("name"));
    }
    let rows: Vec<Value> = objects.iter().map(|object| row(kind, object, include)).collect();
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": list_meta,
        "columnDefinitions": definitions, "rows": rows,
    })
}

fn row(kind: &ResourceType, object: &Value, include: Include) -> Value {
    let cells: Vec<Value> = kind.columns.iter().map(|column| cell(column, object)).collect();
    let cells: Vec<Value> = [json!(name(object))].into_iter().chain(cells).collect();
    match include {
        Include::None => json!({"cells": cells}),
        Include::Metadata => json!({"cells": cells, "object": metadata_only(object)}),
        Include::Object => json!({"cells": cells, "object": object}),
    }
}

fn cell(column: &Column, object: &Value) -> Value {
    let found = jsonpath::first(object, &column.path);
    match (column.kind.as_str(), found) {
        (_, None | Some(Value::Null)) => Value::Null,
        ("date", Some(Value::String(text))) => json!(age(text)),
        ("string", Some(Value::String(text))) => json!(text),
        ("string", Some(other)) => json!(other.to_string()),
        (_, Some(other)) => other.clone(),
    }
}

/// The age of an instant in kubectl's short form, for example `5m` or `3d4h`.
fn age(instant: &str) -> String {
    let Ok(then) = instant.parse::<jiff::Timestamp>() else { return "<unknown>".to_owned() };
    let seconds = jiff::Timestamp::now().as_second().saturating_sub(then.as_second()).max(0);
    let pair = |big: i64, unit: char, small: i64, small_unit: char| match small {
        0 => format!("{big}{unit}"),
        small => format!("{big}{unit}{small}{small_unit}"),
    };
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match seconds {
        ..120 => format!("{seconds}s"),
        120..600 => pair(minutes, 'm', seconds % 60, 's'),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => pair(hours, 'h', minutes % 60, 'm'),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => pair(days, 'd', hours % 24, 'h'),
        _ => format!("{days}d"),
    }
}

/// An object's `PartialObjectMetadata`.
pub(crate) fn metadata_only(object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": at(object, &["metadata"])})
}

/// A `PartialObjectMetadataList`.
pub(crate) fn metadata_list(objects: &[&Value], list_meta: &Value) -> Value {
    let items: Vec<Value> = objects.iter().map(|object| metadata_only(object)).collect();
    json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": list_meta, "items": items})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_follow_the_type_of_their_column() {
        let object = json!({"metadata": {"name": "db"}, "status": {"n": 3, "s": 4}});
        let column = |path: &str, kind: &str| cell(&Column::new("X", path, kind, 0), &object);
        assert_eq!(column(".status.n", "integer"), json!(3));
        assert_eq!(column(".status.s", "string"), json!("4"));
        assert_eq!(column(".status.none", "string"), Value::Null);
    }

    #[test]
    fn ages_are_short() {
        let ago = |seconds: i64| age(&(jiff::Timestamp::now() - jiff::SignedDuration::from_secs(seconds)).to_string());
        assert_eq!(ago(900), "15m");
        assert_eq!(ago(2 * 86_400), "2d");
        assert_eq!(age("never"), "<unknown>");
    }
}
