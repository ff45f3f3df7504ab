//! A request as the server reads it: method, path segments, query, headers, body; and what it means.
//! Must not answer anything. URL layout: Kubernetes API concepts, "Resource URIs".

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};

use crate::kind::ResourceType;
use crate::store::State;

/// A request with its body read.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// HTTP method.
    pub(crate) method: Method,
    /// Path as sent.
    pub(crate) path: String,
    /// Query, decoded, in order.
    pub(crate) query: Vec<(String, String)>,
    /// Headers.
    pub(crate) headers: HeaderMap,
    /// Body.
    pub(crate) body: Bytes,
}

impl Call {
    /// The first value of a query parameter, or the empty string.
    pub(crate) fn query(&self, name: &str) -> &str {
        self.query.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// True for a parameter that is `true` or `1`.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        matches!(self.query(name), "true" | "1")
    }

    /// A header as text, or the empty string.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The path's segments, decoded.
    pub(crate) fn segments(&self) -> Vec<String> {
        self.path.split('/').filter(|segment| !segment.is_empty()).map(decode).collect()
    }
}

/// Reads a query string.
pub(crate) fn parse_query(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (decode_plus(key), decode_plus(value)))
        .collect()
}

fn decode_plus(text: &str) -> String {
    decode(&text.replace('+', " "))
}

/// Undoes percent encoding; what is not valid stays as it is.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = after.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What a request asks for.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// A path that is not a resource, for example `/version`.
    Path,
    /// A resource.
    Resource(Asked),
    /// A resource that nobody serves.
    Unknown(Asked),
}

/// A request on a resource.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// RBAC verb.
    pub(crate) verb: &'static str,
    /// The resource; for an unknown one, only its names.
    pub(crate) kind: Arc<ResourceType>,
    /// Namespace, empty for cluster scope or for all.
    pub(crate) namespace: String,
    /// Name, empty for a collection.
    pub(crate) name: String,
    /// Subresource, or empty.
    pub(crate) subresource: String,
    /// What follows the subresource: the path of a proxy request.
    pub(crate) tail: String,
}

impl Asked {
    /// `clusters/status`: how RBAC names it.
    pub(crate) fn resource(&self) -> String {
        match self.subresource.as_str() {
            "" => self.kind.plural.clone(),
            subresource => format!("{}/{subresource}", self.kind.plural),
        }
    }
}

/// Finds out what a request asks for.
pub(crate) fn target(state: &State, call: &Call) -> Target {
    let segments = call.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let (group, version, rest) = match segments.as_slice() {
        ["api", version, rest @ ..] if !rest.is_empty() => ("", *version, rest),
        ["apis", group, version, rest @ ..] if !rest.is_empty() => (*group, *version, rest),
        _ => return Target::Path,
    };
    let (namespace, rest) = match rest {
        ["namespaces", name, rest @ ..] if !rest.is_empty() && !matches!(rest, ["status" | "finalize"]) => (*name, rest),
        rest => ("", rest),
    };
    let (plural, rest) = rest.split_first().map_or(("", rest), |(plural, rest)| (*plural, rest));
    let (name, rest) = rest.split_first().map_or(("", rest), |(name, rest)| (*name, rest));
    let (subresource, tail) = rest.split_first().map_or(("", rest), |(name, rest)| (*name, rest));
    let found = state.kind(group, version, plural);
    let is_known = found
        .as_ref()
        .is_some_and(|kind| (subresource.is_empty() || kind.has(subresource)) && (namespace.is_empty() || kind.namespaced));
    let asked = Asked {
        verb: verb(call, name),
        kind: found.unwrap_or_else(|| Arc::new(unknown(group, version, plural))),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        subresource: subresource.to_owned(),
        tail: tail.join("/"),
    };
    if is_known { Target::Resource(asked) } else { Target::Unknown(asked) }
}

fn verb(call: &Call, name: &str) -> &'static str {
    match (call.method.as_str(), name) {
        ("GET" | "HEAD", _) if call.is_set("watch") => "watch",
        ("GET" | "HEAD", "") => "list",
        ("GET" | "HEAD", _) => "get",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        ("DELETE", "") => "deletecollection",
        ("DELETE", _) => "delete",
        _ => "",
    }
}

fn unknown(group: &str, version: &str, plural: &str) -> ResourceType {
    ResourceType {
        group: group.to_owned(),
        version: version.to_owned(),
        plural: plural.to_owned(),
        singular: String::new(),
        kind: String::new(),
        list_kind: String::new(),
        short_names: Vec::new(),
        namespaced: true,
        subresources: Vec::new(),
        schema: None,
        columns: Vec::new(),
        scale: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    fn asked(method: &str, uri: &str) -> Option<(String, String, String, String, String)> {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let method = method.parse().unwrap_or(Method::GET);
        let call =
            Call { method, path: path.to_owned(), query: parse_query(query), headers: HeaderMap::new(), body: Bytes::new() };
        match Store::new(1).with(|state| target(state, &call)) {
            Target::Resource(asked) => Some((asked.verb.to_owned(), asked.resource(), asked.namespace, asked.name, asked.tail)),
            _ => None,
        }
    }

    fn is(
        verb: &str,
        resource: &str,
        namespace: &str,
        name: &str,
        tail: &str,
    ) -> Option<(String, String, String, String, String)> {
        Some((verb.to_owned(), resource.to_owned(), namespace.to_owned(), name.to_owned(), tail.to_owned()))
    }

    #[test]
    fn urls_name_verb_resource_namespace_and_name() {
        assert_eq!(asked("GET", "/api/v1/namespaces/a/pods"), is("list", "pods", "a", "", ""));
        assert_eq!(asked("GET", "/api/v1/pods?watch=1"), is("watch", "pods", "", "", ""));
        assert_eq!(asked("DELETE", "/api/v1/namespaces/a"), is("delete", "namespaces", "", "a", ""));
        assert_eq!(asked("PATCH", "/api/v1/namespaces/a/status"), is("patch", "namespaces/status", "", "a", ""));
        assert_eq!(asked("GET", "/api/v1/namespaces/a/pods/b/log"), is("get", "pods/log", "a", "b", ""));
        let proxied = asked("GET", "/api/v1/namespaces/a/pods/https:b:8000/proxy/pg/status");
        assert_eq!(proxied, is("get", "pods/proxy", "a", "https:b:8000", "pg/status"));
        assert_eq!(asked("POST", "/apis/coordination.k8s.io/v1/namespaces/a/leases"), is("create", "leases", "a", "", ""));
    }

    #[test]
    fn what_nobody_serves_is_not_a_resource() {
        assert_eq!(asked("GET", "/version"), None);
        assert_eq!(asked("GET", "/api/v1/namespaces/a/nothings"), None);
        assert_eq!(asked("GET", "/api/v1/namespaces/a/secrets/b/log"), None);
    }

    #[test]
    fn queries_are_decoded() {
        assert_eq!(
            parse_query("labelSelector=a%3Db%2Cc&x+y=%zz"),
            [("labelSelector".to_owned(), "a=b,c".to_owned()), ("x y".to_owned(), "%zz".to_owned())]
        );
    }
}
