//! What a role may not be given unless the host's operator allows it (setting `privilegedRoles`): attributes and memberships by which
//! its holder could leave the database's own permissions.

use serde_json::Value;

use super::Roles;
use super::role::Role;
use crate::call::Call;
use crate::json::texts;
use crate::problem::Problem;
use crate::settings::PrivilegedRoles;

/// Bytes of a PostgreSQL identifier (NAMEDATALEN - 1): it cuts longer ones silently.
const IDENTIFIER_MAX: usize = 63;
/// The same for input schemas. PostgreSQL takes control characters; nobody's terminal should.
pub(crate) const IDENTIFIER_PATTERN: &str = r"^[^\x00-\x1f\x7f]{1,63}$";

/// Attributes that pass over permissions. Source: PostgreSQL, "Role Attributes".
const ATTRIBUTES: [&str; 3] = ["superuser", "replication", "bypassrls"];
/// Roles whose members are as good as superusers. Source: PostgreSQL, "Predefined Roles": the file and program roles.
const POWERFUL: [&str; 5] =
    ["postgres", "streaming_replica", "pg_execute_server_program", "pg_read_server_files", "pg_write_server_files"];

/// Refuses names that PostgreSQL would not keep as they are written.
pub(crate) fn identifier(parameter: &str, name: &str) -> Result<(), Problem> {
    if name.is_empty() || name.len() > IDENTIFIER_MAX || name.chars().any(char::is_control) {
        let message = format!("{} bytes, or control characters, where PostgreSQL keeps 1 to {IDENTIFIER_MAX}", name.len());
        return Err(Problem::argument(parameter, message, "Use 1 to 63 bytes of printable text."));
    }
    Ok(())
}

/// Refuses names that PostgreSQL or CloudNativePG keep for themselves.
pub(crate) fn name(role: &str) -> Result<(), Problem> {
    identifier("role_name", role)?;
    let reserved = ["postgres", "streaming_replica"].contains(&role) || role.starts_with("pg_") || role.starts_with("cnpg_");
    if reserved {
        let message = format!("`{role}` is reserved by PostgreSQL or CloudNativePG");
        return Err(Problem::argument("role_name", message, "Choose a name that does not begin with `pg_` or `cnpg_`."));
    }
    Ok(())
}

/// Whether a role can do what permissions do not allow.
pub(crate) fn is_privileged(role: Role<'_>) -> bool {
    ATTRIBUTES.iter().any(|one| role.flag(one)) || role.in_roles().iter().any(|one| POWERFUL.contains(one))
}

/// Refuses a change that would make the role privileged, or more so.
pub(crate) fn check(call: &Call<'_>, roles: &Roles, role: Option<Role<'_>>, patch: &Value) -> Result<(), Problem> {
    if call.settings.privileged_roles == PrivilegedRoles::Allow {
        return Ok(());
    }
    let gained = |one: &&&str| patch.get(**one) == Some(&Value::Bool(true)) && !role.is_some_and(|role| role.flag(one));
    if let Some(attribute) = ATTRIBUTES.iter().find(gained) {
        return Err(refused(attribute, format!("a role with {} passes over permissions", attribute.to_uppercase())));
    }
    let has = role.map(Role::in_roles).unwrap_or_default();
    for group in texts(patch, "/inRoles").into_iter().filter(|one| !has.contains(one)) {
        if POWERFUL.contains(&group) || roles.find(group).is_some_and(is_privileged) {
            return Err(refused("in_roles", format!("a member of `{group}` passes over permissions")));
        }
    }
    Ok(())
}

/// Refuses what makes a superuser of whoever uses it.
pub(crate) fn superuser(call: &Call<'_>, parameter: &str, why: &str) -> Result<(), Problem> {
    if call.settings.privileged_roles == PrivilegedRoles::Allow {
        return Ok(());
    }
    Err(refused(parameter, why.into()))
}

/// Refuses to let the caller know the password of a privileged role; making a new one that nobody sees is fine.
pub(crate) fn password(call: &Call<'_>, role: Role<'_>) -> Result<(), Problem> {
    if call.settings.privileged_roles == PrivilegedRoles::Refuse && is_privileged(role) {
        return Err(refused("password", format!("whoever knows the password of `{}` passes over permissions", role.name())));
    }
    Ok(())
}

fn refused(parameter: &str, message: String) -> Problem {
    let hint = "The host's operator can allow it with this plugin's setting `privilegedRoles: allow`.";
    Problem { code: 403, reason: "PrivilegedRole".into(), ..Problem::argument(parameter, message, hint) }
}
