//! What `PluginStore` promises, on SQLite and on PostgreSQL: the same tests, each over a database of its own.
//!
//! PostgreSQL is a real server that the tests start (`server.rs`); where its programs are missing, its half says that it was skipped.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod backend;
mod conditions;
mod database;
mod encryption;
mod limits;
mod outages;
mod revocations;
mod server;
