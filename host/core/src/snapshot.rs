//! One immutable generation of everything that decides a request: configuration, plugins, policy. A request clones the `Arc` once, at
//! entry, and sees nothing else. Only the binary builds snapshots; everybody else reads them.

use std::sync::Arc;

use crate::catalogue::Catalogue;
use crate::config::Config;
use crate::finding::Finding;
use crate::policy::Policy;
use crate::strategies::Strategies;

/// See the module.
#[derive(Debug)]
pub struct Snapshot {
    /// Counts up from 1 within a process.
    pub generation: u64,
    /// What the operator wrote, resolved.
    pub config: Arc<Config>,
    /// What the plugins offer.
    pub catalogue: Catalogue,
    /// How callers prove who they are.
    pub strategies: Strategies,
    /// Who may do what.
    pub policy: Policy,
    /// What is wrong but does not stop this generation: broken plugins above all.
    pub findings: Vec<Finding>,
}
