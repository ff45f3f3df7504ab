//! What a plugin offers, from WIT to core's specs: names checked, schemas compiled. What is wrong is told by name, for a finding.

use std::collections::BTreeSet;

use portcullis_core::prompt::{PromptArgument, PromptSpec};
use portcullis_core::resource::{ResourceTemplate, check_template};
use portcullis_core::schema::Schema;
use portcullis_core::tool::{Annotations, NAME_MAX, SCOPES_MAX, ToolSpec, is_scope, is_valid_name};

use crate::bindings::{prompt, resource, types};

/// Most tools, prompts or templates of one plugin: more than any client shows.
const OFFERS_MAX: usize = 1_000;

/// All tools, in the plugin's order; or everything that is wrong with them.
pub(crate) fn tools(tools: Vec<types::Tool>) -> Result<Vec<ToolSpec>, Vec<String>> {
    distinct("tool", tools.iter().map(|tool| tool.name.as_str()))?;
    collect(tools.into_iter().map(tool))
}

/// All prompts, in the plugin's order; or everything that is wrong with them.
pub(crate) fn prompts(prompts: Vec<prompt::Prompt>) -> Result<Vec<PromptSpec>, Vec<String>> {
    distinct("prompt", prompts.iter().map(|prompt| prompt.name.as_str()))?;
    Ok(prompts.into_iter().map(prompt_spec).collect())
}

/// All templates, in the plugin's order; or everything that is wrong with them.
pub(crate) fn templates(templates: Vec<resource::Template>) -> Result<Vec<ResourceTemplate>, Vec<String>> {
    if templates.len() > OFFERS_MAX {
        return Err(vec![format!("offers {} templates; at most {OFFERS_MAX} are allowed", templates.len())]);
    }
    collect(templates.into_iter().map(template))
}

fn collect<T>(results: impl Iterator<Item = Result<T, String>>) -> Result<Vec<T>, Vec<String>> {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    results.for_each(|result| match result {
        Ok(one) => good.push(one),
        Err(one) => bad.push(one),
    });
    if bad.is_empty() { Ok(good) } else { Err(bad) }
}

fn distinct<'a>(kind: &str, names: impl ExactSizeIterator<Item = &'a str>) -> Result<(), Vec<String>> {
    if names.len() > OFFERS_MAX {
        return Err(vec![format!("offers {} {kind}s; at most {OFFERS_MAX} are allowed", names.len())]);
    }
    let (mut seen, mut bad) = (BTreeSet::new(), Vec::new());
    for name in names {
        if !is_valid_name(name) {
            bad.push(format!("{kind} name `{}` does not match [A-Za-z0-9_.-]{{1,{NAME_MAX}}}", name.escape_default()));
        } else if !seen.insert(name) {
            bad.push(format!("offers the {kind} `{name}` twice"));
        }
    }
    if bad.is_empty() { Ok(()) } else { Err(bad) }
}

fn tool(tool: types::Tool) -> Result<ToolSpec, String> {
    if tool.scopes.len() > SCOPES_MAX {
        return Err(format!("tool `{}` needs {} OAuth scopes; at most {SCOPES_MAX} are allowed", tool.name, tool.scopes.len()));
    }
    if let Some(bad) = tool.scopes.iter().find(|scope| !is_scope(scope)) {
        return Err(format!("tool `{}` needs `{}`, which is no OAuth scope (RFC 6749 §3.3)", tool.name, bad.escape_default()));
    }
    let schema =
        |which: &str, text: &str| Schema::object(text).map_err(|error| format!("tool `{}`: {which}: {error}", tool.name));
    let input_schema = schema("input-schema", &tool.input_schema)?;
    let output_schema = tool.output_schema.as_deref().map(|text| schema("output-schema", text)).transpose()?;
    Ok(ToolSpec {
        title: tool.title,
        description: tool.description,
        input_schema,
        output_schema,
        annotations: Annotations {
            read_only: tool.annotations.read_only,
            destructive: tool.annotations.destructive,
            idempotent: tool.annotations.idempotent,
            open_world: tool.annotations.open_world,
        },
        scopes: tool.scopes,
        name: tool.name,
    })
}

fn prompt_spec(prompt: prompt::Prompt) -> PromptSpec {
    let argument = |one: prompt::Argument| PromptArgument {
        name: one.name,
        title: one.title,
        description: one.description,
        required: one.required,
    };
    PromptSpec {
        name: prompt.name,
        title: prompt.title,
        description: prompt.description,
        arguments: prompt.arguments.into_iter().map(argument).collect(),
    }
}

fn template(template: resource::Template) -> Result<ResourceTemplate, String> {
    let text = &template.uri_template;
    check_template(text).map_err(|reason| format!("resource template `{}` {reason}", text.escape_default()))?;
    Ok(ResourceTemplate {
        uri_template: template.uri_template,
        name: template.name,
        title: template.title,
        description: template.description,
        mime_type: template.mime_type,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::{templates, tools};
    use crate::bindings::resource::Template;
    use crate::bindings::types::{Annotations, Tool};

    fn tool(name: &str, schema: &str) -> Tool {
        let annotations = Annotations { read_only: None, destructive: None, idempotent: None, open_world: None };
        Tool {
            name: name.into(),
            title: None,
            description: String::new(),
            input_schema: schema.into(),
            output_schema: None,
            annotations,
            scopes: vec![],
        }
    }

    #[test]
    fn every_bad_schema_is_named() {
        let findings = tools(vec![tool("a", "{"), tool("b", r#"{"type":"object"}"#), tool("c", "[]")]).unwrap_err();
        assert_eq!(findings.len(), 2);
        assert!(findings.iter().zip(["`a`", "`c`"]).all(|(finding, name)| finding.contains(name)), "{findings:?}");
    }

    #[test]
    fn scopes_of_a_tool_are_few_and_fit_into_a_challenge() {
        let scoped = |scopes: &[&str]| {
            let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
            tools(vec![Tool { scopes, ..tool("a", r#"{"type":"object"}"#) }])
        };
        assert_eq!(scoped(&["databases:write"]).unwrap()[0].scopes, ["databases:write"]);
        for bad in [&["a b"][..], &["a\"b"], &[""], &["\r\nX: y"], &["a"; 17]] {
            assert!(scoped(bad).unwrap_err().iter().any(|finding| finding.contains("OAuth scope")), "{bad:?}");
        }
    }

    #[test]
    fn a_template_with_two_variables_in_one_segment_is_refused_by_name() {
        let template =
            |uri: &str| Template { uri_template: uri.into(), name: "t".into(), title: None, description: None, mime_type: None };
        let findings = templates(vec![template("a://{x}/{y}"), template("b://{x}{y}{z}/end")]).unwrap_err();
        assert!(matches!(findings.as_slice(), [one] if one.contains("b://") && one.contains("put a `/`")), "{findings:?}");
    }

    #[test]
    fn names_are_valid_and_distinct() {
        let object = r#"{"type":"object"}"#;
        assert!(tools(vec![tool("a b", object)]).is_err());
        assert!(tools(vec![tool("", object)]).is_err());
        assert!(tools(vec![tool("a", object), tool("a", object)]).is_err());
        assert_eq!(tools(vec![tool("a", object), tool("b", object)]).unwrap().len(), 2);
    }
}
