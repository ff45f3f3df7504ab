//! The version gate: which kinds this API server has. CloudNativePG 1.25 to 1.31 differ in them; tools ask here, once
//! per call, instead of guessing from a version number.

use serde_json::Value;

use crate::call::{Call, parse};
use crate::explain::{Action, explain};
use crate::json::{list, text};
use crate::kind::{CLUSTERS, CNPG};
use crate::problem::Problem;

/// The kinds of one group and version.
#[derive(Debug, Clone)]
pub(crate) struct Served(Value);

impl Served {
    /// The kinds of CloudNativePG.
    ///
    /// # Errors
    /// A 404 says that CloudNativePG is not installed; others, that the server did not answer.
    pub(crate) fn cnpg(call: &Call<'_>) -> Result<Self, Problem> {
        let reply = call.api.discover(CNPG, "v1");
        // A server without the group says so as if a list of the main kind had failed.
        let place = CLUSTERS.everywhere();
        parse(&reply.map_err(|status| explain(status, &Action::new("list", &place)))?.body).map(Self)
    }

    /// From an APIResourceList.
    pub(crate) fn of(list: Value) -> Self {
        Self(list)
    }

    /// A server that does not know the group.
    pub(crate) fn none() -> Self {
        Self(Value::Null)
    }

    /// The plurals of the kinds, without subresources.
    pub(crate) fn kinds(&self) -> Vec<&str> {
        let names = list(&self.0, "/resources").iter().filter_map(|one| text(one, "/name"));
        names.filter(|one| !one.contains('/')).collect()
    }

    /// Whether a kind is served, by its plural.
    pub(crate) fn has(&self, plural: &str) -> bool {
        list(&self.0, "/resources").iter().any(|one| text(one, "/name") == Some(plural))
    }
}
