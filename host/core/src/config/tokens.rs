//! Bearer tokens of the configuration: names unique, hashes real, and what each may do.

use std::collections::BTreeMap;

use super::Token;
use super::path::KeyPath;
use super::raw::RawToken;
use super::report::Report;
use crate::manifest::is_dns_label;
use crate::policy::TokenRules;
use crate::secret::TokenHash;

const SHA256_HINT: &str = "the token's SHA-256 as 64 hexadecimal digits: printf %s \"$TOKEN\" | sha256sum";

/// Resolves all tokens.
pub(crate) fn resolve(raw: &[RawToken], report: &mut Report<'_>) -> BTreeMap<String, Token> {
    let mut tokens: BTreeMap<String, Token> = BTreeMap::new();
    for (index, token) in raw.iter().enumerate() {
        let path = KeyPath::root().key("tokens").index(index);
        check_name(&token.name, &path, report);
        check_rules(token, &path, report);
        let Some(hash) = read_hash(&token.sha256, &path.key("sha256"), report) else { continue };
        if let Some((twin, _)) = tokens.iter().find(|(_, other)| other.hash.matches(&hash)) {
            report.error(&path.key("sha256"), format!("is the hash of token `{twin}` too: each caller needs a token of its own"));
        }
        if tokens.insert(token.name.clone(), Token { hash, rules: rules(token) }).is_some() {
            report.error(&path.key("name"), format!("`{}` is taken by another token", token.name));
        }
    }
    tokens
}

fn check_name(name: &str, path: &KeyPath, report: &mut Report<'_>) {
    if !is_dns_label(name) {
        let hint = "lower-case letters, digits and hyphens, at most 63, beginning and ending with a letter or digit".to_owned();
        report.hinted(&path.key("name"), format!("`{name}` cannot name a caller"), Some(hint));
    }
}

fn read_hash(text: &str, path: &KeyPath, report: &mut Report<'_>) -> Option<TokenHash> {
    // The text is not repeated: somebody may have written the token itself.
    let hash = TokenHash::parse(text);
    match hash {
        None => report.hinted(path, "is not a SHA-256".to_owned(), Some(SHA256_HINT.to_owned())),
        Some(hash) if hash.matches(&TokenHash::of("")) => {
            report.hinted(path, "is the SHA-256 of nothing: was $TOKEN empty?".to_owned(), Some(SHA256_HINT.to_owned()));
        }
        Some(_) => {}
    }
    hash
}

fn check_rules(token: &RawToken, path: &KeyPath, report: &mut Report<'_>) {
    let lists = [("tools", &token.tools), ("prompts", &token.prompts), ("resources", &token.resources)];
    if lists.iter().all(|(_, list)| list.is_empty()) {
        let hint = "  tools: [\"*\"]      # or e.g. [\"list_*\", \"get_*\"]".to_owned();
        report.warning(path, format!("token `{}` may do nothing", token.name), hint);
    }
    for (key, list) in lists {
        for (index, _) in list.iter().enumerate().filter(|(_, pattern)| pattern.is_empty()) {
            report.error(&path.key(key).index(index), "is empty, and would match nothing".to_owned());
        }
    }
}

fn rules(token: &RawToken) -> TokenRules {
    TokenRules { tools: token.tools.clone(), prompts: token.prompts.clone(), resources: token.resources.clone() }
}
