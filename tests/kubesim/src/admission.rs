//! Some of the rules that CloudNativePG's own webhook enforces on clusters, and the warnings it gives.
//! Must not repeat the schema. Source: CNPG `internal/webhook/v1/cluster_webhook.go`; runs on create and update
//! of the main resource (dry run included), never on `/status` or `/scale`.

use serde_json::{Value, json};

use crate::error::{ApiError, Cause};
use crate::kind::ResourceType;
use crate::object::{at, name, text};

/// Longest name of a cluster (letters, 50): its pods' and services' names append to it and stay labels.
const NAME_MAX: usize = 50;

/// Judges an object; gives the warnings.
///
/// # Errors
/// 422 as a webhook denies, with a cause per field.
pub(crate) fn admit(kind: &ResourceType, live: Option<&Value>, new: &Value) -> Result<Vec<String>, ApiError> {
    if kind.group_resource() != "clusters.postgresql.cnpg.io" || is_switched_off(new) {
        return Ok(Vec::new());
    }
    let found = [name_causes(new), image_causes(new), instance_causes(new), size_causes(live, new)].concat();
    if found.is_empty() {
        return Ok(warnings(new));
    }
    let mut error = ApiError::invalid("Cluster", "cluster.cnpg.io", name(new), &found);
    error.message = format!("admission webhook \"vcluster.cnpg.io\" denied the request: {}", error.message);
    Err(error)
}

fn is_switched_off(new: &Value) -> bool {
    text(new, &["metadata", "annotations", "cnpg.io/validation"]) == "disabled"
}

fn name_causes(new: &Value) -> Vec<Cause> {
    let name = name(new);
    let starts = name.starts_with(|letter: char| letter.is_ascii_lowercase());
    let mut causes = Vec::new();
    if !starts || name.contains('.') {
        let detail = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic \
            character, and end with an alphanumeric character";
        causes.push(Cause::invalid("metadata.name", &json!(name), detail));
    }
    if name.len() > NAME_MAX {
        let detail = format!("the maximum length of a cluster name is {NAME_MAX} characters");
        causes.push(Cause::invalid("metadata.name", &json!(name), detail));
    }
    causes
}

fn image_causes(new: &Value) -> Vec<Cause> {
    let image = text(new, &["spec", "imageName"]);
    let without_digest = image.split('@').next().unwrap_or_default();
    let last = without_digest.rsplit('/').next().unwrap_or_default();
    let tag = last.split_once(':').map_or("", |(_, tag)| tag);
    let detail = match (image, tag) {
        ("", _) => return Vec::new(),
        (image, "") if image.contains('@') => "Can't use just the image sha as we can't detect upgrades",
        (_, "latest" | "") => "Can't use 'latest' as image tag as we can't detect upgrades",
        (_, tag) if tag.starts_with(|letter: char| letter.is_ascii_digit()) => return Vec::new(),
        _ => "invalid version tag",
    };
    vec![Cause::invalid("spec.imageName", &json!(image), detail)]
}

fn instance_causes(new: &Value) -> Vec<Cause> {
    let number = |field: &str| at(new, &["spec", field]).as_i64().unwrap_or_default();
    let mut causes = Vec::new();
    if number("instances") < 1 {
        let detail = "spec.instances in body should be greater than or equal to 1";
        causes.push(Cause::invalid("spec.instances", &json!(number("instances")), detail));
    }
    for field in ["maxSyncReplicas", "minSyncReplicas"] {
        if number(field) > 0 && number(field) >= number("instances") {
            let path = format!("spec.{field}");
            causes.push(Cause::invalid(
                path,
                &json!(number(field)),
                format!("{field} must be lower than the number of instances"),
            ));
        }
    }
    if text(new, &["spec", "primaryUpdateStrategy"]) == "supervised" && number("instances") == 1 {
        let detail = "supervised update strategy is not allowed for clusters with a single instance";
        causes.push(Cause::invalid("spec.primaryUpdateStrategy", &json!("supervised"), detail));
    }
    causes
}

fn size_causes(live: Option<&Value>, new: &Value) -> Vec<Cause> {
    let cause = |volume: &str| {
        let path = ["spec", volume, "size"];
        let (before, after) = (text(live?, &path), text(new, &path));
        let field = format!("spec.{volume}.size");
        match (bytes(before), bytes(after)) {
            (_, None) if !after.is_empty() => Some(Cause::invalid(field, &json!(after), "Size value isn't valid")),
            (Some(before_size), Some(size)) if size < before_size => {
                Some(Cause::invalid(field, &json!(after), format!("can't shrink existing storage from {before} to {after}")))
            }
            _ => None,
        }
    };
    let broken = |volume: &str| {
        let size = text(new, &["spec", volume, "size"]);
        let is_broken = live.is_none() && !size.is_empty() && bytes(size).is_none();
        is_broken.then(|| Cause::invalid(format!("spec.{volume}.size"), &json!(size), "Size value isn't valid"))
    };
    ["storage", "walStorage"].into_iter().filter_map(|volume| cause(volume).or_else(|| broken(volume))).collect()
}

