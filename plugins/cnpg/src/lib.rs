//! The CloudNativePG plugin: tools that list, inspect, create, scale and delete PostgreSQL clusters through the host's capability
//! `kubernetes`. What is exported is wired in `component`; tools are in `tools`, one file each, declared in `catalogue`.
//! Contract: names and parameters of waTeim/cnpg-mcp v5.1 stay valid.

mod answer;
mod applied;
mod arguments;
mod atomic;
mod backup;
mod backup_first;
mod blast;
mod call;
mod catalogue;
mod change;
mod cluster;
mod completions;
mod component;
mod consent;
mod cron;
mod cursor;
mod declared;
mod deleting;
mod diagnose;
mod diff;
mod everywhere;
mod explain;
#[cfg(test)]
mod fake;
mod field;
mod gitops;
mod guard;
mod image;
mod image_catalog;
mod instance;
mod json;
mod kind;
mod logs;
mod name;
mod naming;
mod needs;
mod offering;
mod paging;
mod parameter;
mod phase;
mod phase_change;
mod plan;
mod port;
mod problem;
mod profile;
mod prompts;
mod quantity;
mod readiness;
mod resources;
mod rights;
mod roles;
mod rolling;
mod rule;
mod served;
mod settings;
mod shape;
mod status;
#[cfg(test)]
mod tests;
mod text;
mod time;
mod tools;
mod uri;
mod waiting;
mod watching;
mod yaml;

pub use component::Cnpg;
pub use needs::{NeededRule, PROFILES, ToolNeeds, needs, offers};
