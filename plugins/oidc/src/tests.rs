//! The strategy against a host that is made up: what comes out for which token, by the names of the contract's rows.

mod describing;
mod fake;
mod introspection;
mod jwt;
mod manifest;
