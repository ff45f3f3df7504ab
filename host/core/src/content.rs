//! Blocks of content and what a tool produced. Binary is bytes here; base64 is the gateway's business.

/// Bytes with a media type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// The bytes themselves.
    pub data: Vec<u8>,
    /// E.g. `image/png`.
    pub mime_type: String,
}

/// A pointer to a resource that the client may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceLink {
    /// The resource's URI.
    pub uri: String,
    /// Short name.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// For the model.
    pub description: Option<String>,
    /// Media type, if known.
    pub mime_type: Option<String>,
    /// Bytes, if known.
    pub size: Option<u64>,
}

/// The body of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourceBody {
    /// UTF-8 text.
    Text(String),
    /// Anything else.
    Blob(Vec<u8>),
}

/// A resource with its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceContents {
    /// The resource's URI.
    pub uri: String,
    /// Media type, if known.
    pub mime_type: Option<String>,
    /// The body.
    pub body: ResourceBody,
}

/// One block of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Text.
    Text(String),
    /// An image.
    Image(Blob),
    /// Sound.
    Audio(Blob),
    /// A pointer.
    ResourceLink(ResourceLink),
    /// A resource within the result.
    EmbeddedResource(ResourceContents),
}

/// What a tool produced.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ToolOutput {
    /// Blocks in reading order.
    pub content: Vec<Content>,
    /// JSON text of an object; the host has checked it against the output schema when it reaches a client.
    pub structured: Option<String>,
    /// The content tells of a failure that the model can act upon.
    pub is_error: bool,
}
