//! What crosses to and from a strategy. Bounds of the answers are here: a guest that breaks one is in breach of its contract, and nobody is let in.

use std::time::Duration;

use portcullis_core::keyvalue::GRANT_MAX;
use portcullis_core::strategy::{
    Attempt, Identity, Rejection, RejectionCode, Route, RouteRequest, RouteResponse, Shape, Site, Strategy, StrategyError,
    Verdict,
};
use serde::de::IgnoredAny;

use super::{Breach, Scale, object};
use crate::bindings::{route, strategy as wit};
use crate::logbook::cut;

/// Bytes of a subject, an issuer or a person's name. 512: twice what OpenID Connect Core §2 allows a subject.
const NAME_MAX: usize = 512;

/// Bytes of one group, scope or shape: role names of directories are far shorter.
const WORD_MAX: usize = 256;

/// Groups or scopes of one identity: directories cut their claims at about 200.
const WORDS_MAX: usize = 256;

/// Bytes of a URL: what browsers and proxies pass.
const URL_MAX: usize = 2_048;

/// Audiences or authorization servers.
const URLS_MAX: usize = 32;

/// Bytes of JSON in an identity or a description.
const JSON_MAX: usize = 16 << 10;

/// Bytes of a message in a rejection (WIT) or a fault.
const MESSAGE_MAX: usize = 1 << 10;

/// Headers of a response; a login sets a handful of cookies.
const HEADERS_MAX: usize = 64;

/// Bytes of one header's value: a redirect with its state, and what browsers keep of a cookie.
const HEADER_MAX: usize = 8 << 10;

pub(crate) fn site(site: Site) -> wit::Site {
    wit::Site { origin: site.origin, resources: site.resources, scopes: site.scopes }
}

pub(crate) fn attempt(attempt: Attempt, left: Duration) -> wit::Attempt {
    wit::Attempt {
        request_id: attempt.request_id,
        resource: attempt.resource,
        site: site(attempt.site),
        scheme: "bearer".to_owned(),
        credential: attempt.credential.reveal().to_owned(),
        deadline_ms: millis(left),
    }
}

pub(crate) fn request(request: RouteRequest, left: Duration) -> route::Request {
    route::Request {
        request_id: request.request_id,
        site: site(request.site),
        method: request.method,
        path: request.path,
        query: request.query,
        headers: request.headers,
        body: request.body,
        client: request.client,
        deadline_ms: millis(left),
    }
}

fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

/// What `describe` returned. Which paths it may serve is decided where all strategies of a listener are known.
pub(crate) fn strategy(said: wit::Strategy, has_routes: bool, scale: &mut Scale) -> Result<Strategy, Breach> {
    if !said.routes.is_empty() && !has_routes {
        return Err(breach("strategy.routes names routes, but the component does not export `portcullis:auth/routes`"));
    }
    texts("strategy.authorization-servers", &said.authorization_servers, URLS_MAX, URL_MAX, scale)?;
    texts("strategy.scopes", &said.scopes, WORDS_MAX * 4, WORD_MAX, scale)?;
    texts("strategy.shapes", &said.shapes, URLS_MAX, WORD_MAX, scale)?;
    if let Some(metadata) = &said.metadata {
        json("strategy.metadata", metadata, scale)?;
        object("strategy.metadata", metadata)?;
    }
    Ok(Strategy {
        authorization_servers: said.authorization_servers,
        scopes: said.scopes,
        metadata: said.metadata,
        shapes: said.shapes.iter().map(|shape| Shape::parse(shape)).collect(),
        routes: said.routes.into_iter().map(|one| served(one, scale)).collect::<Result<_, _>>()?,
    })
}

fn served(route: wit::Route, scale: &mut Scale) -> Result<Route, Breach> {
    text("route.path", &route.path, 1, WORD_MAX, scale)?;
    if !(1..=16).contains(&route.method.len()) || !route.method.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(breach("route.method is not an HTTP method in capitals"));
    }
    Ok(Route { method: route.method, path: route.path, cors: route.cors == "any" })
}

/// What `authenticate` returned.
pub(crate) fn verdict(
    said: Result<wit::Verdict, wit::Fault>,
    scale: &mut Scale,
) -> Result<Result<Verdict, StrategyError>, Breach> {
    Ok(Ok(match said {
        Ok(wit::Verdict::Principal(identity)) => Verdict::Principal(Box::new(self::identity(identity, scale)?)),
        Ok(wit::Verdict::NotMine) => Verdict::NotMine,
        Ok(wit::Verdict::Reject(rejection)) => Verdict::Reject(self::rejection(rejection, scale)?),
        Err(fault) => return Ok(Err(self::fault(&fault))),
    }))
}

