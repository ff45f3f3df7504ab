//! Who owns a name when several plugins offer it.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Catalogue;
use crate::call::{CallContext, CallError, Outcome};
use crate::completion::{Completion, CompletionRequest};
use crate::content::{ResourceContents, ToolOutput};
use crate::grant::Grants;
use crate::manifest::Manifest;
use crate::plugin::{Descriptor, Digest, Exports};
use crate::policy::Permit;
use crate::ports::{BoxFuture, Plugin};
use crate::prompt::Expansion;
use crate::resource::{ResourcePage, ResourceTemplate};
use crate::schema::Schema;
use crate::tool::{Annotations, ToolSpec};

/// Offers one tool and one template, and does nothing.
struct Fake(Descriptor, Grants);

fn nothing<T>() -> Result<T, CallError> {
    Err(CallError::Host { request_id: String::new() })
}

impl Plugin for Fake {
    fn descriptor(&self) -> &Descriptor {
        &self.0
    }
    fn grants(&self) -> &Grants {
        &self.1
    }
    fn call_tool<'a>(&'a self, _: Permit, _: CallContext, _: String) -> BoxFuture<'a, Result<Outcome<ToolOutput>, CallError>> {
        Box::pin(async { nothing() })
    }
    fn get_prompt<'a>(
        &'a self,
        _: Permit,
        _: CallContext,
        _: Vec<(String, String)>,
    ) -> BoxFuture<'a, Result<Outcome<Expansion>, CallError>> {
        Box::pin(async { nothing() })
    }
    fn list_resources<'a>(&'a self, _: CallContext, _: Option<String>) -> BoxFuture<'a, Result<ResourcePage, CallError>> {
        Box::pin(async { nothing() })
    }
    fn read_resource<'a>(
        &'a self,
        _: Permit,
        _: CallContext,
    ) -> BoxFuture<'a, Result<Outcome<Vec<ResourceContents>>, CallError>> {
        Box::pin(async { nothing() })
    }
    fn watch_resource<'a>(&'a self, _: Permit, _: CallContext) -> BoxFuture<'a, Result<(), CallError>> {
        Box::pin(async { nothing() })
    }
    fn complete<'a>(&'a self, _: CallContext, _: CompletionRequest) -> BoxFuture<'a, Result<Completion, CallError>> {
        Box::pin(async { nothing() })
    }
}

fn plugin(name: &str, tool: &str, template: &str) -> Arc<dyn Plugin> {
    let tool = ToolSpec {
        name: tool.to_owned(),
        title: None,
        description: String::new(),
        input_schema: Schema::object(r#"{"type":"object"}"#).unwrap(),
        output_schema: None,
        annotations: Annotations::default(),
        scopes: Vec::new(),
    };
    let template = ResourceTemplate {
        uri_template: template.to_owned(),
        name: String::new(),
        title: None,
        description: None,
        mime_type: None,
    };
    let descriptor = Descriptor {
        manifest: Manifest::parse(&format!("name: {name}\nversion: 0.1.0\ndescription: d\n")).unwrap(),
        digest: Digest::of(name.as_bytes()),
        tools: vec![tool],
        withheld: BTreeMap::from([("scale".to_owned(), format!("{name} cannot"))]),
        prompts: Vec::new(),
        templates: vec![template],
        exports: Exports::default(),
    };
    Arc::new(Fake(descriptor, Grants::default()))
}

fn names(catalogue: &Catalogue) -> Vec<&str> {
    catalogue.plugins().iter().map(|it| it.descriptor().manifest.name.as_str()).collect()
}

#[test]
fn who_serves_a_tool_keeps_it_and_the_order_is_by_name() {
    let plugins =
        || vec![plugin("cnpg", "list", "cnpg://{a}"), plugin("aaa", "list", "aaa://{a}"), plugin("bbb", "other", "bbb://{a}")];
    let (catalogue, findings) = Catalogue::build(plugins(), |name| name == "cnpg");
    assert_eq!(
        (names(&catalogue), catalogue.tool("list").unwrap().0.descriptor().manifest.name.as_str()),
        (vec!["bbb", "cnpg"], "cnpg")
    );
    assert_eq!(findings.len(), 1);
    assert_eq!(findings.first().unwrap().subject, "plugin aaa");
    let (catalogue, _) = Catalogue::build(plugins(), |_| false);
    assert_eq!(names(&catalogue), ["aaa", "bbb"], "nobody serves: names decide");
}

#[test]
fn a_template_that_overlaps_another_plugins_leaves_its_plugin_out() {
    let plugins = vec![plugin("cnpg", "list", "cnpg://{namespace}/{name}"), plugin("xyz", "other", "cnpg://prod/{name}")];
    let (catalogue, findings) = Catalogue::build(plugins, |_| false);
    assert_eq!(names(&catalogue), ["cnpg"]);
    let message = &findings.first().unwrap().message;
    assert_eq!(message, "offers the resource template `cnpg://prod/{name}`, which overlaps what plugin `cnpg` already offers");
}

#[test]
fn offering_a_tool_wins_over_withholding_it() {
    let withheld = |offered: &str| {
        let (catalogue, _) = Catalogue::build(vec![plugin("a", offered, "a://"), plugin("b", "x", "b://")], |_| false);
        catalogue.withheld("scale").map(|(_, reason)| reason.to_owned())
    };
    assert_eq!(withheld("y").as_deref(), Some("a cannot"));
    assert_eq!(withheld("scale"), None);
}
