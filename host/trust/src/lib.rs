//! What the host knows of other parties: how it reaches them (`egress`), what they say of themselves (`discovery`), their keys (`keys`), and the
//! tokens that they and this host sign (`jwt`).
//!
//! Must not know plugins, grants or configuration: who may ask for what, the caller has decided. Only this crate knows reqwest, ring and p256.
#![cfg_attr(not(test), warn(clippy::missing_errors_doc))]

mod cache;
pub mod clock;
mod discovery;
mod egress;
mod json;
mod jwt;
mod keys;
mod trust;

pub use egress::{Resolver, SystemResolver};
pub use trust::{Trust, TrustError, TrustOptions};
