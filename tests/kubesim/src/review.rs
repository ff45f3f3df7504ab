//! SelfSubjectAccessReview and SelfSubjectRulesReview: what the caller may do, by its own account.
//! Must not decide; `auth.rs` does.

use serde_json::{Value, json};

use crate::auth::{Ask, Directory, Identity, Rule};
use crate::object::{at, put, text};

/// Answers a review, if the path names one.
pub(crate) fn answer(directory: &Directory, who: &Identity, segments: &[&str], body: &Value) -> Option<Value> {
    let mut reply = body.clone();
    let status = match segments {
        ["apis", "authorization.k8s.io", "v1", "selfsubjectaccessreviews"] => access(directory, who, body),
        ["apis", "authorization.k8s.io", "v1", "selfsubjectrulesreviews"] => rules(directory, who, body),
        _ => return None,
    };
    put(&mut reply, &["status"], status);
    Some(reply)
}

fn access(directory: &Directory, who: &Identity, body: &Value) -> Value {
    let about = at(body, &["spec", "resourceAttributes"]);
    let field = |name: &str| text(about, &[name]);
    let resource = match field("subresource") {
        "" => field("resource").to_owned(),
        subresource => format!("{}/{subresource}", field("resource")),
    };
    let ask = Ask {
        verb: field("verb"),
        group: field("group"),
        resource: &resource,
        namespace: field("namespace"),
        name: field("name"),
    };
    let allowed = about.is_object() && directory.allows(who, &ask);
    if allowed { json!({"allowed": true, "reason": ""}) } else { json!({"allowed": false}) }
}

fn rules(directory: &Directory, who: &Identity, body: &Value) -> Value {
    let rules = directory.rules_in(who, text(body, &["spec", "namespace"]));
    let rules: Vec<Value> = rules.iter().map(Rule::to_json).collect();
    json!({"resourceRules": rules, "nonResourceRules": [], "incomplete": false})
}
