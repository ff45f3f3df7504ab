//! Optional export `resources`: what clients read by URI.

pub use crate::bindings::resources::exports::portcullis::tool::resources::{Outcome, Page, Template};

use crate::bindings::resources::exports::portcullis::tool::resources::Guest;
use crate::{Context, Failure, InputRequired, ResourceContents, ResourceLink};

/// A plugin with resources: `export!(MyPlugin with resources)`.
pub trait Resources {
    /// The URI templates on offer. Called once per load. A plugin serves a URI if a template matches it or its first page lists it.
    fn templates() -> Vec<Template>;

    /// One page for this caller; `cursor` is the `next` of the page before.
    ///
    /// # Errors
    /// [`Failure`], if the page cannot be had.
    fn list(ctx: &Context, cursor: Option<&str>) -> Result<Page, Failure>;

    /// Reads one.
    ///
    /// # Errors
    /// [`Failure::unknown_resource`] for a URI that does not exist, never an empty list.
    fn read(ctx: &Context, uri: &str) -> Result<Outcome, Failure>;
}

impl<T: Resources> Guest for T {
    fn templates() -> Vec<Template> {
        <T as Resources>::templates()
    }

    fn list(ctx: Context, cursor: Option<String>) -> Result<Page, Failure> {
        <T as Resources>::list(&ctx, cursor.as_deref())
    }

    fn read(ctx: Context, uri: String) -> Result<Outcome, Failure> {
        <T as Resources>::read(&ctx, &uri)
    }
}

#[doc(hidden)]
pub const fn check<T: Resources>() {}

impl Template {
    /// A template of RFC 6570 level 1, e.g. `cnpg://{namespace}/clusters/{name}`.
    pub fn new(uri_template: impl Into<String>, name: impl Into<String>) -> Self {
        Self { uri_template: uri_template.into(), name: name.into(), title: None, description: None, mime_type: None }
    }

    /// The name that people see.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// What it holds, for the model.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// The media type that all its resources have.
    #[must_use]
    pub fn mime_type(mut self, mime_type: impl Into<String>) -> Self {
        self.mime_type = Some(mime_type.into());
        self
    }
}

impl ResourceLink {
    /// A pointer to a resource.
    pub fn new(uri: impl Into<String>, name: impl Into<String>) -> Self {
        Self { uri: uri.into(), name: name.into(), title: None, description: None, mime_type: None, size: None }
    }

    /// The name that people see.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// What it holds, for the model.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Its media type.
    #[must_use]
    pub fn mime_type(mut self, mime_type: impl Into<String>) -> Self {
        self.mime_type = Some(mime_type.into());
        self
    }
}

impl Page {
    /// The last page.
    #[must_use]
    pub fn last(resources: Vec<ResourceLink>) -> Self {
        Self { resources, next: None }
    }
}

impl From<Vec<ResourceContents>> for Outcome {
    fn from(contents: Vec<ResourceContents>) -> Self {
        Self::Complete(contents)
    }
}

impl From<ResourceContents> for Outcome {
    fn from(contents: ResourceContents) -> Self {
        Self::Complete(vec![contents])
    }
}

impl From<InputRequired> for Outcome {
    fn from(required: InputRequired) -> Self {
        Self::InputRequired(required)
    }
}
