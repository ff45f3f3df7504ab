//! The one table of tools: what a client sees of each, what it may ask of the API server, and the function that runs it.
//! plugin.yaml requests the rules of this table; a test keeps the two equal.

use crate::answer::Outcome;
use crate::call::Call;
use crate::parameter::Parameter;
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::tools;

/// MCP's hints; none of these tools reaches beyond the cluster, so openWorldHint is always false.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hints {
    pub(crate) read_only: bool,
    pub(crate) destructive: bool,
    pub(crate) idempotent: bool,
}

/// One tool.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) description: &'static str,
    pub(crate) parameters: &'static [Parameter],
    pub(crate) shape: Shape,
    pub(crate) hints: Hints,
    pub(crate) level: Level,
    /// Whether its name and parameters are a promise to users of the reference.
    pub(crate) promised: bool,
    pub(crate) rules: &'static [Rule],
    pub(crate) run: fn(&Call<'_>, &str) -> Result<Outcome, Problem>,
}

/// All tools by subject, in the order in which a client lists them.
const GROUPS: &[&[&Entry]] = &[
    tools::clusters::TOOLS,
    tools::databases::TOOLS,
    tools::replication::TOOLS,
    tools::poolers::TOOLS,
    tools::operations::TOOLS,
    tools::plans::TOOLS,
    tools::backups::TOOLS,
    tools::schedules::TOOLS,
    tools::observation::TOOLS,
    tools::instances::TOOLS,
    tools::roles::TOOLS,
    tools::storage::TOOLS,
    tools::parameters::TOOLS,
    tools::configuration::TOOLS,
    tools::connections::TOOLS,
    tools::images::TOOLS,
];

/// All tools, in the order in which a client lists them.
pub(crate) fn all() -> impl Iterator<Item = &'static Entry> {
    GROUPS.iter().copied().flatten().copied()
}

/// The tool of that name.
pub(crate) fn find(name: &str) -> Option<&'static Entry> {
    all().find(|one| one.name == name)
}
