//! `all_namespaces` of tools that work on one object: the object is looked for by its name in every namespace, and must be the only one
//! of that name. Tools themselves never hear of it: they get the namespace that was found. Lists have a parameter of that name of their own.

use portcullis_plugin::kubernetes::{Kind, METADATA};
use serde_json::{Map, Value};

use crate::answer::Outcome;
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::Entry;
use crate::json::{list, text};
use crate::kind::CLUSTERS;
use crate::parameter::{NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::text::short;

const KEY: &str = "all_namespaces";
/// Candidates that are told: who has more of one name knows where they are.
const CANDIDATES: u32 = 20;

pub(crate) const FIND: Parameter = Parameter::optional(
    KEY,
    Takes::Flag,
    "false",
    "Find it in whatever namespace it is, if it is the only one of its name; `namespace` is then ignored.",
);

impl Entry {
    /// All that it takes: its own parameters, and `all_namespaces` where one of them names an object that exists.
    pub(crate) fn takes(&self) -> Vec<Parameter> {
        let mut all = self.parameters.to_vec();
        all.extend(self.sought().next().map(|_| FIND));
        all
    }

    /// Parameters by which the namespace can be found, with the kind of what they name.
    pub(crate) fn sought(&self) -> impl Iterator<Item = (&'static str, Kind)> {
        let has = |name: &str| self.parameters.iter().any(|one| one.name == name);
        let fits = has(NAMESPACE.name) && !has(KEY);
        self.parameters.iter().filter(move |_| fits).filter_map(|one| Some((one.name, one.of?)))
    }

    /// Runs it with the arguments as they came in.
    pub(crate) fn call(&self, call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
        if self.sought().next().is_none() || !arguments.contains(KEY) {
            return (self.run)(call, arguments);
        }
        let mut given: Map<String, Value> = read(arguments)?;
        if given.remove(KEY) == Some(Value::Bool(true)) {
            let namespace = self.place(call, &given)?;
            given.insert(NAMESPACE.name.into(), namespace.into());
        }
        (self.run)(call, &Value::Object(given).to_string())
    }

    /// Where the object is that the arguments name. What is new is put where its cluster is.
    fn place(&self, call: &Call<'_>, given: &Map<String, Value>) -> Result<String, Problem> {
        let named = || self.sought().filter_map(|(name, kind)| Some((kind, given.get(name)?.as_str()?)));
        let cluster = named().find(|(kind, _)| kind.plural == CLUSTERS.plural);
        let Some((kind, name)) = cluster.or_else(|| named().next()) else {
            let message = "nothing is named that could be looked for";
            return Err(Problem::argument(KEY, message, "Say where with `namespace`."));
        };
        namespace_of(call, kind, name)
    }
}

/// The namespace of the only object of that name.
pub(crate) fn namespace_of(call: &Call<'_>, kind: Kind, name: &str) -> Result<String, Problem> {
    let request = kind.everywhere().list().fields(format!("metadata.name={name}")).limit(CANDIDATES).form(METADATA);
    let found = call.list(&request)?;
    let named = list(&found, "/items").iter().filter(|one| text(one, "/metadata/name") == Some(name));
    let mut places: Vec<&str> = named.filter_map(|one| text(one, "/metadata/namespace")).collect();
    places.sort_unstable();
    match places.as_slice() {
        [one] => Ok((*one).to_owned()),
        [] => Err(Problem {
            code: 404,
            reason: "NotFound".into(),
            message: format!("{} `{}`: there is none of that name in any namespace", kind.plural, short(name)).into(),
            hint: "See which ones there are.".into(),
            next_tools: &["list_postgres_clusters"],
            ..Problem::default()
        }),
        several => {
            let more = text(&found, "/metadata/continue").map_or("", |_| " and others");
            let message = format!("{} `{}` exists in {}{more}", kind.plural, short(name), several.join(", "));
            let problem = Problem::argument(KEY, message, "Nothing was done. Say which one with `namespace`.");
            Err(Problem { reason: "Ambiguous".into(), ..problem })
        }
    }
}
