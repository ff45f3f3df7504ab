//! Which image a new cluster gets. Never one that nobody named: the caller's image, a catalog of this Kubernetes, a repository that
//! the host's operator configured, or else the default of CloudNativePG.

use super::input::Input;
use crate::call::Call;
use crate::image;
use crate::image_catalog::{Catalog, catalogs};
use crate::problem::Problem;

/// The choice.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Image {
    /// CloudNativePG's own.
    Default,
    Name(String),
    Catalog {
        kind: String,
        name: String,
        major: i64,
    },
}

/// Decides.
pub(super) fn resolve(call: &Call<'_>, input: &Input, namespace: &str) -> Result<Image, Problem> {
    let version = input.postgres_version.as_ref().map(super::input::Version::text);
    match (&input.container_image, &input.image_catalog, version) {
        (Some(_), Some(_), _) => Err(Problem::argument(
            "container_image",
            "CloudNativePG takes an image or an image catalog, not both",
            "Leave out `container_image` or `image_catalog`.",
        )),
        (Some(image), None, version) => named(image, version.as_deref()),
        (None, Some(catalog), Some(version)) => from_catalog(call, catalog, &version, namespace),
        (None, Some(_), None) => Err(Problem::argument(
            "postgres_version",
            "an image catalog holds one image per major version",
            "Say which major version, e.g. `postgres_version: \"17\"`.",
        )),
        (None, None, Some(version)) => by_version(call, &version, namespace),
        (None, None, None) => Ok(Image::Default),
    }
}

/// The tag must be a version: CloudNativePG reads the major version from it.
fn named(image: &str, version: Option<&str>) -> Result<Image, Problem> {
    let Some(tag) = image::tag(image) else {
        let message =
            format!("the tag of `{image}` is not a PostgreSQL version, and CloudNativePG refuses `latest` and bare digests");
        return Err(Problem::argument("container_image", message, "Use a tag that begins with the version, e.g. `:17.5`."));
    };
    let leading = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    if let Some(version) = version.filter(|version| leading(version) != leading(tag)) {
        let message = format!("`{version}` contradicts the image's tag `{tag}`");
        return Err(Problem::argument("postgres_version", message, "Leave out `postgres_version`: the image decides."));
    }
    Ok(Image::Name(image.into()))
}

fn major(version: &str) -> Result<i64, Problem> {
    let refuse = || {
        Problem::argument(
            "postgres_version",
            format!("image catalogs hold major versions, not `{version}`"),
            "Give the major version only, or a `container_image` with exactly this version.",
        )
    };
    version.parse().map_err(|_| refuse())
}

fn from_catalog(call: &Call<'_>, catalog: &str, version: &str, namespace: &str) -> Result<Image, Problem> {
    let major = major(version)?;
    if let Some((kind, name)) = catalog.split_once('/') {
        if !matches!(kind, "ImageCatalog" | "ClusterImageCatalog") {
            let message = format!("`{kind}` is not a kind of image catalog");
            return Err(Problem::argument("image_catalog", message, "Write `ImageCatalog/name` or `ClusterImageCatalog/name`."));
        }
        return Ok(Image::Catalog { kind: kind.into(), name: name.into(), major });
    }
    let (found, unread) = catalogs(call, namespace);
    let matching = found.into_iter().find(|one| one.name == catalog);
    let Some(matching) = matching else {
        if let Some(problem) = unread {
            return Err(problem);
        }
        let message = format!("there is no image catalog `{catalog}` in namespace `{namespace}` or cluster-wide");
        return Err(Problem::argument("image_catalog", message, "Check the name, or use `container_image`."));
    };
    if matching.image(major).is_none() {
        let message = format!("catalog `{catalog}` has {}, not {major}", matching.majors());
        return Err(Problem::argument("postgres_version", message, "Choose one that it has."));
    }
    Ok(Image::Catalog { kind: matching.kind.into(), name: matching.name, major })
}

/// A catalog that carries it, else the operator's repository; otherwise it says what to do.
fn by_version(call: &Call<'_>, version: &str, namespace: &str) -> Result<Image, Problem> {
    let repository = call.settings.image_repository.as_ref();
    let tagged = repository.map(|repository| Image::Name(format!("{repository}:{version}")));
    let Ok(major) = version.parse::<i64>() else {
        return tagged.ok_or_else(|| unresolved(version, &[]));
    };
    let (found, unread) = catalogs(call, namespace);
    let mut carrying: Vec<Catalog> = found.into_iter().filter(|one| one.image(major).is_some()).collect();
    // A catalog of the namespace was put there for it.
    if carrying.iter().filter(|one| one.kind == "ImageCatalog").count() == 1 {
        carrying.retain(|one| one.kind == "ImageCatalog");
    }
    match carrying.as_slice() {
        [one] => Ok(Image::Catalog { kind: one.kind.into(), name: one.name.clone(), major }),
        // Where some could not be read, that is why none carries it.
        [] => tagged.ok_or_else(|| unread.unwrap_or_else(|| unresolved(version, &[]))),
        several => tagged.ok_or_else(|| unresolved(version, several)),
    }
}

fn unresolved(version: &str, several: &[Catalog]) -> Problem {
    if several.is_empty() {
        let message = format!("no image catalog carries PostgreSQL {version}, and this server makes up no image");
        let hint = "Leave out `postgres_version` for CloudNativePG's default, or give `container_image`. The host's operator can set `imageRepository` in this plugin's settings, or install an image catalog.";
        return Problem::argument("postgres_version", message, hint);
    }
    let names: Vec<String> = several.iter().map(|one| format!("`{}`", one.reference())).collect();
    let message = format!("several image catalogs carry PostgreSQL {version}: {}", names.join(", "));
    Problem::argument("postgres_version", message, "Say which one with `image_catalog`.")
}