fn identity(said: wit::Identity, scale: &mut Scale) -> Result<Identity, Breach> {
    text("identity.subject", &said.subject, 1, NAME_MAX, scale)?;
    text("identity.issuer", &said.issuer, 1, NAME_MAX, scale)?;
    maybe("identity.name", said.name.as_deref(), NAME_MAX, scale)?;
    maybe("identity.client", said.client.as_deref(), URL_MAX, scale)?;
    maybe("identity.grant", said.grant.as_deref(), GRANT_MAX, scale)?;
    texts("identity.groups", &said.groups, WORDS_MAX, WORD_MAX, scale)?;
    texts("identity.scopes", &said.scopes, WORDS_MAX, WORD_MAX, scale)?;
    texts("identity.audience", &said.audience, URLS_MAX, URL_MAX, scale)?;
    if let Some(details) = &said.authorization_details {
        json("identity.authorization-details", details, scale)?;
        if serde_json::from_str::<Vec<IgnoredAny>>(details).is_err() {
            return Err(breach("identity.authorization-details is not a JSON array"));
        }
    }
    Ok(Identity {
        subject: said.subject,
        issuer: said.issuer,
        name: said.name,
        groups: said.groups,
        scopes: said.scopes,
        audience: said.audience,
        expires_at: said.expires_at,
        client: said.client,
        grant: said.grant,
        authorization_details: said.authorization_details,
    })
}

fn rejection(said: wit::Rejection, scale: &mut Scale) -> Result<Rejection, Breach> {
    text("rejection.message", &said.message, 0, MESSAGE_MAX, scale)?;
    Ok(Rejection { code: RejectionCode::parse(&said.code), message: said.message })
}

/// A fault is none of the caller's: however long, it is cut for the log.
fn fault(said: &wit::Fault) -> StrategyError {
    StrategyError::Fault {
        unavailable: said.code == "unavailable",
        message: cut(&said.message, MESSAGE_MAX).to_owned(),
        retry_after: said.retry_after_ms.map(|millis| Duration::from_millis(millis.into())),
    }
}

/// What `handle` returned.
pub(crate) fn response(
    said: Result<route::Response, wit::Fault>,
    scale: &mut Scale,
) -> Result<Result<RouteResponse, StrategyError>, Breach> {
    let said = match said {
        Ok(said) => said,
        Err(fault) => return Ok(Err(self::fault(&fault))),
    };
    scale.weigh(said.body.len())?;
    if !(200..600).contains(&said.status) {
        return Err(breach("response.status is not 200 to 599"));
    }
    if said.headers.len() > HEADERS_MAX {
        return Err(Breach::Contract(format!("response.headers has more than {HEADERS_MAX} entries")));
    }
    for (name, value) in &said.headers {
        text("response.headers", name, 1, WORD_MAX, scale)?;
        text("response.headers", value, 0, HEADER_MAX, scale)?;
    }
    Ok(Ok(RouteResponse { status: said.status, headers: said.headers, body: said.body }))
}

fn breach(reason: &str) -> Breach {
    Breach::Contract(reason.to_owned())
}

/// Weighs a text, and refuses one that is too short or too long, or that would break a line of a log or a header.
fn text(what: &str, text: &str, least: usize, most: usize, scale: &mut Scale) -> Result<(), Breach> {
    scale.weigh(text.len())?;
    match text.len() {
        length if length < least => Err(Breach::Contract(format!("{what} is empty"))),
        length if length > most => Err(Breach::Contract(format!("{what} is longer than {most} bytes"))),
        _ if text.chars().any(char::is_control) => Err(Breach::Contract(format!("{what} has control characters"))),
        _ => Ok(()),
    }
}

fn maybe(what: &str, value: Option<&str>, most: usize, scale: &mut Scale) -> Result<(), Breach> {
    value.map_or(Ok(()), |value| text(what, value, 1, most, scale))
}

fn texts(what: &str, values: &[String], count: usize, most: usize, scale: &mut Scale) -> Result<(), Breach> {
    if values.len() > count {
        return Err(Breach::Contract(format!("{what} has more than {count} entries")));
    }
    values.iter().try_for_each(|value| text(what, value, 1, most, scale))
}

fn json(what: &str, value: &str, scale: &mut Scale) -> Result<(), Breach> {
    scale.weigh(value.len())?;
    if value.len() > JSON_MAX { Err(Breach::Contract(format!("{what} is longer than {JSON_MAX} bytes"))) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
