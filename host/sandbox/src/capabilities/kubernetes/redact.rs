//! Takes out of replies and refusals what would carry values of Secrets although only their metadata was granted.

use portcullis_core::kube::{KubeOrigin, KubeStatus};
use serde_json::Value;

/// `kubectl apply` keeps the whole object, values included, in this annotation.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The body without that annotation. Other bodies pass byte for byte, unparsed.
pub(super) fn annotations(body: String) -> String {
    if !body.contains("last-applied-configuration") {
        return body;
    }
    let Ok(mut value) = serde_json::from_str::<Value>(&body) else { return String::from("{}") };
    strip(&mut value);
    value.to_string()
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove(LAST_APPLIED);
            fields.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

/// What a delete answers: the API server may answer with the object that is going.
pub(super) fn deleted() -> String {
    r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success"}"#.to_owned()
}

/// A refused write of a Secret without the API server's words: of an object that does not decode or validate they quote the whole of it, with
/// the values that a patch was merged into. Code, reason and when to come back stay; the host's own refusals quote nothing.
pub(super) fn refused(status: KubeStatus, verb: &str) -> KubeStatus {
    if status.origin != KubeOrigin::ApiServer {
        return status;
    }
    let why =
        if status.code == 403 { format!(": its user cannot {verb} it, or an admission rule says no") } else { String::new() };
    let message = format!(
        "the API server refused to {verb} this Secret{why}; its own words are hidden, since they may quote values and the grant has no \
         `secretValues`"
    );
    KubeStatus { message, causes: Vec::new(), ..status }
}

#[cfg(test)]
mod tests {
    use super::annotations;

    #[test]
    fn the_copy_that_kubectl_keeps_is_taken_out_and_the_rest_stays() {
        let body = r#"{"items":[{"metadata":{"annotations":{"a":"b","kubectl.kubernetes.io/last-applied-configuration":"{\"data\":{\"p\":\"c2VjcmV0\"}}"}}}]}"#;
        let left = annotations(body.to_owned());
        assert_eq!(left, r#"{"items":[{"metadata":{"annotations":{"a":"b"}}}]}"#);
        assert_eq!(annotations("{ \"a\" : 1 }".to_owned()), "{ \"a\" : 1 }");
    }
}
