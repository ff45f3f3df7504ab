//! From the endpoint to the authorization server: the challenge, the protected resource metadata (RFC 9728), the server's metadata (RFC 8414,
//! OpenID Connect Discovery). Each document must speak for the one that led to it: otherwise a server could have tokens made for another.

use portcullis_core::egress::EgressReply;
use serde_json::Value;

use super::challenge::Challenge;
use super::fault::{Fault, Result, quoted};
use super::place::Place;
use super::web::{Object, Web, object, place, texts};

/// The endpoint as an OAuth resource.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Resource {
    /// Its identifier, byte for byte.
    pub(super) id: String,
    /// Its authorization server, byte for byte.
    pub(super) issuer: String,
    /// What to ask for.
    pub(super) scopes: Vec<String>,
}

/// The authorization server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    /// Byte for byte.
    pub(super) issuer: String,
    pub(super) authorize: Place,
    pub(super) token: Place,
    pub(super) register: Option<Place>,
    /// Whether refresh tokens have a scope of their own here.
    pub(super) offline_access: bool,
    /// Whether it puts its name into answers (RFC 9207 §3).
    pub(super) sends_iss: bool,
}

/// What the endpoint says of itself.
pub(super) async fn resource(web: &mut Web, url: &Place) -> Result<Resource> {
    let reply = web.knock(url).await?;
    moved(&reply, url)?;
    let challenge = if reply.status == 401 { Challenge::read(&reply.headers) } else { Challenge::default() };
    let (from, document) = match challenge.metadata {
        Some(named) => named_metadata(web, url, &named).await?,
        None => well_known(web, url).await?.ok_or_else(|| unknown(url, reply.status))?,
    };
    let mut resource = read_resource(&document, &from, url)?;
    if let Some(scope) = challenge.scope {
        resource.scopes = scope.split_ascii_whitespace().map(str::to_owned).collect();
    }
    Ok(resource)
}

fn unknown(url: &Place, status: u16) -> Fault {
    let url = url.to_string();
    if status == 401 { Fault::NoServer(url) } else { Fault::NoChallenge { url, status } }
}

fn moved(reply: &EgressReply, url: &Place) -> Result<()> {
    let to = reply.headers.iter().find(|(name, _)| name == "location").filter(|_| (300..400).contains(&reply.status));
    to.map_or(Ok(()), |(_, to)| Err(Fault::Moved { url: url.to_string(), to: quoted(to) }))
}

async fn named_metadata(web: &Web, url: &Place, named: &str) -> Result<(Place, Object)> {
    let broken = |reason: String| Fault::Document { url: url.to_string(), reason };
    let from = Place::parse(named)
        .map_err(|reason| broken(format!("names metadata at `{}`, which must not be fetched: {reason}", quoted(named))))?;
    let reply = web.get(&from).await?;
    let document = object(&reply).filter(|_| reply.status == 200);
    let document = document.ok_or_else(|| Fault::Document { url: from.to_string(), reason: not_json(&reply) })?;
    Ok((from, document))
}

async fn well_known(web: &Web, url: &Place) -> Result<Option<(Place, Object)>> {
    for candidate in url.resource_metadata() {
        let Ok(from) = Place::parse(&candidate) else { continue };
        let reply = web.get(&from).await?;
        if let Some(document) = object(&reply).filter(|_| reply.status == 200) {
            return Ok(Some((from, document)));
        }
    }
    Ok(None)
}

fn not_json(reply: &EgressReply) -> String {
    if reply.status == 200 { "is no JSON object".to_owned() } else { format!("answers {}", reply.status) }
}

fn read_resource(document: &Object, from: &Place, url: &Place) -> Result<Resource> {
    let broken = |reason: &str| Fault::Document { url: from.to_string(), reason: reason.to_owned() };
    let id = document.get("resource").and_then(Value::as_str).ok_or_else(|| broken("names no `resource`"))?;
    if Place::parse(id).as_ref() != Ok(url) {
        return Err(Fault::OtherResource { metadata: from.to_string(), resource: quoted(id), url: url.to_string() });
    }
    let issuer = texts(document, "authorization_servers").and_then(|servers| servers.into_iter().next());
    Ok(Resource {
        id: id.to_owned(),
        issuer: issuer.ok_or_else(|| broken("names no authorization server (RS-1)"))?,
        scopes: texts(document, "scopes_supported").unwrap_or_default(),
    })
}

/// What an authorization server says of itself, at the first place that has it. A document that is none, or another's, is told only if no
/// place has the right one: some servers answer every path with a page.
pub(super) async fn server(web: &Web, issuer: &str) -> Result<Server> {
    let base = Place::parse(issuer).map_err(|reason| Fault::Url { text: quoted(issuer), reason })?;
    let tried = base.server_metadata();
    let mut first = None;
    for candidate in &tried {
        let Ok(from) = Place::parse(candidate) else { continue };
        let reply = web.get(&from).await?;
        let Some(document) = object(&reply).filter(|_| reply.status == 200) else { continue };
        match read_server(&document, &from, issuer) {
            Ok(server) => return Ok(server),
            Err(fault) => first = first.or(Some(fault)),
        }
    }
    Err(first.unwrap_or_else(|| Fault::NoMetadata { issuer: quoted(issuer), tried: tried.join(", ") }))
}

