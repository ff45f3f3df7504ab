//! Core's nouns to MCP's. One direction only: what comes from clients is plain JSON and strings.

mod content;
mod lists;

pub(crate) use content::{contents, expansion, output};
pub(crate) use lists::{prompt, resource, template, tool};
