//! The nouns and rules of Portcullis, and the ports at which the other crates meet.
//!
//! Pure: no I/O, no async runtime, no wasmtime, axum, kube or sqlx. What needs one of those belongs to the crate that owns it.
#![cfg_attr(not(test), warn(clippy::missing_errors_doc))]

pub mod audit;
pub mod authgrant;
pub mod call;
pub mod catalogue;
pub mod completion;
pub mod config;
pub mod content;
pub mod egress;
pub mod finding;
pub mod grant;
pub mod jwt;
pub mod keyring;
pub mod keyvalue;
pub mod kube;
pub mod kubegrant;
pub mod limits;
pub mod manifest;
pub mod notice;
pub mod plugin;
pub mod policy;
pub mod ports;
pub mod principal;
pub mod prompt;
pub mod resource;
pub mod schema;
pub mod secret;
pub mod snapshot;
pub mod strategies;
pub mod strategy;
pub mod tool;
