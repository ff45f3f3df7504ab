//! The list of tools, and who answers each.

use portcullis_plugin::{Context, Failure, Outcome, Tool};
use serde_json::json;

use crate::{asking, contents, rounds, talking};

/// Tools without arguments: name and description.
const PLAIN: [(&str, &str); 24] = [
    ("test_simple_text", "Returns simple text content"),
    ("test_image_content", "Returns image content"),
    ("test_audio_content", "Returns audio content"),
    ("test_embedded_resource", "Returns embedded resource content"),
    ("test_multiple_content_types", "Returns multiple content types"),
    ("test_error_handling", "Always returns an error"),
    ("test_tool_with_logging", "Sends three log notifications"),
    ("test_logging_tool", "Sends a log notification"),
    ("test_tool_with_progress", "Reports progress three times"),
    ("test_reconnection", "Returns text; the suite closes the stream meanwhile"),
    ("test_trigger_tool_change", "Says that the list of tools changed"),
    ("test_trigger_prompt_change", "Says that the list of prompts changed"),
    ("test_missing_capability", "Needs sampling, whether the client has it or not"),
    ("test_streaming_elicitation", "Reports progress, then asks the user"),
    ("test_elicitation_sep1034_defaults", "Asks with default values of every primitive type (SEP-1034)"),
    ("test_elicitation_sep1330_enums", "Asks with all enum variants (SEP-1330)"),
    ("test_input_required_result_elicitation", "Asks the user for a name"),
    ("test_input_required_result_sampling", "Asks the client's model for a capital"),
    ("test_input_required_result_list_roots", "Asks for the client's roots"),
    ("test_input_required_result_request_state", "Asks, and wants its state back"),
    ("test_input_required_result_tampered_state", "Asks, and wants its state back untouched"),
    ("test_input_required_result_multiple_inputs", "Asks three questions at once"),
    ("test_input_required_result_multi_round", "Asks twice, one after the other"),
    ("test_input_required_result_capabilities", "Asks whatever the client can answer"),
];

/// All tools.
pub(crate) fn all() -> Vec<Tool> {
    let plain = PLAIN.iter().map(|(name, description)| Tool::new(*name, *description));
    plain
        .chain([custom_header(), json_schema(), with_text("test_sampling", "prompt"), with_text("test_elicitation", "message")])
        .collect()
}

/// A tool with one required text.
fn with_text(name: &str, argument: &str) -> Tool {
    let schema = json!({
        "type": "object",
        "properties": {argument: {"type": "string", "description": "What to ask"}},
        "required": [argument],
    });
    Tool::new(name, "Asks what its argument says").input(schema)
}

/// SEP-2243: an argument that the client repeats in the header `Mcp-Param-Region`. Must succeed without it, too.
fn custom_header() -> Tool {
    let region = json!({"type": "string", "description": "Where", "x-mcp-header": "Region"});
    Tool::new("custom_header_tool", "Has an argument that is also a header")
        .input(json!({"type": "object", "properties": {"region": region}}))
}

/// SEP-1613 and SEP-2106: every keyword must survive the way to the client.
fn json_schema() -> Tool {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {"address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }},
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": false,
    });
    Tool::new("json_schema_2020_12_tool", "Tool with JSON Schema 2020-12 features").input(schema)
}

/// One call.
pub(crate) fn call(ctx: &Context, name: &str, arguments: &str) -> Result<Outcome, Failure> {
    if let Some(rest) = name.strip_prefix("test_input_required_result_") {
        return rounds::call(ctx, rest).unwrap_or_else(|| Err(Failure::unknown_tool(name)));
    }
    if let Some(output) = contents::call(name).or_else(|| talking::call(name)) {
        return Ok(output.into());
    }
    asking::call(ctx, name, arguments).unwrap_or_else(|| Err(Failure::unknown_tool(name)))
}

#[cfg(test)]
mod tests {
    use portcullis_plugin::Context;

    use super::{all, call};

    #[test]
    fn every_listed_tool_is_answered() {
        for tool in all() {
            let failure = call(&Context::default(), &tool.name, r#"{"prompt":"p","message":"m"}"#).err();
            assert_eq!(failure, None, "{}", tool.name);
        }
    }

    #[test]
    fn a_tool_that_is_not_listed_is_unknown() {
        let failure = call(&Context::default(), "test_input_required_result_nothing", "{}").err();
        assert!(failure.is_some_and(|failure| failure.code == "unknown-tool"));
    }
}