fn read_server(document: &Object, from: &Place, issuer: &str) -> Result<Server> {
    let broken = |reason: String| Fault::Document { url: from.to_string(), reason };
    let own = document.get("issuer").and_then(Value::as_str).unwrap_or_default();
    if own != issuer {
        return Err(Fault::OtherIssuer { url: from.to_string(), issuer: quoted(issuer), found: quoted(own) });
    }
    let has = |member: &str, value: &str| texts(document, member).is_some_and(|list| list.iter().any(|one| one == value));
    if !has("code_challenge_methods_supported", "S256") {
        return Err(Fault::NoPkce(quoted(issuer)));
    }
    let optional = |member: &str| place(document, member).map_err(broken);
    let needed = |member: &str| optional(member)?.ok_or_else(|| broken(format!("names no `{member}`")));
    Ok(Server {
        issuer: issuer.to_owned(),
        authorize: needed("authorization_endpoint")?,
        token: needed("token_endpoint")?,
        register: optional("registration_endpoint")?,
        offline_access: has("scopes_supported", "offline_access"),
        sends_iss: document.get("authorization_response_iss_parameter_supported").and_then(Value::as_bool).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Fault, Object, Place, read_resource, read_server};

    fn object(value: Value) -> Object {
        value.as_object().unwrap().clone()
    }

    fn place(url: &str) -> Place {
        Place::parse(url).unwrap()
    }

    fn metadata(member: &str, value: Value) -> Object {
        let mut document = object(json!({
            "issuer": "https://as", "authorization_endpoint": "https://as/a", "token_endpoint": "https://as/t",
            "code_challenge_methods_supported": ["plain", "S256"], "scopes_supported": ["offline_access"],
        }));
        document.insert(member.to_owned(), value);
        document
    }

    #[test]
    fn metadata_of_a_resource_speaks_for_the_url_that_was_typed() {
        let read = |resource: &str, url: &str| {
            let document = object(
                json!({"resource": resource, "authorization_servers": ["https://as", "https://b"], "scopes_supported": ["r", 1]}),
            );
            read_resource(&document, &place("https://h/m"), &place(url))
        };
        let resource = read("https://h", "https://h/").unwrap();
        assert_eq!(
            (resource.id.as_str(), resource.issuer.as_str(), resource.scopes),
            ("https://h", "https://as", vec!["r".to_owned()])
        );
        for other in ["https://h/", "https://h/mcp/", "https://h/MCP", "https://evil/mcp", "https://h/mcp?a", "", "mcp"] {
            assert!(matches!(read(other, "https://h/mcp"), Err(Fault::OtherResource { .. })), "{other}");
        }
    }

    #[test]
    fn a_resource_without_an_authorization_server_is_told() {
        for document in
            [json!({"resource": "https://h/"}), json!({"resource": "https://h/", "authorization_servers": []}), json!({})]
        {
            assert!(matches!(
                read_resource(&object(document), &place("https://h/m"), &place("https://h/")),
                Err(Fault::Document { .. })
            ));
        }
    }

    #[test]
    fn an_issuer_is_compared_byte_for_byte() {
        let read = |issuer: &str, own: &str| read_server(&metadata("issuer", json!(own)), &place("https://as/m"), issuer);
        assert!(read("https://as", "https://as").is_ok());
        for own in ["https://as/", "https://AS", "https://as:443", "http://as", ""] {
            assert!(matches!(read("https://as", own), Err(Fault::OtherIssuer { .. })), "{own}");
        }
    }

    #[test]
    fn a_server_without_s256_is_refused() {
        for methods in [json!(["plain"]), json!([]), json!("S256"), Value::Null] {
            let read = read_server(&metadata("code_challenge_methods_supported", methods), &place("https://as/m"), "https://as");
            assert_eq!(read, Err(Fault::NoPkce("https://as".into())));
        }
    }

    #[test]
    fn an_endpoint_that_is_no_web_page_is_never_opened() {
        for url in ["file:///bin/sh", "http://as/a", "javascript:alert(1)", "https://as/a\"; x", "-e"] {
            let read = read_server(&metadata("authorization_endpoint", json!(url)), &place("https://as/m"), "https://as");
            assert!(matches!(read, Err(Fault::Document { reason, .. }) if reason.contains("authorization_endpoint")), "{url}");
        }
        assert!(read_server(&metadata("token_endpoint", Value::Null), &place("https://as/m"), "https://as").is_err());
    }
}
