//! The form that a client asks for in its Accept header: the object, a Table, or metadata alone.
//! Must not build any form. Syntax: Kubernetes API concepts, "Receiving resources as Tables".

use crate::error::ApiError;

/// A form of the reply.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Form {
    /// Objects as stored.
    Whole,
    /// A Table.
    Table,
    /// `PartialObjectMetadata`, alone or in a list.
    Metadata,
}

/// Reads an Accept header; the first form that is served wins.
///
/// # Errors
/// 406 if none is served, for example protobuf alone.
pub(crate) fn form(accept: &str) -> Result<Form, ApiError> {
    if accept.trim().is_empty() {
        return Ok(Form::Whole);
    }
    let message = "only the following media types are accepted: application/json";
    accept.split(',').find_map(one).ok_or_else(|| ApiError::new(406, "NotAcceptable", message))
}

fn one(range: &str) -> Option<Form> {
    let mut parts = range.split(';').map(str::trim);
    let media = parts.next()?;
    if !matches!(media, "application/json" | "application/*" | "*/*") {
        return None;
    }
    let parts: Vec<(&str, &str)> = parts.filter_map(|part| part.split_once('=')).collect();
    let part = |name: &str| parts.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
    match (part("as"), part("g"), part("v")) {
        (None, _, _) => Some(Form::Whole),
        (Some("Table"), Some("meta.k8s.io"), Some("v1")) => Some(Form::Table),
        (Some("PartialObjectMetadata" | "PartialObjectMetadataList"), Some("meta.k8s.io"), Some("v1")) => Some(Form::Metadata),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_served_form_wins() {
        let served = |accept: &str| form(accept).ok();
        assert_eq!(served(""), Some(Form::Whole));
        assert_eq!(served("application/json;as=Table;v=v1;g=meta.k8s.io,application/json"), Some(Form::Table));
        assert_eq!(served("application/json;as=Table;v=v2;g=meta.k8s.io, application/json"), Some(Form::Whole));
        assert_eq!(served("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"), Some(Form::Metadata));
        assert_eq!(served("application/vnd.kubernetes.protobuf"), None);
    }
}
