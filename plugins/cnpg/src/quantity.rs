//! Kubernetes quantities (`10Gi`, `500M`, `1e9`), enough to compare sizes. Source: apimachinery `resource.Quantity`.

const SUFFIXES: &[(&str, f64)] = &[
    ("Ki", 1024.0),
    ("Mi", 1_048_576.0),
    ("Gi", 1_073_741_824.0),
    ("Ti", 1_099_511_627_776.0),
    ("Pi", 1_125_899_906_842_624.0),
    ("Ei", 1_152_921_504_606_846_976.0),
    ("m", 0.001),
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("P", 1e15),
    ("E", 1e18),
    ("", 1.0),
];

/// The value in base units (bytes, cores); `None` if it is not a quantity.
pub(crate) fn value(text: &str) -> Option<f64> {
    let digits = text.len() - text.trim_start_matches(|one: char| one.is_ascii_digit() || one == '.').len();
    let (number, suffix) = text.split_at_checked(digits)?;
    let number: f64 = number.parse().ok()?;
    if let Some(exponent) = suffix.strip_prefix(['e', 'E']).filter(|rest| !rest.is_empty()) {
        return exponent.parse::<i32>().ok().map(|power| number * 10f64.powi(power));
    }
    SUFFIXES.iter().find(|(name, _)| *name == suffix).map(|(_, factor)| number * factor)
}

/// Whether it is a quantity greater than zero.
pub(crate) fn is_positive(text: &str) -> bool {
    value(text).is_some_and(|value| value > 0.0)
}

#[cfg(test)]
mod tests {
    use super::{is_positive, value};

    #[test]
    fn binary_and_decimal_suffixes_differ() {
        assert_eq!(value("1Gi"), Some(1_073_741_824.0));
        assert_eq!(value("1G"), Some(1e9));
        assert_eq!(value("500m"), Some(0.5));
        assert_eq!(value("1e3"), Some(1000.0));
        assert!(value("10Gi") > value("10G"));
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for bad in ["banana", "", "Gi", "10 Gi", "-1Gi", "0", "0Gi", "10GiB", "1.2.3"] {
            assert!(!is_positive(bad), "{bad}");
        }
    }
}
