//! The ports of the trust crate against servers that behave and servers that do not.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod discovery;
mod egress;
mod issuer;
mod outage;
mod tokens;
mod world;
