//! Which parameter of the role tools stands behind a refusal of the API server: fields of a DatabaseRole or of an entry of
//! `spec.managed.roles`, and the CEL messages of the CRD, which name no field.

use crate::problem::Problem;

/// Field below `spec`, and the parameter.
const FIELDS: [(&str, &str); 10] = [
    ("name", "role_name"),
    ("cluster", "cluster_name"),
    ("connectionLimit", "connection_limit"),
    ("validUntil", "valid_until"),
    ("inRoles", "in_roles"),
    ("databaseRoleReclaimPolicy", "reclaim_policy"),
    ("disablePassword", "disable_password"),
    ("passwordSecret", "disable_password"),
    ("clientCertificate", "client_certificate"),
    ("ensure", "role_name"),
];
/// Words of a CEL message, the more exact first, and the parameter.
const MESSAGES: [(&str, &str); 4] = [
    ("passwordSecret and disablePassword", "disable_password"),
    ("clientCertificate requires", "client_certificate"),
    ("cluster reference", "cluster_name"),
    ("name", "role_name"),
];

/// The problem with parameters beside its causes.
pub(crate) fn named(mut problem: Problem) -> Problem {
    for one in &mut problem.causes {
        let by_message = MESSAGES.iter().find(|(words, _)| one.message.contains(words));
        let parameter = of_field(&one.field).or_else(|| by_message.map(|(_, parameter)| (*parameter).to_owned()));
        one.parameter = parameter.or(one.parameter.take());
    }
    problem
}

fn of_field(field: &str) -> Option<String> {
    let below = field.strip_prefix("spec.")?;
    let below = below.strip_prefix("managed.roles").map_or(below, |rest| rest.split_once('.').map_or("", |(_, last)| last));
    let first = below.split(['.', '[']).next().filter(|one| !one.is_empty())?;
    let known = FIELDS.iter().find(|(name, _)| *name == first).map(|(_, parameter)| (*parameter).to_owned());
    Some(known.unwrap_or_else(|| first.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::named;
    use crate::problem::{Cause, Problem};

    fn parameter(field: &str, message: &str) -> Option<String> {
        let cause = Cause { parameter: None, field: field.into(), message: message.into() };
        named(Problem { causes: vec![cause], ..Problem::default() }).causes.remove(0).parameter
    }

    #[test]
    fn fields_and_cel_messages_name_the_parameter() {
        for (field, message, wanted) in [
            ("spec.connectionLimit", "", "connection_limit"),
            ("spec.managed.roles[2].inRoles[0]", "", "in_roles"),
            ("spec.login", "", "login"),
            ("spec", "passwordSecret and disablePassword are mutually exclusive", "disable_password"),
            ("spec", "clientCertificate requires the role to have login enabled", "client_certificate"),
            ("spec", "role names starting with pg_ are reserved by PostgreSQL", "role_name"),
            ("spec.cluster", "cluster reference is immutable after creation", "cluster_name"),
        ] {
            assert_eq!(parameter(field, message).as_deref(), Some(wanted), "{field} {message}");
        }
        assert_eq!(parameter("metadata.labels", "odd"), None);
    }
}
