//! Section "storage": the volume claims, with what is asked for and what there is.

use serde_json::Value;

use super::part::{Part, Parts};
use super::section::{Section, unread};
use crate::cluster::Cluster;
use crate::json::{json, label, list, text, texts};
use crate::text::table;

fn state(claim: &Value, cluster: Cluster<'_>) -> String {
    let name = text(claim, "/metadata/name").unwrap_or_default();
    let listed = |pointer: &str| texts(cluster.0, pointer).contains(&name);
    let special = [
        ("/status/danglingPVC", "dangling"),
        ("/status/resizingPVC", "resizing"),
        ("/status/initializingPVC", "initializing"),
        ("/status/unusablePVC", "unusable"),
    ];
    let phase = text(claim, "/status/phase").unwrap_or("Unknown");
    special.iter().find(|(pointer, _)| listed(pointer)).map_or_else(|| phase.to_owned(), |(_, word)| format!("{phase}, {word}"))
}

fn describe(claim: &Value, cluster: Cluster<'_>) -> (Value, Vec<String>) {
    let name = text(claim, "/metadata/name").unwrap_or_default();
    let role = label(claim, "cnpg.io/pvcRole").unwrap_or("-");
    let requested = text(claim, "/spec/resources/requests/storage");
    let capacity = text(claim, "/status/capacity/storage");
    let class = text(claim, "/spec/storageClassName");
    let state = state(claim, cluster);
    let word = |one: Option<&str>| one.unwrap_or_default().to_owned();
    let row = vec![name.to_owned(), role.to_owned(), word(requested), word(capacity), word(class), state.clone()];
    let structured =
        json!({"name": name, "role": role, "requested": requested, "capacity": capacity, "storage_class": class, "state": state});
    (structured, row)
}

pub(crate) fn section(parts: &Parts, cluster: Cluster<'_>) -> Option<Section> {
    let (text, structured) = match parts.get(&Part::Claims)? {
        Err(problem) => unread(problem),
        Ok(claims) => {
            let (all, rows): (Vec<Value>, Vec<Vec<String>>) =
                list(claims, "/items").iter().map(|one| describe(one, cluster)).unzip();
            let none = if rows.is_empty() { "No volume claims.\n" } else { "" };
            let shown = table(&["Volume claim", "Role", "Requested", "Capacity", "Class", "State"], &rows);
            (format!("{none}{shown}"), Value::Array(all))
        }
    };
    Some(Section::new("storage", text, structured))
}
