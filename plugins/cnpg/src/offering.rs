//! Which tools are listed, and why the others are not: the operator's profile, and the kinds that this API server has. Decided when the
//! plugin is loaded; a call asks the profile again.

use portcullis_plugin::kubernetes::Api;

use crate::catalogue::{self, Entry};
use crate::kind::CNPG;
use crate::profile::Profile;
use crate::served::Served;

/// Words of a tool's name, and the kind without which it can do nothing. The first that fits counts; roles work without their kind
/// (`spec.managed.roles`), clusters are what all the others are about.
const SUBJECTS: [(&str, &str); 6] = [
    ("scheduled_backup", "scheduledbackups"),
    ("backup", "backups"),
    ("pooler", "poolers"),
    ("database", "databases"),
    ("publication", "publications"),
    ("subscription", "subscriptions"),
];

/// Listed even where CloudNativePG is absent: somebody who asks must find a tool that says so, and that sees when it has come.
const ALWAYS: [&str; 2] = ["list_postgres_clusters", "get_operator_info"];

/// Which profiles have the tool, for the operator's eyes.
fn homes(entry: &Entry) -> String {
    let all = [
        ("reader", Profile::Reader),
        ("operator", Profile::Operator),
        ("provisioner", Profile::Provisioner),
        ("admin", Profile::Admin),
    ];
    all.into_iter().find(|(_, one)| one.includes(entry)).map_or_else(String::new, |(name, _)| name.to_owned())
}

/// Why the tool is not listed.
pub(crate) fn withheld(entry: &Entry, profile: Profile, served: Option<&Served>) -> Option<String> {
    if !profile.includes(entry) {
        return Some(format!(
            "`{}` is not part of the profile that this server hands out. Its operator can set `plugins.cnpg.settings.profile` to `{}`.",
            entry.name,
            homes(entry)
        ));
    }
    let served = served.filter(|_| !ALWAYS.contains(&entry.name))?;
    let subject = SUBJECTS.iter().find(|(words, _)| entry.name.contains(words)).map_or("clusters", |(_, kind)| kind);
    (!served.has(subject)).then(|| {
        format!(
            "`{}` needs the kind `{subject}.{CNPG}`, which this API server did not have when this server last looked: CloudNativePG is not installed there, or is too old for it. `get_operator_info` looks again.",
            entry.name
        )
    })
}

/// The kinds of this server; `None` if it did not answer, and then nothing is withheld for lack of them: it may come back.
pub(crate) fn served(api: &dyn Api) -> Option<Served> {
    match api.discover(CNPG, "v1") {
        Ok(reply) => serde_json::from_str(&reply.body).ok().map(Served::of),
        Err(status) if status.code == 404 => Some(Served::none()),
        Err(_) => None,
    }
}

/// The tools to list; `withhold` hears of the others.
pub(crate) fn listed(profile: Profile, served: Option<&Served>, mut withhold: impl FnMut(&str, &str)) -> Vec<&'static Entry> {
    let mut listed = Vec::new();
    for entry in catalogue::all() {
        match withheld(entry, profile, served) {
            Some(reason) => withhold(entry.name, &reason),
            None => listed.push(entry),
        }
    }
    listed
}
