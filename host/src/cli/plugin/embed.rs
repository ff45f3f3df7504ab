//! Puts `plugin.yaml` into a component as a custom section at its top level, replacing one that is there.
//! Source: WebAssembly component model, Binary.md (a component is a preamble and sections; id 0 is a custom section).

use std::borrow::Cow;

use anyhow::Context as _;
use portcullis_core::manifest::SECTION;
use wasm_encoder::{ComponentSection as _, CustomSection};

/// Bytes of magic, version and layer.
const PREAMBLE: usize = 8;

/// The component with `yaml` as its only top-level manifest.
pub(super) fn manifest(component: &[u8], yaml: &str) -> anyhow::Result<Vec<u8>> {
    let (preamble, mut rest) = component.split_at_checked(PREAMBLE).context("the file is too short for a component")?;
    let mut out = preamble.to_vec();
    while !rest.is_empty() {
        let (section, after) = section(rest).context("the file is not a WebAssembly component: a section is cut off")?;
        if !is_manifest(section) {
            out.extend_from_slice(section);
        }
        rest = after;
    }
    CustomSection { name: Cow::Borrowed(SECTION), data: Cow::Borrowed(yaml.as_bytes()) }.append_to_component(&mut out);
    Ok(out)
}

/// The first section whole (id, size, content), and what follows it.
fn section(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (size, width) = leb128(bytes.get(1..)?)?;
    bytes.split_at_checked((1 + width).checked_add(size)?)
}

fn is_manifest(section: &[u8]) -> bool {
    let name = || {
        let (_, width) = leb128(section.get(1..)?)?;
        let content = section.get(1 + width..)?;
        let (length, width) = leb128(content)?;
        content.get(width..width.checked_add(length)?)
    };
    section.first() == Some(&0) && name() == Some(SECTION.as_bytes())
}

/// An unsigned LEB128 of at most 32 bits, and its width.
fn leb128(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0_usize;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::manifest;

    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    #[test]
    fn a_manifest_is_embedded_once_however_often_it_is_done() {
        let once = manifest(EMPTY, "name: a").unwrap();
        assert_eq!(portcullis_sandbox::manifest_text(&once).unwrap().as_deref(), Some("name: a"));
        let twice = manifest(&once, "name: b").unwrap();
        assert_eq!(portcullis_sandbox::manifest_text(&twice).unwrap().as_deref(), Some("name: b"));
        assert_eq!(once.len(), twice.len());
    }

    #[test]
    fn a_file_that_is_cut_off_is_refused() {
        let whole = manifest(EMPTY, "name: a").unwrap();
        assert!(manifest(whole.get(..whole.len() - 1).unwrap(), "x").is_err());
        assert!(manifest(b"\0asm", "x").is_err());
    }
}
