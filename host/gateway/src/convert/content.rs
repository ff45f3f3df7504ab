//! What tools, prompts and resources produced. Binary becomes base64 here and nowhere else.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use portcullis_core::content::{Content, ResourceBody, ResourceContents, ToolOutput};
use portcullis_core::prompt::Expansion;
use rmcp::model::{self, CallToolResult, ContentBlock, GetPromptResult, Role};
use serde_json::Value;

use super::lists;

/// A tool's output with its structured part, already parsed and checked. Without content, the structured part is said as text too, for
/// clients older than it (MCP 2025-11-25, server/tools, Structured Content).
pub(crate) fn output(output: ToolOutput, structured: Option<Value>) -> CallToolResult {
    let mut content: Vec<ContentBlock> = output.content.into_iter().map(block).collect();
    if content.is_empty()
        && let Some(text) = output.structured
    {
        content.push(ContentBlock::text(text));
    }
    let mut result = if output.is_error { CallToolResult::error(content) } else { CallToolResult::success(content) };
    result.structured_content = structured;
    result
}

fn block(content: Content) -> ContentBlock {
    match content {
        Content::Text(text) => ContentBlock::text(text),
        Content::Image(blob) => ContentBlock::image(BASE64_STANDARD.encode(blob.data), blob.mime_type),
        Content::Audio(blob) => ContentBlock::audio(BASE64_STANDARD.encode(blob.data), blob.mime_type),
        Content::ResourceLink(link) => ContentBlock::resource_link(lists::resource(link)),
        Content::EmbeddedResource(resource) => ContentBlock::resource(contents(resource)),
    }
}

/// A resource with its body.
pub(crate) fn contents(resource: ResourceContents) -> model::ResourceContents {
    let ResourceContents { uri, mime_type, body } = resource;
    match body {
        ResourceBody::Text(text) => model::ResourceContents::TextResourceContents { uri, mime_type, text, meta: None },
        ResourceBody::Blob(data) => {
            model::ResourceContents::BlobResourceContents { uri, mime_type, blob: BASE64_STANDARD.encode(data), meta: None }
        }
    }
}

/// An expanded prompt.
pub(crate) fn expansion(expansion: Expansion) -> GetPromptResult {
    let messages = expansion.messages.into_iter().map(|message| {
        let role = if message.role == "assistant" { Role::Assistant } else { Role::User };
        model::PromptMessage::new(role, block(message.content))
    });
    let mut result = GetPromptResult::new(messages.collect());
    result.description = expansion.description;
    result
}
