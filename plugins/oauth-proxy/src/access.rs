//! Our access tokens: JWTs of the profile of RFC 9068 that the host signs. They name the login, so that ending it ends them, and hold who
//! it is, so that judging one needs no look into the store.

use portcullis_plugin::auth::jwt::{Expectation, Keys, Problem};
use portcullis_plugin::auth::{Fault, Identity};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::grant::Grant;
use crate::port::Call;
use crate::secret::{decode, name};

/// Header `typ` (RFC 9068 §2.1).
const TYP: &str = "at+jwt";
/// What rings of the host sign with.
const ALGORITHMS: [&str; 3] = ["HS256", "ES256", "EdDSA"];
/// Most bytes of group names in a token: every request carries them, and servers before us take headers of 8 KiB. Of a person with more,
/// the groups are looked up.
const GROUPS_MAX: usize = 2_048;

/// The claims.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    pub(crate) sub: String,
    pub(crate) aud: Vec<String>,
    pub(crate) client_id: String,
    pub(crate) scope: String,
    pub(crate) iat: u64,
    pub(crate) exp: u64,
    pub(crate) jti: String,
    pub(crate) auth_time: u64,
    /// The login.
    pub(crate) grant: String,
    /// The provider who vouches for `sub`.
    pub(crate) idp: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// Absent: there are too many, see the login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) groups: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) authorization_details: Vec<Value>,
}

/// What a token is good for: the login's, or less.
#[derive(Debug, Clone)]
pub(crate) struct Extent {
    pub(crate) scopes: Vec<String>,
    pub(crate) resources: Vec<String>,
    pub(crate) details: Vec<Value>,
}

/// Issues one; with the seconds that it lasts.
pub(crate) fn issue(call: Call<'_>, grant: &Grant, extent: &Extent) -> Result<(String, u64), Fault> {
    let now = call.now();
    let lasts = call.settings.lifetimes.access_seconds.min(grant.ends.saturating_sub(now));
    let small = grant.groups.iter().map(String::len).sum::<usize>() <= GROUPS_MAX;
    let claims = Claims {
        iss: call.issuer().to_owned(),
        sub: grant.subject.clone(),
        aud: extent.resources.clone(),
        client_id: grant.client.clone(),
        scope: extent.scopes.join(" "),
        iat: now,
        exp: now.saturating_add(lasts),
        jti: name(call),
        auth_time: grant.auth_time,
        grant: grant.id.clone(),
        idp: grant.provider.clone(),
        name: grant.name.clone(),
        groups: small.then(|| grant.groups.clone()),
        authorization_details: extent.details.clone(),
    };
    let claims = serde_json::to_string(&claims).map_err(|error| Fault::internal(error.to_string()))?;
    Ok((call.host.sign(&call.settings.ring, TYP, &claims)?, lasts))
}

/// The claims of one that is ours, good and not over.
///
/// # Errors
/// What the host says; "malformed" if the claims are not ours.
pub(crate) fn verified(call: Call<'_>, token: &str) -> Result<Claims, Problem> {
    let expected = Expectation {
        algorithms: ALGORITHMS.map(str::to_owned).to_vec(),
        types: vec![TYP.to_owned()],
        issuer: Some(call.issuer().to_owned()),
        leeway_s: call.settings.leeway_seconds,
    };
    let verified = call.host.verify(token, &Keys::Ring(call.settings.ring.clone()), &expected)?;
    let malformed =
        |_| Problem { code: "malformed".to_owned(), message: "the claims are not ours".to_owned(), retry_after_ms: None };
    serde_json::from_str(&verified.claims).map_err(malformed)
}

/// Whether the host could not judge: that says nothing about the token.
pub(crate) fn is_unjudged(problem: &Problem) -> bool {
    matches!(problem.code.as_str(), "unavailable" | "denied" | "internal")
}

/// The claims of one that is ours but over, after [`verified`] said "expired": the host says that only of a token whose signature is good.
pub(crate) fn over(call: Call<'_>, token: &str) -> Option<Claims> {
    let claims: Claims = serde_json::from_slice(&decode(token.split('.').nth(1)?)?).ok()?;
    (claims.iss == call.issuer()).then_some(claims)
}

impl Claims {
    /// Who it is. Vouched for by the provider, so that rules on people hold wherever they log in. Until `exp` and the leeway with which it was
    /// verified: another replica may have issued it, and the host lets nobody in after that (W15).
    pub(crate) fn identity(self, call: Call<'_>, groups: Vec<String>) -> Identity {
        let until = self.exp.saturating_add(call.settings.leeway_seconds.into());
        let details = (!self.authorization_details.is_empty()).then(|| Value::Array(self.authorization_details).to_string());
        Identity {
            name: self.name,
            groups,
            scopes: crate::scope::words(&self.scope),
            audience: self.aud,
            client: Some(self.client_id),
            grant: Some(self.grant),
            authorization_details: details,
            ..Identity::new(self.sub, self.idp, until)
        }
    }
}
