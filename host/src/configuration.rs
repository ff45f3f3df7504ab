//! Reads the configuration file. What it means is `portcullis_core::config`'s business.

use std::path::Path;

use portcullis_core::config::{Config, Surroundings};
use portcullis_core::finding::{Finding, Place};

use crate::env;

/// The configuration and its warnings, or everything that is wrong with it. `live` is the one that serves now.
pub(crate) async fn read(file: &Path, live: Option<&Config>) -> Result<(Config, Vec<Finding>), Vec<Finding>> {
    let name = file.display().to_string();
    let unreadable = |error: std::io::Error| {
        let place = Place { file: name.clone(), line: 0, column: 0 };
        let hint = "`--config FILE` names another file; an empty file is a valid beginning";
        vec![Finding::error("configuration", format!("cannot be read: {error}")).hint(hint).at(place)]
    };
    let text = tokio::fs::read_to_string(file).await.map_err(unreadable)?;
    let path = std::path::absolute(file).map_err(unreadable)?;
    let base = path.parent().unwrap_or_else(|| Path::new("/"));
    let (cache, state, scopes) = (env::cache_directory(), env::state_directory(), env::oauth_scopes());
    let guarded = live.is_some_and(Config::is_guarded);
    Config::parse(&text, Surroundings { file: &name, base, cache: &cache, state: &state, scopes: scopes.as_deref(), guarded })
}
