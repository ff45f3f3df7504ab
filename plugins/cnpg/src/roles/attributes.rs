//! From the parameters of create and update to the fields of a role, as a merge patch of its spec. What is `null` or left out stays.

use serde_json::{Map, Value};

use super::policy::identifier;
use super::role::{Role, Source};
use crate::json::{json, texts};
use crate::problem::Problem;
use crate::time;

/// Parameters that are named like their fields.
const FLAGS: [&str; 7] = ["login", "superuser", "inherit", "createdb", "createrole", "replication", "bypassrls"];
/// Parameters that `unset` takes, and their fields.
pub(crate) const UNSET: [&str; 4] = ["connection_limit", "valid_until", "comment", "in_roles"];

/// A boolean parameter that was given.
pub(crate) fn flag(input: &Value, name: &str) -> Option<bool> {
    input.get(name).and_then(Value::as_bool)
}

/// A text parameter that was given, the empty one included.
pub(crate) fn word<'a>(input: &'a Value, name: &str) -> Option<&'a str> {
    input.get(name).and_then(Value::as_str)
}

fn field(parameter: &str) -> &str {
    match parameter {
        "connection_limit" => "connectionLimit",
        "valid_until" => "validUntil",
        "in_roles" => "inRoles",
        other => other,
    }
}

/// What the call asks of the role, without what is so already.
pub(crate) fn changes(input: &Value, role: Option<Role<'_>>, source: Source) -> Result<Value, Problem> {
    let mut patch = Map::new();
    let mut set = |field: &str, value: Value| drop(patch.insert(field.into(), value));
    for name in FLAGS {
        flag(input, name).into_iter().for_each(|one| set(name, one.into()));
    }
    if let Some(limit) = input.get("connection_limit").and_then(Value::as_i64) {
        set("connectionLimit", limit.into());
    }
    if let Some(stamp) = word(input, "valid_until") {
        set("validUntil", moment(stamp)?.into());
    }
    word(input, "comment").into_iter().for_each(|one| set("comment", one.into()));
    memberships(input, role)?.into_iter().for_each(|one| set("inRoles", one.into()));
    match flag(input, "disable_password") {
        // D14: the two exclude each other.
        Some(true) => {
            [("disablePassword", Value::Bool(true)), ("passwordSecret", Value::Null)].map(|(key, one)| set(key, one)).len()
        }
        Some(false) => [("disablePassword", Value::Null)].map(|(key, one)| set(key, one)).len(),
        None => 0,
    };
    for name in texts(input, "/unset") {
        if input.get(name).is_some_and(|one| !one.is_null()) {
            return Err(Problem::argument("unset", format!("`{name}` is given a value by the same call"), "Choose one."));
        }
        set(field(name), Value::Null);
    }
    only_of_objects(input, source, &mut set)?;
    let patch: Map<String, Value> = patch.into_iter().filter(|(key, one)| !is_so(role, key, one)).collect();
    let patch = Value::Object(patch);
    certificate_needs_login(role, &patch)?;
    Ok(patch)
}

/// What entries of `spec.managed.roles` cannot have.
fn only_of_objects(input: &Value, source: Source, set: &mut dyn FnMut(&str, Value)) -> Result<(), Problem> {
    let certificate = flag(input, "client_certificate");
    let policy = word(input, "reclaim_policy");
    if source == Source::Inline {
        let (parameter, wanted) =
            if certificate == Some(true) { ("client_certificate", true) } else { ("reclaim_policy", policy == Some("delete")) };
        if wanted {
            let message =
                "a role in `spec.managed.roles` cannot have it: it takes a DatabaseRole, which CloudNativePG has since 1.30";
            return Err(Problem::argument(parameter, message, "Leave it out."));
        }
        return Ok(());
    }
    if let Some(wanted) = certificate {
        set("clientCertificate", if wanted { json!({"enabled": true}) } else { Value::Null });
    }
    policy.into_iter().for_each(|one| set("databaseRoleReclaimPolicy", one.into()));
    Ok(())
}

fn is_so(role: Option<Role<'_>>, field: &str, wanted: &Value) -> bool {
    let Some(role) = role else { return wanted.is_null() };
    match (role.spec.get(field), wanted) {
        (None, Value::Null) => true,
        (None, Value::Bool(wanted)) => *wanted == role.flag(field),
        (has, wanted) => has == Some(wanted),
    }
}

fn certificate_needs_login(role: Option<Role<'_>>, patch: &Value) -> Result<(), Problem> {
    let login = patch.get("login").and_then(Value::as_bool).unwrap_or_else(|| role.is_some_and(|one| one.flag("login")));
    let certificate = patch.get("clientCertificate").map_or_else(|| role.is_some_and(Role::has_certificate), Value::is_object);
    if certificate && !login {
        let message = "a role that cannot log in has no use for a certificate, and CloudNativePG refuses it";
        return Err(Problem::argument("client_certificate", message, "Pass `login: true`, or `client_certificate: false`."));
    }
    Ok(())
}

fn moment(stamp: &str) -> Result<&str, Problem> {
    let zoned = stamp.ends_with('Z') || stamp.get(19..).is_some_and(|rest| rest.contains(['+', '-']));
    if !zoned || time::seconds(stamp).is_none() {
        let message = format!("`{}` is not a moment", crate::text::short(stamp));
        return Err(Problem::argument("valid_until", message, "Write it in RFC 3339, e.g. `2027-01-31T00:00:00Z`."));
    }
    Ok(stamp)
}

/// The memberships as they shall be; `None`: as they are.
fn memberships(input: &Value, role: Option<Role<'_>>) -> Result<Option<Vec<String>>, Problem> {
    let given = |name: &str| input.get(name).is_some_and(Value::is_array);
    let (add, remove) = (texts(input, "/add_roles"), texts(input, "/remove_roles"));
    for (parameter, all) in [("in_roles", texts(input, "/in_roles")), ("add_roles", add.clone())] {
        all.iter().try_for_each(|one| identifier(parameter, one))?;
    }
    if given("in_roles") && (given("add_roles") || given("remove_roles")) {
        let message = "it replaces all memberships, and the same call adds or removes some";
        return Err(Problem::argument("in_roles", message, "Leave out `in_roles`, or `add_roles` and `remove_roles`."));
    }
    if !(given("in_roles") || given("add_roles") || given("remove_roles")) {
        return Ok(None);
    }
    let has = if given("in_roles") { texts(input, "/in_roles") } else { role.map(Role::in_roles).unwrap_or_default() };
    let mut wanted: Vec<String> = Vec::new();
    for one in has.into_iter().chain(add).filter(|one| !remove.contains(one)) {
        if !wanted.iter().any(|other| other == one) {
            wanted.push(one.into());
        }
    }
    Ok(Some(wanted))
}
