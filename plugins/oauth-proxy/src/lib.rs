//! Auth strategy `oauth-proxy`: an authorization server (OAuth 2.1) for MCP clients in front of an OpenID Connect provider that lacks what
//! they need: registration or client documents, S256, resource indicators, tokens for one resource. People log in at the provider; clients
//! get tokens of ours, never the provider's. One file per subject; paths are wired in `routes`, the component in `component`.
//!
//! A login, file by file: `registration` or `cimd` → `authorize` → `consent` → `upstream` → the provider → `callback` → (`confirm`) → `code` → `token` →
//! `access` and `refresh` → `judging`, until `revoke` or `logins`. All state is in the host's store (`store`), each step one atomic operation there.

mod access;
mod assertion;
mod authorize;
mod bearer;
mod callback;
mod cimd;
mod clients;
mod code;
mod component;
mod confirm;
mod consent;
mod cookies;
mod details;
mod errors;
mod findings;
mod grant;
mod id_token;
mod index;
mod introspection;
mod judging;
mod logins;
mod metadata;
mod page;
mod parameters;
mod pinned;
mod port;
mod provider;
mod rate;
mod redirect;
mod refresh;
mod registration;
mod renewal;
mod resource;
mod revoke;
mod routes;
mod scope;
mod secret;
mod settings;
mod store;
#[cfg(test)]
mod tests;
mod token;
mod upstream;

pub use component::OAuthProxy;
