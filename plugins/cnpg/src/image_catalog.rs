//! Image catalogs, of one namespace or of all: which image each carries for which major version. Reads, decides nothing.

use portcullis_plugin::kubernetes::{Kind, Read};
use serde_json::Value;

use crate::call::Call;
use crate::json::{integer, list, text};
use crate::kind::{CLUSTER_IMAGE_CATALOGS, IMAGE_CATALOGS};
use crate::problem::Problem;

/// Catalogs per list: there is rarely more than one per distribution.
const PAGE: u32 = 100;

/// Both kinds, as objects and as the API calls them; the one of the namespace first.
pub(crate) const KINDS: [(&str, Kind); 2] = [("ImageCatalog", IMAGE_CATALOGS), ("ClusterImageCatalog", CLUSTER_IMAGE_CATALOGS)];

/// One catalog.
pub(crate) struct Catalog {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    /// Major version and image.
    pub(crate) images: Vec<(i64, String)>,
}

impl Catalog {
    pub(crate) fn of(kind: &'static str, object: &Value) -> Self {
        let image = |one: &Value| Some((integer(one, "/major")?, text(one, "/image")?.to_owned()));
        let images = list(object, "/spec/images").iter().filter_map(image).collect();
        Self { kind, name: text(object, "/metadata/name").unwrap_or_default().into(), images }
    }

    /// The image for that major version.
    pub(crate) fn image(&self, major: i64) -> Option<&str> {
        self.images.iter().find(|(one, _)| *one == major).map(|(_, image)| image.as_str())
    }

    /// Its major versions, in words.
    pub(crate) fn majors(&self) -> String {
        let all: Vec<String> = self.images.iter().map(|(major, _)| major.to_string()).collect();
        if all.is_empty() { "none".into() } else { all.join(", ") }
    }

    /// `Kind/name`, which is unambiguous.
    pub(crate) fn reference(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }
}

/// The catalogs of the namespace and those of all, as far as they may be read, and why others may not. A kind that the server does
/// not know counts as none.
pub(crate) fn catalogs(call: &Call<'_>, namespace: &str) -> (Vec<Catalog>, Option<Problem>) {
    let reads: [Read; 2] = [
        IMAGE_CATALOGS.within(namespace).list().limit(PAGE).into(),
        CLUSTER_IMAGE_CATALOGS.everywhere().list().limit(PAGE).into(),
    ];
    let (mut out, mut unread) = (Vec::new(), None);
    for ((kind, _), found) in KINDS.into_iter().zip(call.read_many(&reads)) {
        match found {
            Ok(found) => out.extend(list(&found, "/items").iter().map(|one| Catalog::of(kind, one))),
            Err(problem) if problem.code == 404 => {}
            Err(problem) => unread = unread.or(Some(problem)),
        }
    }
    (out, unread)
}
