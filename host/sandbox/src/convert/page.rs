//! Results of the optional exports, from WIT to core: expanded prompts, resources, completions.

use portcullis_core::call::Outcome;
use portcullis_core::completion::{Completion, CompletionTarget, VALUES_MAX};
use portcullis_core::content::ResourceContents;
use portcullis_core::prompt::{Expansion, PromptMessage};
use portcullis_core::resource::ResourcePage;

use super::{Breach, Scale, content, input_required};
use crate::bindings::{completion, prompt, resource};

/// What `prompts.get` returned.
pub(crate) fn expansion(outcome: prompt::Outcome, scale: &mut Scale) -> Result<Outcome<Expansion>, Breach> {
    let expansion = match outcome {
        prompt::Outcome::InputRequired(input) => return Ok(Outcome::InputRequired(input_required(input, scale)?)),
        prompt::Outcome::Complete(expansion) => expansion,
    };
    let messages = expansion.messages.into_iter().map(|one| message(one, scale)).collect::<Result<_, _>>()?;
    Ok(Outcome::Complete(Expansion { description: scale.maybe(expansion.description)?, messages }))
}

fn message(message: prompt::Message, scale: &mut Scale) -> Result<PromptMessage, Breach> {
    if !matches!(message.role.as_str(), "user" | "assistant") {
        return Err(Breach::Contract("the role of a prompt message is neither `user` nor `assistant`".into()));
    }
    Ok(PromptMessage { role: message.role, content: content::block(message.content, scale)? })
}

/// What `resources.list` returned.
pub(crate) fn page(page: resource::Page, scale: &mut Scale) -> Result<ResourcePage, Breach> {
    let resources = page.resources.into_iter().map(|one| content::link(one, scale)).collect::<Result<_, _>>()?;
    Ok(ResourcePage { resources, next: scale.maybe(page.next)? })
}

/// What `resources.read` returned.
pub(crate) fn contents(outcome: resource::Outcome, scale: &mut Scale) -> Result<Outcome<Vec<ResourceContents>>, Breach> {
    let parts = match outcome {
        resource::Outcome::InputRequired(input) => return Ok(Outcome::InputRequired(input_required(input, scale)?)),
        resource::Outcome::Complete(parts) => parts,
    };
    if parts.is_empty() {
        return Err(Breach::Contract("resources.read answered an empty list instead of the failure `unknown-resource`".into()));
    }
    Ok(Outcome::Complete(parts.into_iter().map(|one| content::contents(one, scale)).collect::<Result<_, _>>()?))
}

/// What is being completed, in the guest's terms.
pub(crate) fn reference(target: CompletionTarget) -> completion::Reference {
    let (kind, name) = match target {
        CompletionTarget::Prompt(name) => ("prompt", name),
        CompletionTarget::ResourceTemplate(template) => ("resource", template),
    };
    completion::Reference { kind: kind.to_owned(), name }
}

/// What `completions.complete` returned; a guest that found more than fits is cut, and says so.
pub(crate) fn completion(found: completion::Completion, scale: &mut Scale) -> Result<Completion, Breach> {
    let cut = found.values.len() > VALUES_MAX;
    let values = found.values.into_iter().take(VALUES_MAX).map(|value| scale.text(value)).collect::<Result<_, _>>()?;
    Ok(Completion { values, total: found.total, has_more: found.has_more || cut })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::{Scale, completion, contents, expansion};
    use crate::bindings::{completion as wit, prompt, resource, types};

    #[test]
    fn a_prompt_message_speaks_as_user_or_assistant() {
        let of = |role: &str| {
            let content = types::Content::Text("x".into());
            let messages = vec![prompt::Message { role: role.into(), content }];
            expansion(prompt::Outcome::Complete(prompt::Expansion { description: None, messages }), &mut Scale::new(100))
        };
        assert!(of("user").is_ok() && of("assistant").is_ok());
        assert!(of("system").is_err());
    }

    #[test]
    fn a_resource_without_contents_breaks_the_contract() {
        assert!(contents(resource::Outcome::Complete(vec![]), &mut Scale::new(100)).is_err());
    }

    #[test]
    fn too_many_completions_are_cut_and_there_are_more() {
        let values = (0..150).map(|n| n.to_string()).collect();
        let cut = completion(wit::Completion { values, total: None, has_more: false }, &mut Scale::new(1000)).unwrap();
        assert_eq!((cut.values.len(), cut.has_more), (100, true));
    }
}
