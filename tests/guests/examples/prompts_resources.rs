//! Every optional export at once: prompts, resources, subscriptions and completions. The reference for the frozen ABI.

use portcullis_plugin::completions::{Completion, Completions, Reference};
use portcullis_plugin::prompts::{self, Expansion, Prompt, Prompts};
use portcullis_plugin::resources::{self, Page, Resources, Template};
use portcullis_plugin::subscriptions::Subscriptions;
use portcullis_plugin::{Context, Failure, Outcome, Output, Plugin, ResourceContents, ResourceLink, Tool, notifications};

const NAMES: [&str; 3] = ["alpha", "alto", "beta"];

struct Library;

impl Plugin for Library {
    fn tools() -> Vec<Tool> {
        vec![Tool::new("library_names", "Names of the notes.").read_only()]
    }

    fn call(_: &Context, name: &str, _: &str) -> Result<Outcome, Failure> {
        if name == "library_names" { Ok(Output::text(NAMES.join(" ")).into()) } else { Err(Failure::unknown_tool(name)) }
    }
}

impl Prompts for Library {
    fn prompts() -> Vec<Prompt> {
        vec![
            Prompt::new("summarize", "Summarises a note.")
                .required("note", "Name of the note.")
                .optional("tone", "How it sounds."),
        ]
    }

    fn get(_: &Context, name: &str, arguments: &[(String, String)]) -> Result<prompts::Outcome, Failure> {
        if name != "summarize" {
            return Err(Failure::unknown_prompt(name));
        }
        let note = arguments.iter().find(|(key, _)| key == "note").map_or("", |(_, value)| value);
        Ok(Expansion::user(["Summarise the note ", note].concat()).into())
    }
}

impl Resources for Library {
    fn templates() -> Vec<Template> {
        vec![Template::new("note://{name}", "note").mime_type("text/plain")]
    }

    fn list(_: &Context, cursor: Option<&str>) -> Result<Page, Failure> {
        let (names, next) = if cursor.is_none() { (&NAMES[..2], Some("2".to_owned())) } else { (&NAMES[2..], None) };
        let resources = names.iter().map(|name| ResourceLink::new(["note://", name].concat(), *name).mime_type("text/plain"));
        Ok(Page { resources: resources.collect(), next })
    }

    fn read(_: &Context, uri: &str) -> Result<resources::Outcome, Failure> {
        let known = uri.strip_prefix("note://").filter(|name| NAMES.contains(name));
        let name = known.ok_or_else(|| Failure::unknown_resource(uri))?;
        Ok(ResourceContents::text(uri, "text/plain", ["note ", name].concat()).into())
    }
}

impl Subscriptions for Library {
    fn watch(_: &Context, uri: &str) -> Result<(), Failure> {
        notifications::resource_updated(uri);
        Ok(())
    }
}

impl Completions for Library {
    fn complete(_: &Context, _: &Reference, _: &str, value: &str, _: &[(String, String)]) -> Result<Completion, Failure> {
        Ok(Completion::prefixed(NAMES, value))
    }
}

portcullis_plugin::manifest!(
    "name: library\nversion: 0.1.0\ndescription: Three notes with every optional export.\nrequests:\n  notifications: true\n"
);
portcullis_plugin::export!(Library with prompts, resources, subscriptions, completions);
