//! Things inside PostgreSQL that an object declares: databases, publications, subscriptions. What their tools share: finding the
//! object by what its spec says (never by its name), making it, removing it, and telling how far the operator is.

pub(crate) mod creating;
pub(crate) mod listing;
pub(crate) mod removing;

use portcullis_plugin::kubernetes::{Kind, Target};
use serde_json::Value;

use crate::applied;
use crate::call::Call;
use crate::cluster::Cluster;
use crate::json::{json, list, text};
use crate::kind::CLUSTERS;
use crate::problem::Problem;
use crate::text::short;

/// Objects per request, and requests that one search makes at most: a namespace with more than 5,000 of a kind is not searched.
const PAGE: u32 = 250;
const PAGES_MAX: usize = 20;
/// Longest name inside PostgreSQL, in bytes (NAMEDATALEN - 1).
const IDENTIFIER_MAX: usize = 63;
/// Names that a refusal lists.
const NAMED: usize = 10;

/// One such kind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Declared {
    pub(crate) kind: Kind,
    /// As in a manifest, e.g. "Database".
    pub(crate) word: &'static str,
    /// E.g. "database".
    pub(crate) noun: &'static str,
    /// The parameter that names it.
    pub(crate) parameter: &'static str,
    /// Field of the spec that says what its deletion does in PostgreSQL.
    pub(crate) policy: &'static str,
    /// The tools that show it.
    pub(crate) look: &'static [&'static str],
    pub(crate) delete_tool: &'static str,
}

/// Where to look for one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) cluster: &'a str,
    /// The database it lives in; `None` for databases themselves.
    pub(crate) database: Option<&'a str>,
    pub(crate) name: &'a str,
}

impl<'a> Place<'a> {
    /// What it is called inside the cluster, outermost first.
    pub(crate) fn path(&self) -> Vec<&'a str> {
        self.database.into_iter().chain([self.name]).collect()
    }

    fn is(&self, object: &Value) -> bool {
        text(object, "/spec/cluster/name") == Some(self.cluster)
            && text(object, "/spec/name") == Some(self.name)
            && (self.database.is_none() || text(object, "/spec/dbname") == self.database)
    }
}

/// All objects of the kind in a namespace. The one place where names are looked up.
pub(crate) fn all(call: &Call<'_>, kind: Kind, namespace: &str) -> Result<Vec<Value>, Problem> {
    let mut out = Vec::new();
    let mut after = None;
    for _ in 0..PAGES_MAX {
        let page = call.list(&kind.within(namespace).list().limit(PAGE).after(after))?;
        out.extend(list(&page, "/items").iter().cloned());
        after = text(&page, "/metadata/continue").map(Into::into);
        if after.is_none() {
            return Ok(out);
        }
    }
    let message = format!("namespace `{namespace}` holds more than {} {}", out.len(), kind.plural);
    Err(Problem::refused("TooMany", message, "This server does not search so many; use kubectl."))
}

/// The object that declares it, if there is one.
pub(crate) fn search<'a>(what: &Declared, among: &'a [Value], place: &Place<'_>) -> Result<Option<&'a Value>, Problem> {
    let found: Vec<&Value> = among.iter().filter(|one| place.is(one)).collect();
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        several => {
            let names: Vec<&str> = several.iter().filter_map(|one| text(one, "/metadata/name")).collect();
            let message =
                format!("{} objects declare {} `{}`: {}", several.len(), what.noun, short(place.name), names.join(", "));
            let hint = "CloudNativePG follows the first one only. Delete the others with kubectl, by these names.";
            Err(Problem::refused("Ambiguous", message, hint).next(what.look))
        }
    }
}

/// The object that declares it.
pub(crate) fn find(call: &Call<'_>, what: &Declared, place: &Place<'_>) -> Result<Value, Problem> {
    let among = all(call, what.kind, place.namespace)?;
    if let Some(found) = search(what, &among, place)? {
        return Ok(found.clone());
    }
    let mine = among.iter().filter(|one| text(one, "/spec/cluster/name") == Some(place.cluster));
    let names: Vec<String> = mine.filter_map(|one| text(one, "/spec/name")).map(short).collect();
    let mut there = names.iter().take(NAMED).map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ");
    if names.len() > NAMED {
        there.push_str(", …");
    }
    let hint = if names.is_empty() {
        format!("No {} object names this cluster. What was made in PostgreSQL without one is not known here.", what.word)
    } else {
        format!("Declared for this cluster: {there}.")
    };
    Err(Problem {
        code: 404,
        reason: "NotFound".into(),
        message: format!(
            "no {} object declares {} `{}` of cluster `{}` in namespace `{}`",
            what.word,
            what.noun,
            short(place.name),
            place.cluster,
            place.namespace
        )
        .into(),
        hint: hint.into(),
        next_tools: what.look,
        ..Problem::default()
    })
}

/// Where the object itself is.
pub(crate) fn target(what: &Declared, object: &Value) -> Target {
    let word = |pointer: &str| text(object, pointer).unwrap_or_default();
    what.kind.within(word("/metadata/namespace")).named(word("/metadata/name"))
}

/// The cluster it is for, which must be there and stay.
pub(crate) fn cluster(call: &Call<'_>, namespace: &str, name: &str) -> Result<Value, Problem> {
    let object = call.get(&CLUSTERS.within(namespace).named(name))?;
    if Cluster(&object).is_being_deleted() {
        let message = format!("cluster `{namespace}/{name}` is being deleted");
        return Err(Problem::refused("BeingDeleted", message, "Nothing new can be made in it.").next(&["list_postgres_clusters"]));
    }
    Ok(object)
}

/// A name that PostgreSQL takes as it is: it would cut a longer one without a word.
pub(crate) fn check(parameter: &str, name: &str) -> Result<(), Problem> {
    if name.is_empty() || name.contains('\0') {
        return Err(Problem::argument(parameter, "PostgreSQL takes no empty name", "Choose a name."));
    }
    if name.len() > IDENTIFIER_MAX {
        let message = format!("it has {} bytes, and PostgreSQL keeps {IDENTIFIER_MAX}", name.len());
        return Err(Problem::argument(parameter, message, "Choose a shorter name."));
    }
    Ok(())
}

/// What removing the object does in PostgreSQL.
pub(crate) fn policy<'a>(what: &Declared, object: &'a Value) -> &'a str {
    object.pointer("/spec").and_then(|spec| text(spec, &format!("/{}", what.policy))).unwrap_or("retain")
}

/// How far the operator is, for structured results.
pub(crate) fn progress(object: &Value) -> Value {
    json!({
        "applied": object.pointer("/status/applied"), "message": applied::message(object), "state": applied::state(object).word(),
        "generation": object.pointer("/metadata/generation"), "observed_generation": object.pointer("/status/observedGeneration"),
    })
}
