//! URIs of clusters as resources: `cnpg://{namespace}/clusters/{name}` and `…/manifest`. Parsing and writing only.

/// What of a cluster a resource shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// What get_cluster_status says in detail, as Markdown.
    Status,
    /// The object as YAML, without what only the API server writes.
    Manifest,
}

/// A cluster's URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Uri<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
    pub(crate) view: View,
}

/// The templates, as RFC 6570 writes them.
pub(crate) const STATUS: &str = "cnpg://{namespace}/clusters/{name}";
pub(crate) const MANIFEST: &str = "cnpg://{namespace}/clusters/{name}/manifest";

impl<'a> Uri<'a> {
    /// `None`: not one of ours.
    pub(crate) fn parse(uri: &'a str) -> Option<Self> {
        let mut parts = uri.strip_prefix("cnpg://")?.split('/');
        let (namespace, kind, name) = (parts.next()?, parts.next()?, parts.next()?);
        let view = match (parts.next(), parts.next()) {
            (None, _) => View::Status,
            (Some("manifest"), None) => View::Manifest,
            _ => return None,
        };
        let plain =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
        (kind == "clusters" && plain(namespace) && plain(name)).then_some(Self { namespace, name, view })
    }

    /// The status of a cluster.
    pub(crate) fn status(namespace: &str, name: &str) -> String {
        format!("cnpg://{namespace}/clusters/{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::{Uri, View};

    #[test]
    fn what_is_written_reads_back() {
        let uri = Uri::status("prod", "db");
        assert_eq!(Uri::parse(&uri), Some(Uri { namespace: "prod", name: "db", view: View::Status }));
        assert_eq!(Uri::parse(&format!("{uri}/manifest")).map(|one| one.view), Some(View::Manifest));
    }

    #[test]
    fn what_is_not_a_cluster_is_not_guessed() {
        for other in [
            "cnpg://prod/clusters",
            "cnpg://prod/pods/db",
            "cnpg://prod/clusters/db/logs",
            "cnpg:///clusters/db",
            "cnpg://prod/clusters/a%2Fb",
            "http://prod/clusters/db",
            "cnpg://prod/clusters/db/manifest/x",
        ] {
            assert_eq!(Uri::parse(other), None, "{other}");
        }
    }
}
