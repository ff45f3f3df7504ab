//! Content blocks and resources, from WIT to core.

use portcullis_core::content::{Blob, Content, ResourceBody, ResourceContents, ResourceLink};

use super::{Breach, Scale};
use crate::bindings::types;

/// Bytes that a block weighs besides its text: what it takes in memory, so that a million empty blocks are not free.
const BLOCK: usize = 32;

/// One block.
pub(crate) fn block(block: types::Content, scale: &mut Scale) -> Result<Content, Breach> {
    scale.weigh(match &block {
        types::Content::Text(_) => 0,
        _ => BLOCK,
    })?;
    Ok(match block {
        types::Content::Text(text) => Content::Text(scale.text(text)?),
        types::Content::Image(image) => Content::Image(blob(image, scale)?),
        types::Content::Audio(audio) => Content::Audio(blob(audio, scale)?),
        types::Content::ResourceLink(one) => Content::ResourceLink(link(one, scale)?),
        types::Content::EmbeddedResource(one) => Content::EmbeddedResource(contents(one, scale)?),
    })
}

fn blob(blob: types::Blob, scale: &mut Scale) -> Result<Blob, Breach> {
    scale.weigh(blob.data.len())?;
    Ok(Blob { data: blob.data, mime_type: scale.text(blob.mime_type)? })
}

/// A pointer to a resource.
pub(crate) fn link(link: types::ResourceLink, scale: &mut Scale) -> Result<ResourceLink, Breach> {
    Ok(ResourceLink {
        uri: scale.text(link.uri)?,
        name: scale.text(link.name)?,
        title: scale.maybe(link.title)?,
        description: scale.maybe(link.description)?,
        mime_type: scale.maybe(link.mime_type)?,
        size: link.size,
    })
}

/// A resource with its body.
pub(crate) fn contents(contents: types::ResourceContents, scale: &mut Scale) -> Result<ResourceContents, Breach> {
    let body = match contents.body {
        types::ResourceBody::Text(text) => ResourceBody::Text(scale.text(text)?),
        types::ResourceBody::Blob(data) => {
            scale.weigh(data.len())?;
            ResourceBody::Blob(data)
        }
    };
    Ok(ResourceContents { uri: scale.text(contents.uri)?, mime_type: scale.maybe(contents.mime_type)?, body })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::{Breach, Scale, block};
    use crate::bindings::types;
    use portcullis_core::content::Content;

    #[test]
    fn binary_is_weighed_as_bytes() {
        let image = || types::Content::Image(types::Blob { data: vec![0; 100], mime_type: "image/png".into() });
        assert!(matches!(block(image(), &mut Scale::new(200)).unwrap(), Content::Image(blob) if blob.data.len() == 100));
        assert_eq!(block(image(), &mut Scale::new(100)), Err(Breach::Output));
    }
}
