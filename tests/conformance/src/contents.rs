//! Tools that answer at once, each with another kind of content.

use portcullis_plugin::{Content, Output, ResourceContents};

/// One red pixel.
pub(crate) const PNG: &[u8] = include_bytes!("../assets/red.png");
/// A millisecond of silence.
const WAV: &[u8] = include_bytes!("../assets/silence.wav");

/// The answer, if the tool is one of these.
pub(crate) fn call(name: &str) -> Option<Output> {
    Some(match name {
        "test_simple_text" => Output::text("This is a simple text response for testing."),
        "test_image_content" => Output::new().with(Content::image(PNG, "image/png")),
        "test_audio_content" => Output::new().with(Content::audio(WAV, "audio/wav")),
        "test_embedded_resource" => Output::new().with(embedded()),
        "test_multiple_content_types" => {
            Output::text("Multiple content types test:").with(Content::image(PNG, "image/png")).with(mixed())
        }
        "test_error_handling" => Output::error("This tool intentionally returns an error for testing"),
        "test_reconnection" => Output::text("Reconnection test completed"),
        "custom_header_tool" => Output::text("The header and the argument agree."),
        "json_schema_2020_12_tool" => Output::text("The arguments match the schema."),
        _ => return None,
    })
}

fn embedded() -> Content {
    let text = "This is an embedded resource content.";
    Content::EmbeddedResource(ResourceContents::text("test://embedded-resource", "text/plain", text))
}

fn mixed() -> Content {
    let json = r#"{"test":"data","value":123}"#;
    Content::EmbeddedResource(ResourceContents::text("test://mixed-content-resource", "application/json", json))
}
