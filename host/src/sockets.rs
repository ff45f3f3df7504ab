//! The sockets that are open, and how they follow the configuration: new ones are bound before a snapshot is published, so that one that
//! cannot be bound holds it back; old ones close after it, and drain.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use portcullis_core::config::{Config, Endpoint};
use portcullis_core::finding::Finding;
use portcullis_gateway::Gateway;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A listener's name and its address as it was configured.
type Key = (String, SocketAddr);

/// Sockets that were bound for a snapshot that is not published yet.
pub(crate) struct Bound(Vec<(Key, TcpListener)>);

/// All open sockets.
pub(crate) struct Sockets {
    gateway: Gateway,
    shutdown: CancellationToken,
    open: BTreeMap<Key, (CancellationToken, SocketAddr)>,
    tasks: TaskTracker,
}

impl Sockets {
    /// None is open yet; `shutdown` closes all of them.
    pub(crate) fn new(gateway: Gateway, shutdown: CancellationToken) -> Self {
        Self { gateway, shutdown, open: BTreeMap::new(), tasks: TaskTracker::new() }
    }

    /// Binds what `config` has and is not open.
    pub(crate) async fn bind(&self, config: &Config) -> Result<Bound, Vec<Finding>> {
        let (mut bound, mut findings) = (Vec::new(), Vec::new());
        for listener in &config.listeners {
            let key = (listener.name.clone(), listener.address);
            if self.open.contains_key(&key) {
                continue;
            }
            match TcpListener::bind(listener.address).await {
                Ok(socket) => bound.push((key, socket)),
                Err(error) => findings.push(unbound(&listener.name, listener.address, &error)),
            }
        }
        if findings.is_empty() { Ok(Bound(bound)) } else { Err(findings) }
    }

    /// Serves what was bound, and closes what `config` no longer has.
    pub(crate) fn follow(&mut self, config: &Config, bound: Bound) {
        let wanted = |key: &Key| config.listeners.iter().any(|listener| listener.name == key.0 && listener.address == key.1);
        self.open.retain(|key, (close, _)| {
            let keep = wanted(key);
            if !keep {
                close.cancel();
            }
            keep
        });
        for (key, socket) in bound.0 {
            let (close, address) = (self.shutdown.child_token(), socket.local_addr().unwrap_or(key.1));
            let (gateway, name, token) = (self.gateway.clone(), key.0.clone(), close.clone());
            self.tasks.spawn(async move {
                if let Err(error) = gateway.serve_listener(socket, &name, token).await {
                    tracing::error!(%error, "a listener ended");
                }
            });
            self.open.insert(key, (close, address));
        }
    }

    /// The URLs of all endpoints.
    pub(crate) fn urls(&self, config: &Config) -> Vec<String> {
        let url = |address: &SocketAddr, endpoint: &Endpoint| format!("http://{address}{}", endpoint.path);
        let of = |listener: &portcullis_core::config::Listener| {
            let address =
                self.open.get(&(listener.name.clone(), listener.address)).map_or(listener.address, |(_, address)| *address);
            listener.endpoints.iter().map(move |endpoint| url(&address, endpoint)).collect::<Vec<_>>()
        };
        config.listeners.iter().flat_map(of).collect()
    }

    /// Waits until all of them have drained.
    pub(crate) async fn closed(self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

fn unbound(name: &str, address: SocketAddr, error: &std::io::Error) -> Finding {
    let hint = match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            format!("something else listens there: `ss -ltnp 'sport = :{}'` names it", address.port())
        }
        std::io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege: take a higher one".to_owned(),
        _ => "`address` must be one of this machine's".to_owned(),
    };
    Finding::error(format!("listeners.{name}"), format!("{address} cannot be bound: {error}")).hint(hint)
}
