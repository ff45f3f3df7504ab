//! What is wrong with the settings that only the host can tell: a secret that cannot be read, a ring that cannot sign what it should. It is said
//! whenever the host asks what the strategy is, so that the operator hears of it at load and not from whoever cannot log in. A world without
//! findings for guests has the log. What the settings tell by themselves, `settings` refuses.

use portcullis_plugin::log;
use serde_json::Value;

use crate::assertion;
use crate::bearer::SECRET_MIN;
use crate::port::Call;
use crate::settings::Authentication;

/// Writes each to the log, as an error.
pub(crate) fn tell(call: Call<'_>) {
    let settings = call.settings;
    let secrets = [
        ("upstream.clientSecret", &settings.upstream.client_secret, 1),
        ("introspectionSecret", &settings.introspection_secret, SECRET_MIN),
        ("operatorSecret", &settings.operator_secret, SECRET_MIN),
    ];
    let secrets = secrets.into_iter().filter_map(|(setting, name, least)| secret(call, setting, name.as_deref()?, least));
    secrets.chain(ring(call)).chain(scope(call)).for_each(|finding| log::error(&finding));
}

fn secret(call: Call<'_>, setting: &str, name: &str, least: usize) -> Option<String> {
    let wrong = match call.host.secret(name) {
        Some(secret) if secret.len() >= least => return None,
        Some(_) => {
            ["has fewer than ", &least.to_string(), " bytes: put a longer one there, e.g. of `openssl rand -base64 32`"].concat()
        }
        None => "cannot be read: name it in the plugin's grant `secrets.names` and under `secrets`".to_owned(),
    };
    Some(["`", setting, "` opens nothing: secret `", name, "` ", &wrong].concat())
}

/// Nobody gets a token without a ring, and nobody logs in if the provider cannot check its signatures.
fn ring(call: Call<'_>) -> Option<String> {
    let ring = &call.settings.ring;
    let keys = match call.host.public_keys(ring) {
        Ok(keys) => keys,
        Err(problem) => return Some(["`ring`: ", ring, " signs nothing: ", &problem.message].concat()),
    };
    let keys: Value = serde_json::from_str(&keys).unwrap_or_default();
    let none = keys.get("keys").and_then(Value::as_array).is_none_or(Vec::is_empty);
    (none && call.settings.upstream.authentication == Authentication::PrivateKey).then(|| assertion::symmetric(ring))
}

fn scope(call: Call<'_>) -> Option<String> {
    let scope = call.settings.logins_scope.as_ref().filter(|_| call.logins_scope().is_none())?;
    let why = "` opens nothing: it is advertised, so that every client would have it: give `loginsScope` another name, or null";
    Some(["`loginsScope`: `", scope, why].concat())
}
