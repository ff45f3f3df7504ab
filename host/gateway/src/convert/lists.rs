//! Tools, prompts, resources and templates as lists show them.

use std::borrow::Cow;
use std::sync::Arc;

use portcullis_core::content::ResourceLink;
use portcullis_core::prompt::{PromptArgument, PromptSpec};
use portcullis_core::resource::ResourceTemplate;
use portcullis_core::schema::Schema;
use portcullis_core::tool::{Annotations, ToolSpec};
use rmcp::model::{self, JsonObject, ToolAnnotations};

/// A tool in `tools/list`.
pub(crate) fn tool(spec: &ToolSpec) -> model::Tool {
    let mut tool =
        model::Tool::new(Cow::Owned(spec.name.clone()), Cow::Owned(spec.description.clone()), object(&spec.input_schema));
    tool.title.clone_from(&spec.title);
    tool.output_schema = spec.output_schema.as_ref().map(object);
    tool.annotations = annotations(spec.annotations);
    tool
}

fn object(schema: &Schema) -> Arc<JsonObject> {
    Arc::new(schema.source().as_object().cloned().unwrap_or_default())
}

fn annotations(hints: Annotations) -> Option<ToolAnnotations> {
    let said = hints != Annotations::default();
    said.then(|| ToolAnnotations::from_raw(None, hints.read_only, hints.destructive, hints.idempotent, hints.open_world))
}

/// A prompt in `prompts/list`.
pub(crate) fn prompt(spec: &PromptSpec) -> model::Prompt {
    let arguments = spec.arguments.iter().map(prompt_argument).collect();
    let mut prompt = model::Prompt::new(spec.name.clone(), spec.description.clone(), Some(arguments));
    prompt.title.clone_from(&spec.title);
    prompt
}

fn prompt_argument(argument: &PromptArgument) -> model::PromptArgument {
    let mut converted = model::PromptArgument::new(argument.name.clone()).with_required(argument.required);
    converted.title.clone_from(&argument.title);
    converted.description.clone_from(&argument.description);
    converted
}

/// A resource in `resources/list`, or a link to one in a result.
pub(crate) fn resource(link: ResourceLink) -> model::Resource {
    let mut resource = model::Resource::new(link.uri, link.name);
    resource.title = link.title;
    resource.description = link.description;
    resource.mime_type = link.mime_type;
    resource.size = link.size;
    resource
}

/// A template in `resources/templates/list`.
pub(crate) fn template(spec: &ResourceTemplate) -> model::ResourceTemplate {
    let mut template = model::ResourceTemplate::new(spec.uri_template.clone(), spec.name.clone());
    template.title.clone_from(&spec.title);
    template.description.clone_from(&spec.description);
    template.mime_type.clone_from(&spec.mime_type);
    template
}
