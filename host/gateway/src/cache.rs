//! Tools and prompts in rmcp's form, converted once per snapshot: `get_tool` runs for each call, and a schema is large.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use portcullis_core::snapshot::Snapshot;
use portcullis_core::tool::ToolSpec;
use rmcp::model::{Prompt, Tool};

use crate::convert;

/// What one snapshot offers, as MCP says it.
pub(crate) struct WireCatalogue {
    /// By name.
    pub(crate) tools: BTreeMap<String, Tool>,
    /// By name.
    pub(crate) prompts: BTreeMap<String, Prompt>,
    /// Tools whose schema does not mention the annotation at all.
    plain: BTreeSet<String>,
}

/// The newest conversion. One slot is enough: requests on an older snapshot are few, and only during a swap.
#[derive(Default)]
pub(crate) struct WireCache(Mutex<Option<(Weak<Snapshot>, Arc<WireCatalogue>)>>);

impl WireCache {
    /// The conversion of `snapshot`, from the slot if it is there.
    pub(crate) fn of(&self, snapshot: &Arc<Snapshot>) -> Arc<WireCatalogue> {
        let mut slot = self.0.lock();
        match slot.as_ref() {
            // The weak reference keeps the allocation, so that no other snapshot can have this address.
            Some((known, wire)) if std::ptr::eq(known.as_ptr(), Arc::as_ptr(snapshot)) => Arc::clone(wire),
            _ => {
                let wire = Arc::new(WireCatalogue::convert(snapshot));
                *slot = Some((Arc::downgrade(snapshot), Arc::clone(&wire)));
                wire
            }
        }
    }
}

impl WireCatalogue {
    /// Whether calls of this tool mirror no parameter in a header (`x-mcp-header`: T-5).
    pub(crate) fn has_plain_headers(&self, tool: &str) -> bool {
        self.plain.contains(tool)
    }

    fn convert(snapshot: &Snapshot) -> Self {
        let catalogue = &snapshot.catalogue;
        Self {
            tools: catalogue.tools().map(|tool| (tool.name.clone(), convert::tool(tool))).collect(),
            prompts: catalogue.prompts().map(|prompt| (prompt.name.clone(), convert::prompt(prompt))).collect(),
            plain: catalogue.tools().filter(|tool| !mirrors(tool)).map(|tool| tool.name.clone()).collect(),
        }
    }
}

fn mirrors(tool: &ToolSpec) -> bool {
    tool.input_schema.source().to_string().contains("x-mcp-header")
}
