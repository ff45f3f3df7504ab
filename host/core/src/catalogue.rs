//! The names that a snapshot's plugins offer, each owned by exactly one plugin.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::finding::Finding;
use crate::ports::Plugin;
use crate::prompt::PromptSpec;
use crate::resource::{ResourceTemplate, template_matches, templates_overlap};
use crate::tool::ToolSpec;

/// Where a name lives: plugin, then position in its list.
type Slots = BTreeMap<String, (usize, usize)>;

/// Names to plugins. Iteration is by name, hence the same on every replica.
#[derive(Default)]
pub struct Catalogue {
    plugins: Vec<Arc<dyn Plugin>>,
    tools: Slots,
    prompts: Slots,
}

impl Catalogue {
    /// Joins plugins. One that offers a name which another owns, or a template that overlaps one of another's, is left out whole, with a
    /// finding: nothing is ever shadowed. Who `serves` now, by name, comes first and cannot be displaced by a newcomer; then names decide.
    #[must_use]
    pub fn build(mut plugins: Vec<Arc<dyn Plugin>>, serves: impl Fn(&str) -> bool) -> (Self, Vec<Finding>) {
        plugins.sort_by_cached_key(|plugin| (!serves(name(plugin)), name(plugin).to_owned()));
        let (mut accepted, mut findings) = (Vec::<Arc<dyn Plugin>>::new(), Vec::new());
        for plugin in plugins {
            match accepted.iter().find_map(|owner| shared_offer(owner, &plugin).map(|shared| (owner, shared))) {
                Some((owner, shared)) => findings.push(conflict(name(&plugin), name(owner), &shared)),
                None => accepted.push(plugin),
            }
        }
        accepted.sort_by(|a, b| name(a).cmp(name(b)));
        (Self::of(accepted), findings)
    }

    /// Of plugins that share nothing.
    fn of(plugins: Vec<Arc<dyn Plugin>>) -> Self {
        let mut catalogue = Self::default();
        for (slot, plugin) in plugins.iter().enumerate() {
            let descriptor = plugin.descriptor();
            let tools = descriptor.tools.iter().enumerate().map(|(index, tool)| (tool.name.clone(), (slot, index)));
            let prompts = descriptor.prompts.iter().enumerate().map(|(index, prompt)| (prompt.name.clone(), (slot, index)));
            catalogue.tools.extend(tools);
            catalogue.prompts.extend(prompts);
        }
        Self { plugins, ..catalogue }
    }

    /// All plugins, by name.
    #[must_use]
    pub fn plugins(&self) -> &[Arc<dyn Plugin>] {
        &self.plugins
    }

    /// The plugin that offers a tool, and the tool.
    #[must_use]
    pub fn tool(&self, name: &str) -> Option<(&Arc<dyn Plugin>, &ToolSpec)> {
        let &(slot, index) = self.tools.get(name)?;
        let plugin = self.plugins.get(slot)?;
        Some((plugin, plugin.descriptor().tools.get(index)?))
    }

    /// The plugin that leaves a tool out of its list, and why. Nobody's, if some plugin offers a tool of this name.
    #[must_use]
    pub fn withheld(&self, name: &str) -> Option<(&Arc<dyn Plugin>, &str)> {
        if self.tools.contains_key(name) {
            return None;
        }
        self.plugins.iter().find_map(|plugin| Some((plugin, plugin.descriptor().withheld.get(name)?.as_str())))
    }

    /// The plugin that offers a prompt, and the prompt.
    #[must_use]
    pub fn prompt(&self, name: &str) -> Option<(&Arc<dyn Plugin>, &PromptSpec)> {
        let &(slot, index) = self.prompts.get(name)?;
        let plugin = self.plugins.get(slot)?;
        Some((plugin, plugin.descriptor().prompts.get(index)?))
    }

    /// All tools by name.
    pub fn tools(&self) -> impl Iterator<Item = &ToolSpec> {
        self.tools.keys().filter_map(|name| self.tool(name)).map(|(_, tool)| tool)
    }

    /// All prompts by name.
    pub fn prompts(&self) -> impl Iterator<Item = &PromptSpec> {
        self.prompts.keys().filter_map(|name| self.prompt(name)).map(|(_, prompt)| prompt)
    }

    /// All templates, by plugin and then in the plugin's order.
    pub fn templates(&self) -> impl Iterator<Item = (&Arc<dyn Plugin>, &ResourceTemplate)> {
        self.plugins.iter().flat_map(|plugin| plugin.descriptor().templates.iter().map(move |template| (plugin, template)))
    }

    /// The plugin one of whose templates can produce `uri`.
    #[must_use]
    pub fn template_owner(&self, uri: &str) -> Option<&Arc<dyn Plugin>> {
        self.templates().find(|(_, template)| template_matches(&template.uri_template, uri)).map(|(plugin, _)| plugin)
    }
}

fn name(plugin: &Arc<dyn Plugin>) -> &str {
    &plugin.descriptor().manifest.name
}

/// What both offer, if anything, in words.
fn shared_offer(owner: &Arc<dyn Plugin>, newcomer: &Arc<dyn Plugin>) -> Option<String> {
    let (owner, newcomer) = (owner.descriptor(), newcomer.descriptor());
    let tools: BTreeSet<&str> = owner.tools.iter().map(|tool| tool.name.as_str()).collect();
    let prompts: BTreeSet<&str> = owner.prompts.iter().map(|prompt| prompt.name.as_str()).collect();
    let tool = newcomer.tools.iter().find(|tool| tools.contains(tool.name.as_str())).map(|tool| format!("tool `{}`", tool.name));
    let prompt =
        || newcomer.prompts.iter().find(|it| prompts.contains(it.name.as_str())).map(|it| format!("prompt `{}`", it.name));
    let template = || {
        let overlaps =
            |one: &&ResourceTemplate| owner.templates.iter().any(|it| templates_overlap(&it.uri_template, &one.uri_template));
        newcomer.templates.iter().find(overlaps).map(|it| format!("resource template `{}`", it.uri_template))
    };
    tool.or_else(prompt).or_else(template)
}

fn conflict(newcomer: &str, owner: &str, shared: &str) -> Finding {
    let already = if shared.starts_with("resource") { "which overlaps what" } else { "which" };
    Finding::error(format!("plugin {newcomer}"), format!("offers the {shared}, {already} plugin `{owner}` already offers"))
        .hint(format!("disable one of the two: set `plugins.{newcomer}.enabled: false`"))
}

impl std::fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Catalogue").field("tools", &self.tools.keys()).field("prompts", &self.prompts.keys()).finish()
    }
}

#[cfg(test)]
#[path = "catalogue_tests.rs"]
mod tests;
