//! Kubernetes behind `portcullis_core::ports::KubeApi`: which cluster, as whom, over which connection; requests, watches, errors.
//!
//! Must not know plugins, grants or MCP: the sandbox decides what may be asked, this crate refuses only what no URL can mean.
//! Specs: Kubernetes API Concepts, Kubernetes API Conventions, RFC 3986 (paths), RFC 9110 (HTTP), RFC 7234 §5.5 (warnings).
#![cfg_attr(not(test), warn(clippy::missing_errors_doc))]

mod cluster;
mod exchange;
mod fault;
mod impersonate;
mod link;
mod path;
mod plan;
mod pod;
mod proxy;
mod query;
mod reply;
mod retry;
mod source;
mod stack;
mod status;
mod unconfigured;
mod warning;
mod watch;

pub use cluster::Cluster;
pub use source::ClusterError;
pub use unconfigured::Unconfigured;
