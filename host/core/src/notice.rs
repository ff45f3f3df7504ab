//! What subscribers hear: lists and resources that changed.

/// A change that clients may have asked to hear about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Notice {
    /// The list of tools changed.
    ToolsChanged,
    /// The list of prompts changed.
    PromptsChanged,
    /// The list of resources changed.
    ResourcesChanged,
    /// One resource changed.
    ResourceUpdated {
        /// Its URI.
        uri: String,
    },
}
