//! Builds plugins as components with cargo, once per test process; cargo's own fingerprints make a second build cheap. The guests get a
//! target directory of their own, since the outer cargo may hold the lock of the usual one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Context as _, bail};

/// The target triple of every plugin.
const TARGET: &str = "wasm32-wasip2";

/// What the outer cargo sets for its own build and the inner one must not inherit.
const NOT_INHERITED: [&str; 7] = [
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_TARGET_DIR",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
    "RUSTDOCFLAGS",
];

/// A guest of `tests/guests/examples`, as a component. Use the macro [`crate::guest!`].
///
/// # Errors
/// What cargo said, if the guests do not build.
pub fn guest(name: &str) -> anyhow::Result<PathBuf> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let built = || build("portcullis-guests", &["--examples"]).map_err(|error| format!("{error:#}"));
    match FOLDER.get_or_init(built) {
        Ok(folder) => Ok(folder.join("examples").join(name).with_extension("wasm")),
        Err(error) => bail!("{error}"),
    }
}

/// A plugin of the workspace by its package name, as a component.
///
/// # Errors
/// What cargo said, if it does not build.
pub fn plugin(package: &'static str) -> anyhow::Result<PathBuf> {
    static BUILT: Mutex<BTreeMap<&str, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(path) = built.get(package) {
        return Ok(path.clone());
    }
    let path = build(package, &["--lib"])?.join(package.replace('-', "_")).with_extension("wasm");
    built.insert(package, path.clone());
    Ok(path)
}

/// The workspace's folder.
#[must_use]
pub fn workspace() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests)
}

/// Cargo's target directory for guests.
#[must_use]
pub fn target() -> PathBuf {
    let outer = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from);
    workspace().join(outer).join("guests")
}

/// Runs cargo and returns the folder of what it built.
fn build(package: &str, what: &[&str]) -> anyhow::Result<PathBuf> {
    let target = target();
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for variable in NOT_INHERITED {
        cargo.env_remove(variable);
    }
    cargo.current_dir(workspace()).args(["build", "--quiet", "--profile", "plugin", "--target", TARGET, "--package", package]);
    let output = cargo.args(what).arg("--target-dir").arg(&target).output().context("cargo does not start")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{package} does not build for {TARGET} (is the target there? `rustup target add {TARGET}`):\n{said}");
    }
    Ok(target.join(TARGET).join("plugin"))
}
