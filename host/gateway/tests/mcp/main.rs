//! The gateway over real HTTP with a plugin written by hand: one row of the protocol per test. Rows such as RS-9 or T-11 are those of the
//! project's protocol contract.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod client;
mod fake;
mod server;
mod strategy;

mod auth;
mod bad_input;
mod health;
mod legacy;
mod listen;
mod prompts;
mod questions;
mod resources;
mod stdio;
mod strategies;
mod streams;
mod tools;
