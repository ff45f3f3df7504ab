//! For which resource a token is (RFC 8707): one of ours, however the client writes it, and always stamped in our way (W5).

use crate::errors::Refusal;
use crate::parameters::Parameters;
use crate::port::Call;

/// Most `resource` parameters of a request.
const COUNT_MAX: usize = 16;

/// The resources that a request names, in canonical form; none if it names none.
///
/// # Errors
/// `invalid_target` if one is not ours.
pub(crate) fn asked(call: Call<'_>, parameters: &Parameters) -> Result<Vec<String>, Refusal> {
    let mut all: Vec<String> = Vec::new();
    for asked in parameters.all("resource") {
        let known = canonical(call, asked).ok_or_else(|| Refusal::other("invalid_target", "`resource` is not served here"))?;
        if all.len() == COUNT_MAX {
            return Err(Refusal::request("`resource` is there too often"));
        }
        if !all.iter().any(|one| one == known) {
            all.push(known.to_owned());
        }
    }
    Ok(all)
}

/// The same for a token request: what the login was for, or less.
///
/// # Errors
/// `invalid_target` if one is not ours, or not the login's.
pub(crate) fn narrowed(call: Call<'_>, parameters: &Parameters, granted: &[String]) -> Result<Vec<String>, Refusal> {
    let asked = asked(call, parameters)?;
    match asked.iter().all(|one| granted.contains(one)) {
        true if asked.is_empty() => Ok(granted.to_vec()),
        true => Ok(asked),
        false => Err(Refusal::other("invalid_target", "the login was not for this `resource`")),
    }
}

/// Ours that is meant: clients write the host in capitals, add a slash, or name the origin alone if it has one resource.
fn canonical<'a>(call: Call<'a>, asked: &str) -> Option<&'a str> {
    let trimmed = lowered(asked.strip_suffix('/').unwrap_or(asked));
    let resources = &call.site.resources;
    let exact = resources.iter().find(|one| one.strip_suffix('/').unwrap_or(one) == trimmed);
    let alone = || resources.first().filter(|_| resources.len() == 1 && trimmed == call.site.origin);
    exact.or_else(alone).map(String::as_str)
}

/// Scheme and host in small letters (RS-10).
fn lowered(uri: &str) -> String {
    let end = uri.find("://").map_or(0, |at| at + 3);
    let end = uri.get(end..).and_then(|rest| rest.find('/')).map_or(uri.len(), |at| end + at);
    let (head, tail) = uri.split_at(end);
    [&head.to_ascii_lowercase(), tail].concat()
}
