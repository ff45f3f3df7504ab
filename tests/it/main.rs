//! Integration tests, one binary. A module per subject; what they share is in `tests/src` and in the modules named `…_rig`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod auth_foreign;
mod auth_leaks;
mod auth_oidc;
mod auth_outages;
mod auth_proxy;
mod auth_replicas;
mod auth_rig;
mod conformance;
mod foreign_client;
mod guests_abi;
mod guests_auth;
mod guests_kube;
mod guests_kubernetes;
mod guests_memory;
mod guests_misbehave;
mod guests_named;
mod guests_refused;
mod guests_rig;
mod guests_serve;
mod guests_swap;
#[path = "../../host/store/tests/suite/server.rs"]
#[allow(dead_code, reason = "the store's own tests use the rest")]
mod postgres;
mod serve_bad_input;
mod serve_changes;
mod serve_faults;
mod serve_in_flight;
mod serve_operations;
mod serve_races;
mod serve_real;
mod serve_reload;
mod serve_rig;
mod serve_round;
mod serve_rules;
mod serve_scale;
mod serve_secrets;
mod serve_versions;
mod wire_rig;
