//! Keys: other parties' by their key sets (RFC 7517), through a cache, and this host's own by derivation. What they do is in `jwt`.

mod issuers;
mod own;
mod set;

pub(crate) use issuers::{KeySets, Source};
pub(crate) use own::{Ring, RingKey};
pub(crate) use set::{KeySet, Material};
