//! Timestamps of the API server, as seconds and as ages for people. No clock here: callers say what time it is.

/// Seconds since 1970 of RFC 3339 in UTC, or of Go's `time.String()` (`2026-10-01 10:00:00 +0000 UTC`), which CloudNativePG
/// writes into `status.certificates.expirations`. Fractions are cut; an offset other than zero is taken into account.
pub(crate) fn seconds(stamp: &str) -> Option<i64> {
    let number = |from: usize, to: usize| stamp.get(from..to).and_then(|digits| digits.parse::<i64>().ok());
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let rest = stamp.get(19..)?.trim_start_matches(|one: char| one == '.' || one.is_ascii_digit()).trim_start();
    Some(days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset(rest)?)
}

fn offset(zone: &str) -> Option<i64> {
    let sign = match zone.bytes().next() {
        None | Some(b'Z') => return Some(0),
        Some(b'+') => 1,
        Some(b'-') => -1,
        Some(_) => return None,
    };
    let digits: String = zone.chars().take_while(|one| !one.is_whitespace()).filter(char::is_ascii_digit).collect();
    let hours: i64 = digits.get(0..2)?.parse().ok()?;
    let minutes: i64 = digits.get(2..4)?.parse().ok()?;
    Some(sign * (hours * 3600 + minutes * 60))
}

/// Days since 1970-01-01 of a civil date (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// A span the way kubectl writes it: two units where the second one matters.
pub(crate) fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |big: i64, big_unit: &str, small: i64, small_unit: &str| {
        if small == 0 { format!("{big}{big_unit}") } else { format!("{big}{big_unit}{small}{small_unit}") }
    };
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 => two(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(days, "d", hours % 24, "h"),
        _ => format!("{days}d"),
    }
}

/// How long ago a timestamp was; what does not parse is shown as it came.
pub(crate) fn age(stamp: Option<&str>, now: i64) -> String {
    let Some(stamp) = stamp else { return "unknown".into() };
    seconds(stamp).map_or_else(|| stamp.into(), |then| span(now - then))
}

#[cfg(test)]
mod tests {
    use super::{age, seconds, span};

    #[test]
    fn both_ways_to_write_a_moment_are_read() {
        assert_eq!(seconds("1970-01-02T00:00:01Z"), Some(86_401));
        assert_eq!(seconds("2026-10-01T10:00:00.123456Z"), seconds("2026-10-01 10:00:00 +0000 UTC"));
        assert_eq!(seconds("2026-10-01T12:00:00+02:00"), seconds("2026-10-01T10:00:00Z"));
        assert_eq!(seconds("2000-02-29T00:00:00Z"), Some(951_782_400));
    }

    #[test]
    fn what_is_not_a_moment_is_not_guessed() {
        assert_eq!(seconds("yesterday"), None);
        assert_eq!(age(Some("yesterday"), 0), "yesterday");
        assert_eq!(age(None, 0), "unknown");
    }

    #[test]
    fn spans_read_like_those_of_kubectl() {
        let written: Vec<_> = [5, 119, 150, 4000, 12_600, 90_000, 200_000, 900_000].map(span).into();
        assert_eq!(written, ["5s", "119s", "2m30s", "66m", "3h30m", "25h", "2d7h", "10d"]);
    }
}
