//! What is wrong with a cluster, by rules: each looks at what was read once and says what it found. A rule is one entry of a table, in
//! the file of its subject; it has a severity, a sentence, what to do, where CloudNativePG's documentation says more, and the next tool.
//! No rule asks the API server for anything.

mod backups;
mod control;
mod instances;
mod replication;
mod scene;
mod storage;

pub(crate) use scene::Scene;

/// How grave a finding is; the gravest come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// Data or service is lost, or about to be.
    Critical,
    /// Something does not work as it should, or would not in an emergency.
    Warning,
    /// Worth knowing.
    Info,
}

/// One rule.
pub(crate) struct Rule {
    pub(crate) id: &'static str,
    pub(crate) severity: Severity,
    /// What it means, in one sentence.
    pub(crate) says: &'static str,
    pub(crate) advice: &'static str,
    /// Page of CloudNativePG's documentation.
    pub(crate) doc: &'static str,
    /// The next tool; its arguments are name and namespace, and these (JSON text).
    pub(crate) next: (&'static str, &'static str),
    /// The evidence, if it applies.
    pub(crate) look: fn(&Scene<'_>) -> Option<String>,
}

/// All rules, by subject.
const SUBJECTS: [&[Rule]; 5] = [control::RULES, instances::RULES, storage::RULES, backups::RULES, replication::RULES];

/// All rules.
pub(crate) fn rules() -> impl Iterator<Item = &'static Rule> {
    SUBJECTS.into_iter().flatten()
}

impl Severity {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// What the rules found, the gravest first.
pub(crate) fn findings(scene: &Scene<'_>) -> Vec<(&'static Rule, String)> {
    let mut found: Vec<(&Rule, String)> =
        rules().filter_map(|rule| (rule.look)(scene).map(|evidence| (rule, evidence))).collect();
    found.sort_by_key(|(rule, _)| rule.severity);
    found
}
