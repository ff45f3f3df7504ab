//! The plugin directory: which files are there, with their bytes. What they contain is the sandbox's business.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use portcullis_core::plugin::Digest;

/// One file of the plugin directory.
#[derive(Debug)]
pub(crate) struct PluginFile {
    /// Where.
    pub(crate) path: PathBuf,
    /// Its bytes and their digest, or why they could not be read.
    pub(crate) content: Result<(Arc<[u8]>, Digest), String>,
}

/// All `*.wasm` files directly in `directory`, by name. Hidden ones are left out: editors, kubelet and atomic writers leave such behind.
pub(crate) async fn read(directory: &Path) -> std::io::Result<Vec<PluginFile>> {
    let mut paths = Vec::new();
    let mut entries = tokio::fs::read_dir(directory).await?;
    while let Some(entry) = entries.next_entry().await? {
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !hidden && path.extension().is_some_and(|extension| extension == "wasm") {
            paths.push(path);
        }
    }
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let content = read_one(&path).await.map_err(|error| format!("cannot be read: {error}"));
        files.push(PluginFile { path, content });
    }
    Ok(files)
}

/// One file with its digest.
pub(crate) async fn read_one(path: &Path) -> std::io::Result<(Arc<[u8]>, Digest)> {
    let bytes: Arc<[u8]> = tokio::fs::read(path).await?.into();
    let hashed = Arc::clone(&bytes);
    // Hashing megabytes takes milliseconds: not on a thread that serves requests.
    let digest = tokio::task::spawn_blocking(move || Digest::of(&hashed)).await.map_err(std::io::Error::other)?;
    Ok((bytes, digest))
}
