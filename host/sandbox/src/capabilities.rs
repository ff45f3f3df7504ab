//! The one list of everything that a plugin can ever do. Each capability is one file of the same five parts: a doc that names its WIT
//! interface, its state in the store, `link`, `impl Host`, and tests that call `Host` directly.

use portcullis_core::grant::{Capability, Grants};
use wasmtime::component::Linker;

use crate::state::CallState;

pub(crate) mod base;
pub(crate) mod clocks;
pub(crate) mod config;
pub(crate) mod kubernetes;
pub(crate) mod log;
pub(crate) mod notifications;
pub(crate) mod offers;
pub(crate) mod progress;
pub(crate) mod random;

/// Bytes of a short text for the client: a progress message, a logger's name. 4 KiB: one line, and nobody reads more; the rest is cut.
const CLIENT_TEXT_MAX: usize = 4 << 10;

/// Puts a capability's functions into a linker.
type Link = fn(&mut Linker<CallState>) -> wasmtime::Result<()>;

/// The list.
const ALL: [(Capability, Link); 7] = [
    (Capability::Log, log::link),
    (Capability::Config, config::link),
    (Capability::Progress, progress::link),
    (Capability::Notifications, notifications::link),
    (Capability::Clocks, clocks::link),
    (Capability::Random, random::link),
    (Capability::Kubernetes, kubernetes::link),
];

/// Whether an interface (without version) needs no grant: types, what a plugin says of its own offers, and the empty base of WASI.
pub(crate) fn is_base(interface: &str) -> bool {
    ["portcullis:tool/types", "portcullis:tool/offers"].contains(&interface)
        || interface.starts_with("wasi:cli/")
        || interface.starts_with("wasi:io/")
}

/// The presence fence: the base, and what was granted. What is not linked cannot be called.
pub(crate) fn link(linker: &mut Linker<CallState>, grants: &Grants) -> wasmtime::Result<()> {
    base::link(linker)?;
    offers::link(linker)?;
    ALL.iter().filter(|(capability, _)| grants.has(*capability)).try_for_each(|(_, link)| link(linker))
}

#[cfg(test)]
mod tests {
    use super::ALL;
    use portcullis_core::grant::Capability;

    #[test]
    fn every_capability_that_can_be_granted_is_implemented_once() {
        assert_eq!(ALL.map(|(capability, _)| capability), Capability::ALL);
    }
}
