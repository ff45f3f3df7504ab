//! One connection in the forms that applications take. A password is a reference in each of them: `PGPASSWORD` from the environment, or
//! the key of a Secret.

use serde_json::Value;

use super::get_info::{Connection, PORT};
use crate::json::json;
use crate::yaml;

/// All of them, by name.
pub(super) fn all(to: &Connection) -> Value {
    let (role, database) = (percent(&to.role), percent(&to.database));
    let host = &to.host;
    json!({
        "uri": format!("postgresql://{role}@{host}:{PORT}/{database}?sslmode=require"),
        "psql": format!("psql {}", shell(&format!("host={host} port={PORT} dbname={} user={} sslmode=require", conninfo(&to.database), conninfo(&to.role)))),
        "jdbc": format!("jdbc:postgresql://{host}:{PORT}/{database}?user={role}&sslmode=require"),
        "env": format!("PGHOST={host}\nPGPORT={PORT}\nPGDATABASE={}\nPGUSER={}\nPGSSLMODE=require", shell(&to.database), shell(&to.role)),
        "k8s-snippet": yaml::block(&json!({"env": variables(to)})),
    })
}

fn variables(to: &Connection) -> Value {
    let plain = |name: &str, value: &str| json!({"name": name, "value": value});
    let mut all = vec![
        plain("PGHOST", &to.host),
        plain("PGPORT", &PORT.to_string()),
        plain("PGDATABASE", &to.database),
        plain("PGUSER", &to.role),
        plain("PGSSLMODE", "require"),
    ];
    if let Some(secret) = &to.secret {
        all.push(json!({"name": "PGPASSWORD", "valueFrom": {"secretKeyRef": {"name": secret, "key": "password"}}}));
    }
    all.into()
}

/// Of a URI's component (RFC 3986): everything but the unreserved characters.
fn percent(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(one).collect()
}

/// A value of a libpq connection string.
fn conninfo(text: &str) -> String {
    let plain = text.bytes().all(|one| one.is_ascii_alphanumeric() || b"-_.".contains(&one));
    if plain { text.into() } else { format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")) }
}

/// A word of a POSIX shell.
fn shell(text: &str) -> String {
    let plain = !text.is_empty() && text.bytes().all(|one| one.is_ascii_alphanumeric() || b"-_.".contains(&one));
    if plain { text.into() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
