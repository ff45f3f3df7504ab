//! Outgoing HTTP: which addresses are the internet's, how a name becomes addresses, one exchange. Which requests may be sent is decided before.

mod address;
mod client;
mod headers;
mod resolve;
mod tls;

pub(crate) use client::Client;
pub use resolve::{Resolver, SystemResolver};
pub(crate) use tls::TlsError;
