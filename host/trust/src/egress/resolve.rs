//! How a name becomes addresses: looked up once per connection, judged, and handed to the connection as they were judged. There is no second
//! lookup that could answer otherwise (DNS rebinding).

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use portcullis_core::ports::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::is_internet;

/// Looks names up. Tests bring their own.
pub trait Resolver: Send + Sync {
    /// All addresses of a name.
    ///
    /// # Errors
    /// The name could not be looked up. Cancellation safe.
    fn resolve(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// The operating system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|found| found.ip()).collect()) })
    }
}

/// Why a name gives no addresses; found again at the end of the HTTP client's chain of causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("not an address of the internet")]
    Address,
    #[error("no such name")]
    Unresolved,
}

/// Lets through names all of whose addresses may be reached. A name with one bad address is refused whole: an honest one has none.
pub(super) struct Guard {
    pub(super) resolver: Arc<dyn Resolver>,
    pub(super) private: bool,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (private, looking) = (self.private, self.resolver.resolve(name.as_str().to_owned()));
        Box::pin(async move {
            let found = looking.await.map_err(|_| Refused::Unresolved)?;
            let judged = judge(&found, private)?;
            Ok(judged)
        })
    }
}

fn judge(found: &[IpAddr], private: bool) -> Result<Addrs, Refused> {
    if found.is_empty() {
        return Err(Refused::Unresolved);
    }
    if !private && !found.iter().all(|&address| is_internet(address)) {
        return Err(Refused::Address);
    }
    // Port 0 stands for the URL's own.
    let addresses: Vec<SocketAddr> = found.iter().map(|&address| SocketAddr::new(address, 0)).collect();
    Ok(Box::new(addresses.into_iter()))
}

/// Whether an address that stands in the URL itself may be reached; such a one is never looked up.
pub(super) fn literal(address: IpAddr, private: bool) -> Result<(), Refused> {
    if private || is_internet(address) { Ok(()) } else { Err(Refused::Address) }
}
