//! Naming what a request is about: [`Kind`] → [`Target`] → a read.

use super::{GetRequest, ListOptions, ListRequest, OBJECT, Read, Target};

/// A resource type, in the words of its URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Empty for the core group.
    pub group: &'static str,
    /// E.g. "v1".
    pub version: &'static str,
    /// Lower-case plural, e.g. "clusters".
    pub plural: &'static str,
}

impl Kind {
    /// E.g. `Kind::new("postgresql.cnpg.io", "v1", "clusters")`.
    #[must_use]
    pub const fn new(group: &'static str, version: &'static str, plural: &'static str) -> Self {
        Self { group, version, plural }
    }

    /// Over all namespaces, or a cluster-scoped kind.
    #[must_use]
    pub fn everywhere(self) -> Target {
        Target {
            group: self.group.to_owned(),
            version: self.version.to_owned(),
            plural: self.plural.to_owned(),
            namespace: None,
            name: None,
            subresource: None,
        }
    }

    /// In one namespace.
    pub fn within(self, namespace: impl Into<String>) -> Target {
        Target { namespace: Some(namespace.into()), ..self.everywhere() }
    }
}

impl Target {
    /// One object.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// E.g. "status", "scale".
    #[must_use]
    pub fn subresource(mut self, subresource: impl Into<String>) -> Self {
        self.subresource = Some(subresource.into());
        self
    }

    /// Reading it, whole.
    #[must_use]
    pub fn get(self) -> GetRequest {
        GetRequest { target: self, form: OBJECT.to_owned() }
    }

    /// Listing it, whole objects, one page of the server's choice.
    #[must_use]
    pub fn list(self) -> ListRequest {
        ListRequest { target: self, options: ListOptions::default(), form: OBJECT.to_owned() }
    }
}

impl GetRequest {
    /// In another form: [`super::TABLE`] or [`super::METADATA`].
    #[must_use]
    pub fn form(mut self, form: &str) -> Self {
        form.clone_into(&mut self.form);
        self
    }
}

impl ListRequest {
    /// In another form: [`super::TABLE`] or [`super::METADATA`].
    #[must_use]
    pub fn form(mut self, form: &str) -> Self {
        form.clone_into(&mut self.form);
        self
    }

    /// E.g. `cnpg.io/cluster=db`.
    #[must_use]
    pub fn labels(mut self, selector: impl Into<String>) -> Self {
        self.options.label_selector = Some(selector.into());
        self
    }

    /// E.g. `metadata.name=db`.
    #[must_use]
    pub fn fields(mut self, selector: impl Into<String>) -> Self {
        self.options.field_selector = Some(selector.into());
        self
    }

    /// Objects per page.
    #[must_use]
    pub fn limit(mut self, limit: u32) -> Self {
        self.options.limit = Some(limit);
        self
    }

    /// From where the page before ended (`metadata.continue`); `None` is the first page.
    #[must_use]
    pub fn after(mut self, cursor: Option<String>) -> Self {
        self.options.continue_ = cursor;
        self
    }
}

impl From<GetRequest> for Read {
    fn from(request: GetRequest) -> Self {
        Self::Get(request)
    }
}

impl From<ListRequest> for Read {
    fn from(request: ListRequest) -> Self {
        Self::List(request)
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    const CLUSTERS: Kind = Kind::new("postgresql.cnpg.io", "v1", "clusters");

    #[test]
    fn a_target_names_only_what_it_was_given() {
        let target = CLUSTERS.within("a").named("db").subresource("status");
        assert_eq!(
            (target.namespace.as_deref(), target.name.as_deref(), target.subresource.as_deref()),
            (Some("a"), Some("db"), Some("status"))
        );
        assert_eq!(CLUSTERS.everywhere().namespace, None);
    }

    #[test]
    fn a_list_carries_its_selectors_and_its_page() {
        let request = CLUSTERS.everywhere().list().labels("a=b").limit(250).after(Some("c".to_owned())).form(super::super::TABLE);
        assert_eq!(request.options.label_selector.as_deref(), Some("a=b"));
        assert_eq!(
            (request.options.limit, request.options.continue_.as_deref(), request.form.as_str()),
            (Some(250), Some("c"), "table")
        );
    }
}
