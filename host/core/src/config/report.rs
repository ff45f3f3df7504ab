//! Collects findings about one configuration file and gives each its place. No rules.

use super::path::KeyPath;
use super::tree::{Position, Tree};
use crate::finding::{Finding, Place};

/// Findings on one file.
pub(crate) struct Report<'a> {
    file: &'a str,
    tree: &'a Tree,
    findings: Vec<Finding>,
}

impl<'a> Report<'a> {
    /// An empty one.
    pub(crate) fn new(file: &'a str, tree: &'a Tree) -> Self {
        Self { file, tree, findings: Vec::new() }
    }

    /// An error without a hint: the message already says what to do.
    pub(crate) fn error(&mut self, path: &KeyPath, message: String) {
        self.hinted(path, message, None);
    }

    /// An error, with what to type next if that is known.
    pub(crate) fn hinted(&mut self, path: &KeyPath, message: String, hint: Option<String>) {
        self.add(Finding { hint, ..Finding::error(path.to_string(), message) }, self.tree.position(path));
    }

    /// An error about a key rather than its value.
    pub(crate) fn about_key(&mut self, path: &KeyPath, message: String, hint: String) {
        self.add(Finding::error(path.to_string(), message).hint(hint), self.tree.key_position(path));
    }

    /// A warning.
    pub(crate) fn warning(&mut self, path: &KeyPath, message: String, hint: String) {
        self.add(Finding::warning(path.to_string(), message).hint(hint), self.tree.position(path));
    }

    fn add(&mut self, finding: Finding, (line, column): Position) {
        self.findings.push(finding.at(Place { file: self.file.to_owned(), line, column }));
    }

    /// Whether anything found so far stops the configuration.
    pub(crate) fn has_errors(&self) -> bool {
        self.findings.iter().any(Finding::is_error)
    }

    /// All of them, in the order of the file.
    pub(crate) fn into_findings(mut self) -> Vec<Finding> {
        self.findings.sort_by_key(|finding| finding.place.as_ref().map(|place| (place.line, place.column)));
        self.findings
    }
}
