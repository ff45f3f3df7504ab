//! A stand-in for a browser and the person in front of it: cookies, redirects, the first form of a page. It runs no script, as our pages need
//! none.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};

/// Redirects in a row; a login has about six.
const REDIRECTS_MAX: usize = 20;

/// A browser. Cookies belong to host name and path, as in real ones, where ports make no difference.
#[derive(Debug)]
pub struct Browser {
    agent: ureq::Agent,
    /// By name and path.
    cookies: BTreeMap<(String, String), String>,
    /// URLs that begin with this are an application's: nobody may be there yet, so they are not opened.
    home: String,
}

/// What it shows.
#[derive(Debug)]
pub struct Page {
    /// Where it is.
    pub url: String,
    /// 0 for an application's URL, which is not opened.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// HTML, or anything else.
    pub body: String,
}

impl Browser {
    /// With no cookies.
    #[must_use]
    pub fn new(home: &str) -> Self {
        let patience = Some(std::time::Duration::from_secs(60));
        let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).timeout_global(patience);
        Self { agent: config.build().into(), cookies: BTreeMap::new(), home: home.to_owned() }
    }

    /// Opens a URL and follows redirects.
    ///
    /// # Errors
    /// Nobody answers, or there is no end.
    pub fn open(&mut self, url: &str) -> anyhow::Result<Page> {
        self.follow(url.to_owned(), None)
    }

    /// Sends the page's first form with these values besides its hidden ones.
    ///
    /// # Errors
    /// There is no form; else as [`Self::open`].
    pub fn submit(&mut self, page: &Page, values: &[(&str, &str)]) -> anyhow::Result<Page> {
        let form = page.body.split_once("<form").context("no form")?.1.split("</form").next().unwrap_or_default();
        let mut fields: Vec<(String, String)> = Vec::new();
        for input in form.split("<input").skip(1) {
            if let (Some(name), Some(value)) = (attribute(input, "name"), attribute(input, "value")) {
                fields.push((name, value));
            }
        }
        fields.extend(values.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())));
        let action = attribute(form, "action").context("the form has no action")?;
        self.follow(resolve(&page.url, &action), Some(fields))
    }

    /// Goes from an authorization request to the application: logs in as `person` and agrees to everything that is asked.
    ///
    /// # Errors
    /// With the page that it cannot get past.
    pub fn log_in(&mut self, url: &str, person: &str) -> anyhow::Result<String> {
        let mut page = self.open(url)?;
        for _ in 0..REDIRECTS_MAX {
            if page.status == 0 {
                return Ok(page.url);
            }
            page = match page.body.as_str() {
                body if body.contains("name=\"password\"") => self.submit(&page, &[("login", person), ("password", "any")])?,
                body if body.contains("name=\"answer\"") => self.submit(&page, &[("answer", "approve")])?,
                body if body.contains("<form") => self.submit(&page, &[])?,
                _ => bail!("{} answers {}: {}", page.url, page.status, page.body),
            };
        }
        bail!("the login does not end")
    }

    fn follow(&mut self, url: String, form: Option<Vec<(String, String)>>) -> anyhow::Result<Page> {
        let (mut url, mut form) = (url, form);
        for _ in 0..REDIRECTS_MAX {
            if url.starts_with(&self.home) {
                return Ok(Page { url, status: 0, headers: Vec::new(), body: String::new() });
            }
            let page = self.once(&url, form.take())?;
            match page.header("location").filter(|_| (300..400).contains(&page.status)) {
                Some(location) => url = resolve(&url, location),
                None => return Ok(page),
            }
        }
        bail!("{url} redirects without end")
    }

    fn once(&mut self, url: &str, form: Option<Vec<(String, String)>>) -> anyhow::Result<Page> {
        let (cookies, accept) = (self.cookies(url), "text/html,*/*;q=0.8");
        let mut response = match form {
            None => self.agent.get(url).header("accept", accept).header("cookie", cookies).call()?,
            Some(fields) => {
                let post = self.agent.post(url).header("accept", accept).header("cookie", cookies);
                post.header("origin", origin(url)).header("sec-fetch-site", "same-origin").send_form(fields)?
            }
        };
        let headers: Vec<(String, String)> = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
            .collect();
        headers.iter().filter(|(name, _)| name == "set-cookie").for_each(|(_, cookie)| self.keep(cookie));
        Ok(Page { url: url.to_owned(), status: response.status().as_u16(), headers, body: response.body_mut().read_to_string()? })
    }

    fn cookies(&self, url: &str) -> String {
        let path = url.strip_prefix(&origin(url)).unwrap_or_default();
        let fits = self.cookies.iter().filter(|((_, under), _)| path.starts_with(under.as_str()));
        fits.map(|((name, _), value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn keep(&mut self, cookie: &str) {
        let mut parts = cookie.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
        let rest: Vec<(&str, &str)> = parts.filter_map(|part| part.split_once('=')).collect();
        let named = |wanted: &str| rest.iter().find(|(known, _)| known.eq_ignore_ascii_case(wanted)).map(|(_, value)| *value);
        let key = (name.to_owned(), named("path").unwrap_or("/").to_owned());
        if value.is_empty() || named("max-age") == Some("0") || named("expires").is_some_and(|date| date.contains("1970")) {
            self.cookies.remove(&key);
        } else {
            self.cookies.insert(key, value.to_owned());
        }
    }
}

impl Page {
    /// The first header of this name, in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A parameter of a URL's query, decoded.
#[must_use]
pub fn parameter(url: &str, name: &str) -> Option<String> {
    let query = url.split_once('?')?.1;
    let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    Some(decoded(value))
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let hex = |rest: &mut std::str::Bytes<'_>| {
            let digits = [rest.next()?, rest.next()?];
            u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()
        };
        bytes.push(match byte {
            b'%' => hex(&mut rest).unwrap_or(b'%'),
            b'+' => b' ',
            other => other,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Percent-encoded for a query (RFC 3986 §2.3 leaves these).
#[must_use]
pub fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Scheme, host and port.
#[must_use]
pub fn origin(url: &str) -> String {
    let end = url.match_indices('/').nth(2).map_or(url.len(), |(at, _)| at);
    url.get(..end).unwrap_or(url).to_owned()
}

fn resolve(base: &str, target: &str) -> String {
    if target.starts_with('/') { format!("{}{target}", origin(base)) } else { target.to_owned() }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let tag = tag.split('>').next()?;
    let value = tag.split_once(&format!(" {name}=\""))?.1.split('"').next()?;
    Some(value.replace("&quot;", "\"").replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
}
