//! The optional exports: resources, their subscriptions, prompts and completions, between the SDK's nouns and this plugin's modules.

use portcullis_plugin::completions::{Completion, Completions, Reference};
use portcullis_plugin::prompts::{self, Expansion, Message, Prompt, Prompts};
use portcullis_plugin::resources::{self, Page, Resources, Template};
use portcullis_plugin::subscriptions::Subscriptions;
use portcullis_plugin::{Content, Context, Failure, ResourceContents, ResourceLink, config, notifications};

use super::{Cnpg, with_call};
use crate::call::Call;
use crate::problem::Problem;
use crate::prompts::{ALL, Runbook, find};
use crate::uri::{self, Uri, View};

/// A call for what is no tool: a problem is a failure.
fn attempt<T>(ctx: &Context, work: impl FnOnce(&Call<'_>) -> Result<T, Problem>) -> Result<T, Failure> {
    with_call(ctx, config::read()?, work)?.map_err(|problem| failure(&problem))
}

fn failure(problem: &Problem) -> Failure {
    let code = match problem.code {
        404 => "unknown-resource",
        403 => "denied",
        _ => "unavailable",
    };
    Failure { retry_after_ms: problem.retry_after_ms, ..Failure::new(code, problem.markdown()) }
}

fn known(uri: &str) -> Result<Uri<'_>, Failure> {
    Uri::parse(uri).ok_or_else(|| Failure::unknown_resource(uri))
}

impl Resources for Cnpg {
    fn templates() -> Vec<Template> {
        let template = |uri, name, view| Template::new(uri, name).mime_type(crate::resources::media_type(view));
        vec![
            template(uri::STATUS, "cluster", View::Status).title("PostgreSQL cluster").description(
                "State of a PostgreSQL cluster, as get_cluster_status tells it. Changes are announced to subscribers.",
            ),
            template(uri::MANIFEST, "cluster_manifest", View::Manifest)
                .title("Manifest of a PostgreSQL cluster")
                .description("The Cluster object as YAML to read or commit, without what only the API server writes."),
        ]
    }

    fn list(ctx: &Context, cursor: Option<&str>) -> Result<Page, Failure> {
        let page = attempt(ctx, |call| crate::resources::page(call, cursor))?;
        let link = |(namespace, name): (String, String)| {
            ResourceLink::new(Uri::status(&namespace, &name), format!("{namespace}/{name}"))
                .title(format!("PostgreSQL cluster {name}"))
                .mime_type(crate::resources::media_type(View::Status))
        };
        Ok(Page { resources: page.clusters.into_iter().map(link).collect(), next: page.next })
    }

    fn read(ctx: &Context, uri: &str) -> Result<resources::Outcome, Failure> {
        let place = known(uri)?;
        let text = attempt(ctx, |call| crate::resources::read(call, &place))?;
        Ok(ResourceContents::text(uri, crate::resources::media_type(place.view), text).into())
    }
}

impl Subscriptions for Cnpg {
    fn watch(ctx: &Context, uri: &str) -> Result<(), Failure> {
        let place = known(uri)?;
        attempt(ctx, |call| crate::resources::follow(call, &place, &mut || notifications::resource_updated(uri)))
    }
}

impl Prompts for Cnpg {
    fn prompts() -> Vec<Prompt> {
        ALL.iter().map(describe).collect()
    }

    fn get(ctx: &Context, name: &str, arguments: &[(String, String)]) -> Result<prompts::Outcome, Failure> {
        let runbook = find(name).ok_or_else(|| Failure::unknown_prompt(name))?;
        let filled = with_call(ctx, config::read()?, |call| runbook.fill(call, arguments))?;
        let mut expansion = Expansion::user(filled.text);
        expansion.description = Some(runbook.description.into());
        if let Some((uri, state)) = filled.state {
            let contents = ResourceContents::text(uri, crate::resources::media_type(View::Status), state);
            expansion = expansion.and(Message::user(Content::EmbeddedResource(contents)));
        }
        Ok(expansion.into())
    }
}

fn describe(runbook: &Runbook) -> Prompt {
    let prompt = Prompt::new(runbook.name, runbook.description).title(runbook.title);
    runbook.arguments.iter().fold(prompt, |prompt, one| {
        if one.required { prompt.required(one.name, one.description) } else { prompt.optional(one.name, one.description) }
    })
}

impl Completions for Cnpg {
    fn complete(
        ctx: &Context,
        _target: &Reference,
        argument: &str,
        value: &str,
        known: &[(String, String)],
    ) -> Result<Completion, Failure> {
        let values = attempt(ctx, |call| crate::completions::values(call, argument, known))?;
        Ok(Completion::prefixed(values.iter().map(String::as_str), value))
    }
}
