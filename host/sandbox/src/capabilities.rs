//! The one list of everything that a plugin can ever do. Each capability is one file of the same five parts: a doc that names its WIT
//! interface, its state in the store, `link`, `impl Host`, and tests that call `Host` directly.

use std::time::Duration;

use portcullis_core::grant::{Capability, Grants};
use wasmtime::component::Linker;

use crate::inspect::World;
use crate::logbook::cut;
use crate::sandbox::Ports;
use crate::state::{CallState, Shared};

pub(crate) mod base;
pub(crate) mod clocks;
pub(crate) mod config;
pub(crate) mod discovery;
pub(crate) mod http;
pub(crate) mod jwt;
pub(crate) mod keyvalue;
pub(crate) mod kubernetes;
pub(crate) mod log;
pub(crate) mod notifications;
pub(crate) mod offers;
pub(crate) mod progress;
pub(crate) mod random;
pub(crate) mod secrets;

/// Bytes of a short text for the client: a progress message, a logger's name. 4 KiB: one line, and nobody reads more; the rest is cut.
const CLIENT_TEXT_MAX: usize = 4 << 10;

/// Puts a capability's functions into a linker.
type Link = fn(&mut Linker<CallState>) -> wasmtime::Result<()>;

/// The list.
const ALL: [(Capability, Link); 12] = [
    (Capability::Log, log::link),
    (Capability::Config, config::link),
    (Capability::Progress, progress::link),
    (Capability::Notifications, notifications::link),
    (Capability::Clocks, clocks::link),
    (Capability::Random, random::link),
    (Capability::Kubernetes, kubernetes::link),
    (Capability::Jwt, jwt::link),
    (Capability::Discovery, discovery::link),
    (Capability::KeyValue, keyvalue::link),
    (Capability::Secrets, secrets::link),
    (Capability::Http, http::link),
];

/// Whether an interface (without version) needs no grant: types, what a plugin says of its own offers, and the empty base of WASI.
pub(crate) fn is_base(interface: &str) -> bool {
    ["portcullis:tool/types", "portcullis:tool/offers", "portcullis:auth/types"].contains(&interface)
        || interface.starts_with("wasi:cli/")
        || interface.starts_with("wasi:io/")
}

/// Whether a plugin of this world may have the capability at all. Tools see no tokens (invariant 7); strategies have no client to talk to, and
/// judge callers without the cluster.
pub(crate) fn fits(capability: Capability, world: World) -> bool {
    match capability {
        Capability::Jwt | Capability::Discovery => world == World::Authenticator,
        Capability::Progress | Capability::Notifications | Capability::Kubernetes => world == World::Tool,
        _ => true,
    }
}

/// Whether this host can serve the capability: some need a port that the binary may not have opened.
pub(crate) fn is_served(capability: Capability, ports: &Ports) -> bool {
    match capability {
        Capability::Jwt => ports.tokens.is_some(),
        Capability::Discovery => ports.discovery.is_some(),
        Capability::KeyValue => ports.store.is_some(),
        Capability::Secrets => ports.secrets.is_some(),
        Capability::Http => ports.egress.is_some(),
        _ => true,
    }
}

/// The presence fence: the base, and what was granted. What is not linked cannot be called.
pub(crate) fn link(linker: &mut Linker<CallState>, grants: &Grants) -> wasmtime::Result<()> {
    base::link(linker)?;
    offers::link(linker)?;
    ALL.iter().filter(|(capability, _)| grants.has(*capability)).try_for_each(|(_, link)| link(linker))
}

/// A value outside a grant's list: names the file that must change, and what to add there.
fn refused(shared: &Shared, capability: &str, list: &str, value: &str, requested: bool) -> String {
    let name = &shared.name;
    // JSON is YAML, whatever characters a guest uses; names and URLs of real life are shorter than the cut.
    let value = serde_json::Value::from(cut(value, CLIENT_TEXT_MAX));
    let what = format!("the grant of plugin `{name}` does not cover {value}");
    if requested {
        format!("{what}; to allow it, add under plugins.{name}.grants.{capability}.{list}:\n- {value}")
    } else {
        format!("{what}, and its plugin.yaml does not request it; its author adds under requests.{capability}.{list}:\n- {value}")
    }
}

/// A time in the milliseconds of WIT.
fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
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
