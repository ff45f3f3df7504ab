//! The runbooks: what a careful operator does, in which order, with which tool. Each is a text with places to fill in, beside the
//! cluster's state of this moment. Texts are in `prompts/`, MCP's shapes in `component`.

use crate::call::Call;
use crate::resources;
use crate::uri::{Uri, View};

/// An argument of a prompt.
pub(crate) struct Argument {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) required: bool,
}

/// A runbook.
pub(crate) struct Runbook {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) description: &'static str,
    pub(crate) arguments: &'static [Argument],
    text: &'static str,
}

const CLUSTER: Argument = Argument { name: "cluster", description: "Name of the PostgreSQL cluster.", required: true };
const NAMESPACE: Argument = Argument {
    name: "namespace",
    description: "Its namespace. Left out: the default namespace of this server.",
    required: false,
};

/// All of them.
pub(crate) const ALL: [Runbook; 3] = [
    Runbook {
        name: "cnpg_cluster_unhealthy",
        title: "A PostgreSQL cluster is unhealthy",
        description: "Find out what is wrong with a cluster and mend it, one reversible step at a time.",
        arguments: &[CLUSTER, NAMESPACE],
        text: include_str!("prompts/cluster_unhealthy.md"),
    },
    Runbook {
        name: "cnpg_restore",
        title: "Restore a PostgreSQL cluster",
        description: "Bring data back as of a point in time, into a new cluster beside the old one.",
        arguments: &[
            CLUSTER,
            NAMESPACE,
            Argument {
                name: "target_time",
                description: "The moment to go back to, as RFC 3339 (2026-11-21T09:30:00Z). Left out: the latest that can be had.",
                required: false,
            },
        ],
        text: include_str!("prompts/restore.md"),
    },
    Runbook {
        name: "cnpg_major_upgrade",
        title: "Upgrade PostgreSQL to a new major version",
        description: "Prepare, carry out and verify a major upgrade, with a way back.",
        arguments: &[
            CLUSTER,
            NAMESPACE,
            Argument { name: "version", description: "The major version to go to, e.g. 18.", required: true },
        ],
        text: include_str!("prompts/major_upgrade.md"),
    },
];

/// A runbook with its places filled in.
pub(crate) struct Filled {
    pub(crate) text: String,
    /// The cluster's state, and under which URI; absent when it could not be read, which the text then says.
    pub(crate) state: Option<(String, String)>,
}

/// The runbook of that name.
pub(crate) fn find(name: &str) -> Option<&'static Runbook> {
    ALL.iter().find(|one| one.name == name)
}

impl Runbook {
    /// For these arguments, now.
    pub(crate) fn fill(&self, call: &Call<'_>, given: &[(String, String)]) -> Filled {
        let value =
            |key: &str| given.iter().find(|(name, _)| name == key).map(|(_, value)| plain(value)).filter(|one| !one.is_empty());
        let cluster = value("cluster").unwrap_or_default();
        let namespace = value("namespace").unwrap_or_else(|| call.namespace(None));
        let mut text = self.text.replace("{cluster}", &cluster).replace("{namespace}", &namespace);
        text = text.replace("{target_time}", &value("target_time").unwrap_or_else(|| "the latest moment that can be had".into()));
        text = text.replace("{version}", &value("version").unwrap_or_default());
        let uri = Uri { namespace: &namespace, name: &cluster, view: View::Status };
        match resources::read(call, &uri) {
            Ok(state) => Filled { text, state: Some((Uri::status(&namespace, &cluster), state)) },
            Err(problem) => {
                text.push_str(&format!("\nThe cluster's state could not be read just now:\n\n{}", problem.markdown()));
                Filled { text, state: None }
            }
        }
    }
}

/// What a person typed, as part of a sentence: one line, without the marks that would end a code span.
fn plain(value: &str) -> String {
    value.chars().filter(|one| !one.is_control() && *one != '`').take(200).collect()
}
