//! The authorization server against a host and a provider that are made up: whole logins, and every attack of the contract that is ours to
//! stop, by its row. Tests are sentences.

mod assertion;
mod authorize;
mod callback;
mod codes;
mod confirm;
mod consent;
mod documents;
mod fake;
mod findings;
mod judging;
mod logins;
mod manifest;
mod metadata;
mod provider;
mod refresh;
mod registration;
mod revoke;
mod world;
