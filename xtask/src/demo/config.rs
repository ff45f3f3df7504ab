//! The demo's `portcullis.yaml`. It grants the CNPG plugin what it requests, by copying `requests` of its plugin.yaml.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::tree;

/// Writes the file and answers with its path.
pub(crate) fn write(folder: &Path, listen: SocketAddr, plugins: &Path, kubeconfig: &Path) -> Result<PathBuf> {
    let manifest = tree::root().join("plugins/cnpg/plugin.yaml");
    let manifest = std::fs::read_to_string(&manifest).with_context(|| format!("could not read {}", manifest.display()))?;
    let file = folder.join("portcullis.yaml");
    std::fs::write(&file, text(folder, listen, plugins, kubeconfig, &manifest))
        .with_context(|| format!("could not write {}", file.display()))?;
    Ok(file)
}

fn text(folder: &Path, listen: SocketAddr, plugins: &Path, kubeconfig: &Path, manifest: &str) -> String {
    let mut text = format!(
        "# Written by `cargo xtask demo`.\nlisteners:\n  - name: main\n    address: {listen}\n    endpoints:\n      - path: /mcp\n        guard: none\n"
    );
    // Paths are quoted the way JSON does it, which YAML reads.
    let _ = writeln!(text, "pluginDirectory: {:?}", plugins.display().to_string());
    let _ = writeln!(text, "cacheDirectory: {:?}", folder.join("cache").display().to_string());
    let _ = writeln!(text, "kubernetes:\n  kubeconfig: {:?}", kubeconfig.display().to_string());
    // The folder has all plugins of this tree; what is said of these two is that they are not forgotten.
    text.push_str("plugins:\n  oauth-proxy:\n    enabled: false\n  oidc:\n    enabled: false\n  cnpg:\n    grants:\n");
    for line in requests(manifest) {
        let _ = writeln!(text, "    {line}");
    }
    text
}

/// The lines under `requests:`.
fn requests(manifest: &str) -> impl Iterator<Item = &str> {
    let block = manifest.lines().skip_while(|line| *line != "requests:").skip(1);
    block.take_while(|line| line.is_empty() || line.starts_with([' ', '#', '-']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grants_are_the_requests_of_the_manifest() {
        let manifest = "name: cnpg\nrequests:\n  log: true\n  kubernetes:\n    rules: []\nsettings:\n  type: object\n";
        let text = text(Path::new("demo"), ([127, 0, 0, 1], 1).into(), Path::new("p"), Path::new("k"), manifest);
        assert!(text.ends_with("    grants:\n      log: true\n      kubernetes:\n        rules: []\n"), "{text}");
    }
}
