//! Capability `kubernetes`: the API server, through the operator's grant. Which requests are allowed is decided by the host.
//!
//! Plugin logic takes `&dyn` [`Api`]; the exported entry point passes [`Host`], a native test passes its own.
//!
//! ```
//! use portcullis_plugin::kubernetes::{Api, Kind, Status};
//!
//! const CLUSTERS: Kind = Kind::new("postgresql.cnpg.io", "v1", "clusters");
//!
//! fn instances(api: &dyn Api, namespace: &str, name: &str) -> Result<u64, Status> {
//!     let cluster = api.get(&CLUSTERS.within(namespace).named(name).get())?.value()?;
//!     Ok(cluster.pointer("/spec/instances").and_then(serde_json::Value::as_u64).unwrap_or(1))
//! }
//! ```

mod api;
mod host;
mod options;
mod reply;
mod target;

pub use crate::bindings::tool::portcullis::kubernetes::api::{
    Cause, DeleteOptions, Event, GetRequest, ListOptions, ListRequest, LogOptions, Read, Reply, Status, Target, WriteOptions,
};
pub use api::{Api, PatchKind, Watch};
pub use host::Host;
pub use target::Kind;

/// Form of a reply: the whole object.
pub const OBJECT: &str = "object";
/// Form of a reply: `meta.k8s.io/v1` Table with `PartialObjectMetadata` rows.
pub const TABLE: &str = "table";
/// Form of a reply: `PartialObjectMetadata`, or a list of them.
pub const METADATA: &str = "metadata";
