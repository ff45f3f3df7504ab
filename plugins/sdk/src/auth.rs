//! Auth strategies: who a caller is, by whatever proof an endpoint takes. The reference is `wit/portcullis-auth`; what an identity may do is
//! the host's to decide.
//!
//! A whole strategy (crate type `cdylib`, target `wasm32-wasip2`):
//!
//! ```
//! use portcullis_plugin::auth::{Attempt, Authenticator, Fault, Identity, Rejection, Site, Strategy, Verdict};
//!
//! pub struct OneToken;
//!
//! impl Authenticator for OneToken {
//!     fn describe(_: Site) -> Strategy {
//!         Strategy::new().shape("prefix:demo_")
//!     }
//!
//!     fn authenticate(attempt: Attempt) -> Result<Verdict, Fault> {
//!         if attempt.credential != "demo_letmein" {
//!             return Ok(Rejection::invalid("no such token").into());
//!         }
//!         Ok(Identity::new("demo", "https://demo.example", u64::MAX).audience(attempt.resource).into())
//!     }
//! }
//!
//! portcullis_plugin::manifest!("name: one-token\nversion: 0.1.0\ndescription: Knows one token.\n");
//! portcullis_plugin::export_authenticator!(OneToken);
//! # fn main() {}
//! ```
//!
//! `export_authenticator!(Mine with routes)` exports [`Routes`], too. Logic takes the capabilities that it uses as a bound, e.g.
//! `host: &(impl Jwt + Clock)`; the exported entry point passes [`Host`], a native test passes its own. What generic code does not call is not
//! imported; `&dyn` [`AuthHost`] imports everything, and all of it must be granted then.
//!
//! [`crate::log`] and [`crate::config`] serve strategies as they serve tools; no other capability of tools does.

mod authenticator;
mod export;
mod fault;
mod host;
pub mod http;
mod identity;
mod imports;
#[cfg(target_family = "wasm")]
mod outgoing;
pub mod routes;
mod strategy;

pub use crate::bindings::auth::portcullis::auth::types::{Attempt, Fault, Identity, Rejection, Route, Site, Strategy, Verdict};
pub use authenticator::Authenticator;
#[doc(hidden)]
pub use export::check;
pub use host::{AuthHost, Clock, Discovery, Jwt, KeyValue, Random, Secrets};
pub use http::Http;
pub use imports::Host;
pub use routes::Routes;

/// Nouns of the capability `jwt`.
pub mod jwt {
    pub use crate::bindings::auth::portcullis::auth::jwt::{Expectation, Keys, Problem, Verified};
}

/// Nouns of the capability `discovery`.
pub mod discovery {
    pub use crate::bindings::auth::portcullis::auth::discovery::{Document, Problem};
}

/// Nouns of the capability `keyvalue`.
pub mod keyvalue {
    pub use crate::bindings::auth::portcullis::auth::keyvalue::{Entry, Problem};
}
