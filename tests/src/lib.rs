//! What integration tests share: components built from source, the host as a process, programs by others, a browser and an OAuth client, the host's services by
//! hand. No tests live here; they are in `tests/it`.

pub mod application;
pub mod browser;
pub mod components;
pub mod foreign;
pub mod host;
pub mod idp;
pub mod logins;
pub mod ports;

/// Path of a guest of `tests/guests/examples`, built as a component. A guest that does not exist does not compile; one that no test
/// names fails a test (`tests/it/guests_named.rs`).
///
/// ```no_run
/// # fn main() -> anyhow::Result<()> {
/// let component = std::fs::read(portcullis_tests::guest!("add")?)?;
/// # Ok(())
/// # }
/// ```
#[macro_export]
macro_rules! guest {
    ($name:literal) => {{
        const _: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/guests/examples/", $name, ".rs"));
        $crate::components::guest($name)
    }};
}
