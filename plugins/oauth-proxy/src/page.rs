//! Pages for people: plain HTML without script, under a policy that allows its one style and nothing else. Everything that comes from outside
//! is escaped here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_plugin::auth::routes::{Request, Response};
use sha2::{Digest as _, Sha256};

use crate::errors::{Failure, Refusal};

const STYLE: &str = include_str!("page.css");

/// A page around this body, which is HTML.
pub(crate) fn page(status: u16, title: &str, body: &str) -> Response {
    let html = [
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">",
        "<title>",
        &escaped(title),
        "</title><style>",
        STYLE,
        "</style></head><body><main>",
        body,
        "</main></body></html>",
    ];
    Response::html(status, html.concat()).header("cache-control", "no-store").header("content-security-policy", policy())
}

/// `form-action` is left out: Chrome applies it to redirects, too, and the answer redirects to the client.
fn policy() -> String {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    ["default-src 'none'; style-src 'sha256-", &hash, "'; base-uri 'none'; frame-ancestors 'none'"].concat()
}

/// A refusal for whoever asked: a page for browsers, JSON for programs. A person can do nothing but go back, so it says that.
pub(crate) fn refusal(request: &Request, refusal: &Refusal) -> Response {
    if !is_browser(request) {
        return refusal.response();
    }
    let body = [
        "<h1>This login cannot go on</h1><p>",
        &escaped(&refusal.description),
        ".</p><p>Go back to the application and connect again.</p>",
    ];
    // 401 would make a browser ask for a password.
    page(if refusal.status == 401 { 400 } else { refusal.status }, "Login", &body.concat())
}

/// A refusal that the client may hear of if the person wants that: a link to it, which says where it leads.
pub(crate) fn offered(request: &Request, refusal: &Refusal, destination: &str, url: &str) -> Response {
    if !is_browser(request) {
        return refusal.response();
    }
    let body = [
        "<h1>This login cannot go on</h1><p>",
        &escaped(&refusal.description),
        ".</p><p>Whoever sent you here gets the answer at <strong>",
        &escaped(destination),
        "</strong>. If you know that application, <a rel=\"noreferrer\" href=\"",
        &escaped(url),
        "\">go back to it</a>; if not, close this page.</p>",
    ];
    page(refusal.status, "Login", &body.concat())
}

fn is_browser(request: &Request) -> bool {
    request.header("accept").is_some_and(|accept| accept.contains("text/html"))
}

/// The answer of a page: a refusal becomes one.
pub(crate) fn shown(request: &Request, answer: Result<Response, Failure>) -> Result<Response, portcullis_plugin::auth::Fault> {
    match answer {
        Ok(response) => Ok(response),
        Err(Failure::Refused(why)) => Ok(refusal(request, &why)),
        Err(Failure::Fault(fault)) => Err(fault),
    }
}

/// Text in HTML, in content and in quoted attributes.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Fills `{{name}}` of a template: one pass, so that a value cannot name another. Values are escaped unless their name begins with `html:`.
pub(crate) fn filled(template: &str, values: &[(&str, &str)]) -> String {
    let mut parts = template.split("{{");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once("}}").unwrap_or((part, ""));
        let value = values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| *value);
        out.push_str(&if name.starts_with("html:") { value.to_owned() } else { escaped(value) });
        out.push_str(rest);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{escaped, filled};

    #[test]
    fn what_comes_from_outside_is_text_and_nothing_else() {
        assert_eq!(escaped("<a href=\"x\" b='&'>"), "&lt;a href=&quot;x&quot; b=&#39;&amp;&#39;&gt;");
        let values = [("name", "{{html:raw}}<b>"), ("html:raw", "<hr>")];
        assert_eq!(filled("{{name}} {{html:raw}} {{none}}.", &values), "{{html:raw}}&lt;b&gt; <hr> .");
    }
}
