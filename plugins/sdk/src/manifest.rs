//! Embeds `plugin.yaml` in the component as the custom section `portcullis:plugin`, so that one .wasm is self-describing.
//! What the manifest may say is the host's business (`portcullis-core`, `manifest.rs`).

/// Embeds the text of `plugin.yaml`: `manifest!(include_str!("../plugin.yaml"))`. Once per component.
#[macro_export]
macro_rules! manifest {
    ($text:expr) => {
        const _: () = {
            const TEXT: &str = $text;
            #[cfg_attr(target_family = "wasm", unsafe(link_section = "portcullis:plugin"))]
            #[used]
            static MANIFEST: [u8; TEXT.len()] = $crate::manifest_bytes(TEXT);
        };
    };
}

/// The bytes of `text` as an array: a custom section holds data, not a pointer to it.
///
/// # Panics
/// While compiling, if `N` is not the length of `text`.
#[must_use]
pub const fn bytes<const N: usize>(text: &str) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(text.as_bytes());
    array
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn the_section_holds_the_text_byte_for_byte() {
        const TEXT: &str = "name: ä\n";
        assert_eq!(bytes::<{ TEXT.len() }>(TEXT), *TEXT.as_bytes());
    }
}
