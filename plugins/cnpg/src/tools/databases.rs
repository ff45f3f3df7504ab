//! Tools on databases, by way of Database objects.

mod create;
mod delete;
mod get_status;
mod list;
mod parts;
mod update;

use crate::catalogue::Entry;
use crate::declared::Declared;
use crate::kind::DATABASES;
use crate::parameter::{Parameter, Takes};

/// In the order in which a client lists them.
pub(crate) const TOOLS: &[&Entry] = &[&list::TOOL, &get_status::TOOL, &create::TOOL, &update::TOOL, &delete::TOOL];

/// What a Database declares.
const DATABASE: Declared = Declared {
    kind: DATABASES,
    word: "Database",
    noun: "database",
    parameter: "database_name",
    policy: "databaseReclaimPolicy",
    look: &["get_postgres_database_status", "list_postgres_databases"],
    delete_tool: "delete_postgres_database",
};

/// A database that exists.
const DATABASE_NAME: Parameter =
    Parameter::required("database_name", Takes::Text(""), "Name of the database in PostgreSQL, exactly as it is there.");

/// Create options: field of the spec and parameter.
const CREATE_OPTIONS: [&str; 9] = [
    "encoding",
    "locale",
    "localeProvider",
    "localeCollate",
    "localeCType",
    "icuLocale",
    "icuRules",
    "builtinLocale",
    "collationVersion",
];
