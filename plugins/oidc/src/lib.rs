//! Auth strategy `oidc`: access tokens of OpenID Connect issuers (RFC 9068 and its looser relatives), and opaque ones by introspection
//! (RFC 7662). Signatures, keys and discovery are the host's; here is which issuer, which kind of token, and what its claims mean.
//! What is exported is wired in `component`.

mod claims;
mod component;
mod describing;
mod identity;
mod introspection;
mod judging;
mod kind;
mod settings;
#[cfg(test)]
mod tests;

pub use component::Oidc;
