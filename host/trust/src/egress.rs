//! Outgoing HTTP: which addresses are the internet's, how a name becomes addresses, one exchange. Which requests may be sent is decided before.

mod address;
mod client;
mod courier;
mod headers;
mod pauses;
mod resolve;
mod tls;

pub(crate) use client::Client;
pub(crate) use courier::Courier;
pub use resolve::{Resolver, SystemResolver};
pub(crate) use tls::TlsError;
