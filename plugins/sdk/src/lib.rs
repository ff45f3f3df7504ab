//! The Rust SDK for Portcullis plugins: WIT worlds as traits, builders for what a plugin returns, and thin wrappers over what it may
//! import. What the host grants or checks is not decided here; the references of the nouns are `wit/portcullis-tool` and
//! `wit/portcullis-auth`.
//!
//! A whole plugin (crate type `cdylib`, target `wasm32-wasip2`):
//!
//! ```
//! use portcullis_plugin::{Context, Failure, Outcome, Output, Plugin, Tool};
//!
//! pub struct Greeter;
//!
//! #[derive(serde::Deserialize)]
//! struct Arguments {
//!     name: String,
//! }
//!
//! impl Plugin for Greeter {
//!     fn tools() -> Vec<Tool> {
//!         let schema = r#"{"type":"object","properties":{"name":{"type":"string"}},"required":["name"],"additionalProperties":false}"#;
//!         vec![Tool::new("greet", "Greets a person by name.").input(schema).read_only()]
//!     }
//!
//!     fn call(_: &Context, name: &str, arguments: &str) -> Result<Outcome, Failure> {
//!         match name {
//!             "greet" => {
//!                 let arguments: Arguments = portcullis_plugin::arguments(arguments)?;
//!                 Ok(Output::text(format!("Good day, {}.", arguments.name)).into())
//!             }
//!             unknown => Err(Failure::unknown_tool(unknown)),
//!         }
//!     }
//! }
//!
//! portcullis_plugin::manifest!("name: greeter\nversion: 0.1.0\ndescription: Greets people.\n");
//! portcullis_plugin::export!(Greeter);
//! # fn main() {}
//! ```
//!
//! Optional exports are traits of their own, named in the macro: `export!(Greeter with prompts, resources, subscriptions, completions)`.
//! What a plugin imports it must request in `plugin.yaml`: [`log`], [`progress`], [`notifications`], [`config`] and [`kubernetes`] are one
//! capability each ([`withhold`] is none), and calling none of a module's functions imports nothing. `std` may import more: `HashMap` draws on `wasi:random`
//! (use `BTreeMap`), `Instant` and `SystemTime` on `wasi:clocks`.
//!
//! An auth strategy is another world, with traits and a macro of its own: see [`auth`].
//!
//! Plugins build and test natively too: there the imports are replaced by [`testing`], and Kubernetes goes through the trait
//! [`kubernetes::Api`], which a test implements for itself.

pub mod auth;
#[doc(hidden)]
pub mod bindings;
pub mod completions;
pub mod config;
mod context;
mod failure;
pub mod kubernetes;
pub mod log;
mod manifest;
pub mod notifications;
mod offers;
mod output;
mod plugin;
pub mod progress;
pub mod prompts;
mod question;
pub mod resources;
pub mod subscriptions;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
mod tool;

#[doc(hidden)]
pub use bindings::tool::exports::portcullis::tool::tools::Guest;
pub use bindings::tool::exports::portcullis::tool::tools::Outcome;
pub use bindings::tool::portcullis::tool::types::{
    Annotations, Blob, Caller, Content, Context, Failure, InputRequired, Output, Question, ResourceBody, ResourceContents,
    ResourceLink, Tool,
};
pub use completions::Completions;
pub use context::Elicitation;
pub use failure::arguments;
#[doc(hidden)]
pub use manifest::bytes as manifest_bytes;
pub use offers::withhold;
pub use plugin::Plugin;
pub use prompts::Prompts;
pub use resources::Resources;
pub use subscriptions::Subscriptions;
