//! MCP and HTTP: who calls (the challenge), what they see (the catalogue, filtered by policy), and the translation between MCP's wire and the
//! host's own nouns.
//!
//! Only this crate knows MCP and JSON-RPC. It knows no Wasmtime and no Kubernetes client: it meets them at `portcullis_core::ports`.
//! Specifications: MCP 2026-07-28 and 2025-11-25 and older, RFC 6750, RFC 9110.

mod auth;
mod cache;
mod connection;
mod convert;
mod cors;
mod direct;
mod entry;
mod gateway;
mod health;
mod lines;
mod mcp;
mod notices;
mod origin;
mod proof;
mod respond;
mod revocations;
mod route;
mod routes;
mod server;
mod sessions;
mod stall;
mod stdio;
mod steps;

pub use gateway::{Gateway, GatewayParts};
pub use health::KubernetesProbe;
pub use notices::Notices;
pub use server::ServeError;

/// What the host's log filter should say about rmcp: it logs every mistake of a client at `warn` and each request at `info`. The gateway
/// logs for itself what an operator needs.
pub const LOG_DIRECTIVE: &str = "rmcp=off";
