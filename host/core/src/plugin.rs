//! What the host knows of a loaded plugin.

use std::collections::BTreeMap;

use crate::manifest::Manifest;
use crate::prompt::PromptSpec;
use crate::resource::ResourceTemplate;
use crate::tool::ToolSpec;

/// SHA-256 of a component's bytes: its identity in caches, audit and messages.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of the component's bytes.
    #[must_use]
    pub fn of(component: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(component).into())
    }

    /// The raw hash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "sha256:{}", hex::encode(self.0))
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// A loaded plugin: what it says of itself, and what it offers.
#[derive(Debug, Clone)]
pub struct Descriptor {
    /// From the component's `plugin.yaml` section.
    pub manifest: Manifest,
    /// Of the component's bytes.
    pub digest: Digest,
    /// In the plugin's order.
    pub tools: Vec<ToolSpec>,
    /// Tools that it leaves out of its list, each with the reason for whoever may call it.
    pub withheld: BTreeMap<String, String>,
    /// Empty without the export `prompts`.
    pub prompts: Vec<PromptSpec>,
    /// Empty without the export `resources`.
    pub templates: Vec<ResourceTemplate>,
    /// Which optional interfaces it exports.
    pub exports: Exports,
}

impl Descriptor {
    /// Whether both offer the same.
    #[must_use]
    pub fn offers_like(&self, other: &Self) -> bool {
        self.tools == other.tools
            && self.withheld == other.withheld
            && self.prompts == other.prompts
            && self.templates == other.templates
    }
}

/// Optional exports that the host found in the component's type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exports {
    /// `portcullis:tool/prompts`
    pub prompts: bool,
    /// `portcullis:tool/resources`
    pub resources: bool,
    /// `portcullis:tool/subscriptions`
    pub subscriptions: bool,
    /// `portcullis:tool/completions`
    pub completions: bool,
    /// `portcullis:auth/routes`
    pub routes: bool,
}
