//! Components behind the gate: engine, linking, limits, capabilities. Implements `portcullis_core::ports::{ToolRuntime, Plugin, Authenticator}`
//! on Wasmtime.
//!
//! Only this crate knows Wasmtime. It knows no HTTP server and no MCP, and it reaches the API server only through core's `KubeApi`.

mod authenticator;
mod bindings;
mod cache;
mod capabilities;
mod convert;
mod engine;
mod guest;
mod inspect;
mod limits;
mod loader;
mod logbook;
mod owned;
mod pace;
mod plugin;
mod runtime;
mod sandbox;
mod state;
#[cfg(test)]
mod testing;

pub use inspect::{COMPONENT_MAX, Import, InspectError, Inspection, Need, TRACKS, World, inspect, manifest_text};
pub use sandbox::{Ports, Sandbox, SandboxError, SandboxOptions};