/// A quantity in bytes, if it is one with a decimal or binary suffix.
pub(crate) fn bytes(quantity: &str) -> Option<u128> {
    let split = quantity.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(quantity.len());
    let (number, suffix) = quantity.split_at_checked(split)?;
    let place = |units: &str, letter: &str| units.find(letter).and_then(|at| u32::try_from(at).ok());
    let factor = match suffix {
        "" => 1,
        binary if binary.len() == 2 && binary.ends_with('i') => 1024_u128.checked_pow(place("?KMGTPE", binary.get(..1)?)?)?,
        "k" => 1_000,
        decimal if decimal.len() == 1 => 1000_u128.checked_pow(place("??MGTPE", decimal)?)?,
        _ => return None,
    };
    number.parse::<u128>().ok()?.checked_mul(factor)
}

fn warnings(new: &Value) -> Vec<String> {
    let mut warnings = Vec::new();
    let has = |path: &[&str]| !at(new, path).is_null();
    if has(&["spec", "backup", "barmanObjectStore"]) {
        let text = "Native support for Barman Cloud backups and recovery is deprecated and will be completely removed in CloudNativePG 1.31.0. \
            Found usage in: spec.backup.barmanObjectStore. Please migrate existing clusters to the new Barman Cloud Plugin to ensure a smooth transition.";
        warnings.push(text.to_owned());
    }
    if at(new, &["spec", "nodeMaintenanceWindow", "inProgress"]) == &json!(true) {
        warnings
            .push("Consider using the hibernation feature or a PodDisruptionBudget in place of nodeMaintenanceWindow".to_owned());
    }
    warnings
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn cluster(spec: &Value) -> Value {
        json!({"metadata": {"name": "db"}, "spec": spec})
    }

    fn verdict(live: Option<&Value>, new: &Value) -> Result<Vec<String>, Vec<String>> {
        let kinds = crate::definition::cnpg().unwrap();
        let kind = kinds.iter().filter_map(crate::definition::served).find(|kind| kind.plural == "clusters").unwrap();
        let fields = |error: ApiError| {
            crate::object::list(&error.details, &["causes"]).iter().map(|cause| text(cause, &["field"]).to_owned()).collect()
        };
        admit(&kind, live, new).map_err(fields)
    }

    #[test]
    fn storage_grows_and_never_shrinks() {
        let sized = |size: &str| cluster(&json!({"instances": 1, "storage": {"size": size}}));
        assert!(verdict(Some(&sized("1Gi")), &sized("1025Mi")).is_ok());
        assert_eq!(verdict(Some(&sized("1Gi")), &sized("1G")), Err(vec!["spec.storage.size".to_owned()]));
        assert_eq!(verdict(None, &sized("big")), Err(vec!["spec.storage.size".to_owned()]));
    }

    #[test]
    fn image_tags_are_versions() {
        let image = |image: &str| verdict(None, &cluster(&json!({"instances": 1, "imageName": image}))).is_ok();
        assert!(image("ghcr.io/cloudnative-pg/postgresql:17.5") && image("registry:5000/pg:16"));
        assert!(!image("pg:latest") && !image("pg") && !image("pg@sha256:0") && !image("pg:banana"));
    }

    #[test]
    fn names_fit_services_and_labels() {
        let named = |name: &str| verdict(None, &json!({"metadata": {"name": name}, "spec": {"instances": 1}})).is_ok();
        assert!(named("db-1") && !named("1db") && !named("a.b") && !named(&"a".repeat(51)));
    }

    #[test]
    fn an_in_tree_backup_is_a_warning_and_not_an_error() {
        let new = cluster(&json!({"instances": 1, "backup": {"barmanObjectStore": {}}}));
        assert_eq!(verdict(None, &new).unwrap().len(), 1);
    }

    #[test]
    fn a_single_instance_cannot_be_supervised() {
        let new = cluster(&json!({"instances": 1, "primaryUpdateStrategy": "supervised", "maxSyncReplicas": 1}));
        assert_eq!(verdict(None, &new).unwrap_err(), ["spec.maxSyncReplicas", "spec.primaryUpdateStrategy"]);
    }
}
