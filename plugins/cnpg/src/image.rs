//! What an image reference says of PostgreSQL: CloudNativePG reads the version from the tag, so we do too. Source: CloudNativePG,
//! "Image catalog", "Container image requirements".

/// Debian releases that the images of CloudNativePG are built on; the tag ends with one.
const DISTRIBUTIONS: [&str; 4] = ["buster", "bullseye", "bookworm", "trixie"];

/// The tag, if it begins with a version: neither `latest` nor a bare digest, which CloudNativePG refuses.
pub(crate) fn tag(image: &str) -> Option<&str> {
    let without_digest = image.split_once('@').map_or(image, |(before, _)| before);
    let last = without_digest.rsplit('/').next().unwrap_or_default();
    let (_, tag) = last.split_once(':')?;
    tag.starts_with(|one: char| one.is_ascii_digit()).then_some(tag)
}

/// Major and minor version of the tag; a tag like `17` has no minor one.
pub(crate) fn version(image: &str) -> Option<(i64, Option<i64>)> {
    let tag = tag(image)?;
    let number = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<i64>().ok();
    let minor = tag.split_once('.').filter(|(major, _)| major.bytes().all(|one| one.is_ascii_digit()));
    Some((number(tag)?, minor.and_then(|(_, rest)| number(rest))))
}

/// The Debian release, where the tag names one.
pub(crate) fn distribution(image: &str) -> Option<&'static str> {
    let tag = tag(image)?;
    DISTRIBUTIONS.into_iter().find(|one| tag.split('-').any(|part| part == *one))
}

#[cfg(test)]
mod tests {
    use super::{distribution, tag, version};

    #[test]
    fn the_tag_decides_and_neither_a_port_nor_a_digest_is_one() {
        assert_eq!(version("registry:5000/postgresql:17.5-system-trixie@sha256:00"), Some((17, Some(5))));
        assert_eq!(version("registry/postgresql:18"), Some((18, None)));
        assert_eq!(version("registry/postgresql:17-20260101.3"), Some((17, None)));
        for none in ["registry:5000/postgresql", "postgresql:latest", "postgresql@sha256:17", ""] {
            assert_eq!((tag(none), version(none)), (None, None), "{none}");
        }
    }

    #[test]
    fn the_distribution_is_the_tags() {
        assert_eq!(distribution("x/postgresql:17.5-standard-bookworm"), Some("bookworm"));
        assert_eq!(distribution("trixie/postgresql:17.5"), None);
    }
}
