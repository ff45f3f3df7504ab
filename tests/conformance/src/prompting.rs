//! The suite's prompts.

use portcullis_plugin::prompts::{Expansion, Message, Outcome, Prompt};
use portcullis_plugin::{Content, Context, Failure, InputRequired, Prompts, ResourceContents};

use crate::contents::PNG;
use crate::{Conformance, rounds};

impl Prompts for Conformance {
    fn prompts() -> Vec<Prompt> {
        vec![
            Prompt::new("test_simple_prompt", "A simple prompt without arguments"),
            Prompt::new("test_prompt_with_arguments", "A prompt with two arguments")
                .required("arg1", "First test argument")
                .required("arg2", "Second test argument"),
            Prompt::new("test_prompt_with_embedded_resource", "A prompt that embeds a resource")
                .required("resourceUri", "URI of the resource to embed"),
            Prompt::new("test_prompt_with_image", "A prompt with an image"),
            Prompt::new("test_input_required_result_prompt", "A prompt that asks the user first"),
        ]
    }

    fn get(ctx: &Context, name: &str, arguments: &[(String, String)]) -> Result<Outcome, Failure> {
        let argument = |wanted: &str| arguments.iter().find(|(key, _)| key == wanted).map_or("", |(_, value)| value);
        Ok(match name {
            "test_simple_prompt" => Expansion::user("This is a simple prompt for testing.").into(),
            "test_prompt_with_arguments" => {
                let text = ["Prompt with arguments: arg1='", argument("arg1"), "', arg2='", argument("arg2"), "'"].concat();
                Expansion::user(text).into()
            }
            "test_prompt_with_embedded_resource" => embedded(argument("resourceUri")).into(),
            "test_prompt_with_image" => image().into(),
            "test_input_required_result_prompt" => asking(ctx),
            unknown => return Err(Failure::unknown_prompt(unknown)),
        })
    }
}

fn embedded(uri: &str) -> Expansion {
    let resource = ResourceContents::text(uri, "text/plain", "Embedded resource content for testing.");
    of([Content::EmbeddedResource(resource), Content::Text("Please process the embedded resource above.".to_owned())])
}

fn image() -> Expansion {
    of([Content::image(PNG, "image/png"), Content::Text("Please analyze the image above.".to_owned())])
}

fn of(contents: [Content; 2]) -> Expansion {
    Expansion { description: None, messages: contents.into_iter().map(Message::user).collect() }
}

fn asking(ctx: &Context) -> Outcome {
    match rounds::filled(ctx, "user_context", "context") {
        Some(context) => Expansion::user(["The context is: ", &context].concat()).into(),
        None => {
            let question = rounds::form("user_context", "What context should the prompt use?", "context", "string");
            InputRequired { questions: vec![question], state: None }.into()
        }
    }
}
