//! Which tools an operator hands out: four levels, each with the ones below it, and the default, which is what a person would dare to
//! give to a model. The table that says which tool is at which level is the catalogue.

use serde::Deserialize;

use crate::catalogue::Entry;

/// What a tool is for, from harmless to grave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Reads, and nothing else.
    Read,
    /// Works on clusters that exist: restarts, fences, parameters, backups.
    Operate,
    /// Makes and changes clusters, roles, databases and what belongs to them.
    Provision,
    /// Removes what cannot be had back.
    Administer,
}

/// The setting `profile`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Profile {
    /// All that reads, and the tools whose names the reference promised, deletions included: those ask first.
    #[default]
    Default,
    Reader,
    Operator,
    Provisioner,
    Admin,
}

impl Profile {
    /// Whether the tool is part of it.
    pub(crate) fn includes(self, entry: &Entry) -> bool {
        match self {
            Self::Default => entry.level == Level::Read || entry.promised,
            Self::Reader => entry.level <= Level::Read,
            Self::Operator => entry.level <= Level::Operate,
            Self::Provisioner => entry.level <= Level::Provision,
            Self::Admin => true,
        }
    }
}
