//! The names that a snapshot's plugins offer, each owned by exactly one plugin.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::finding::Finding;
use crate::ports::Plugin;
use crate::prompt::PromptSpec;
use crate::resource::{ResourceTemplate, template_matches};
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
    /// Joins plugins, ordered by name. One that offers a name which an earlier one owns is left out whole, with a finding: nothing is ever
    /// shadowed.
    #[must_use]
    pub fn build(mut plugins: Vec<Arc<dyn Plugin>>) -> (Self, Vec<Finding>) {
        plugins.sort_by(|a, b| a.descriptor().manifest.name.cmp(&b.descriptor().manifest.name));
        let mut catalogue = Self::default();
        let findings = plugins.into_iter().filter_map(|plugin| catalogue.add(plugin).err()).collect();
        (catalogue, findings)
    }

    fn add(&mut self, plugin: Arc<dyn Plugin>) -> Result<(), Finding> {
        let descriptor = plugin.descriptor();
        let name = &descriptor.manifest.name;
        let tools = descriptor.tools.iter().map(|tool| ("tool", &self.tools, &tool.name));
        let prompts = descriptor.prompts.iter().map(|prompt| ("prompt", &self.prompts, &prompt.name));
        if let Some((kind, slots, taken)) = tools.chain(prompts).find(|(_, slots, one)| slots.contains_key(*one)) {
            let owner = slots
                .get(taken)
                .and_then(|&(owner, _)| self.plugins.get(owner))
                .map(|owner| owner.descriptor().manifest.name.clone());
            return Err(Finding::error(
                format!("plugin {name}"),
                format!("offers the {kind} `{taken}`, which plugin `{}` already offers", owner.unwrap_or_default()),
            )
            .hint(format!("disable one of the two: set `plugins.{name}.enabled: false`")));
        }
        let slot = self.plugins.len();
        self.tools.extend(descriptor.tools.iter().enumerate().map(|(index, tool)| (tool.name.clone(), (slot, index))));
        self.prompts.extend(descriptor.prompts.iter().enumerate().map(|(index, prompt)| (prompt.name.clone(), (slot, index))));
        self.plugins.push(plugin);
        Ok(())
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

impl std::fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Catalogue").field("tools", &self.tools.keys()).field("prompts", &self.prompts.keys()).finish()
    }
}
