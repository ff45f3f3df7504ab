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

/// The moment as RFC 3339 in UTC: `2026-11-21T12:00:00Z`.
pub(crate) fn rfc3339(seconds: i64) -> String {
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, date) = civil(day);
    format!("{year:04}-{month:02}-{date:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

/// The same as digits only, for names: `20261121120000`.
pub(crate) fn compact(seconds: i64) -> String {
    rfc3339(seconds).chars().filter(char::is_ascii_digit).collect()
}

/// The civil date of a day since 1970-01-01, the inverse of [`days`] (same source).
pub(crate) fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, date)
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
    use super::{age, compact, rfc3339, seconds, span};

    #[test]
    fn both_ways_to_write_a_moment_are_read() {
        assert_eq!(seconds("1970-01-02T00:00:01Z"), Some(86_401));
        assert_eq!(seconds("2026-10-01T10:00:00.123456Z"), seconds("2026-10-01 10:00:00 +0000 UTC"));
        assert_eq!(seconds("2026-10-01T12:00:00+02:00"), seconds("2026-10-01T10:00:00Z"));
        assert_eq!(seconds("2000-02-29T00:00:00Z"), Some(951_782_400));
    }

    #[test]
    fn a_moment_that_is_written_reads_back_the_same() {
        assert_eq!(rfc3339(1_795_262_400), "2026-11-21T12:00:00Z");
        for stamp in ["1970-01-01T00:00:00Z", "2000-02-29T23:59:59Z", "2027-12-31T00:00:01Z", "2100-03-01T00:00:00Z"] {
            assert_eq!(seconds(stamp).map(rfc3339).as_deref(), Some(stamp));
        }
    }

    #[test]
    fn what_is_not_a_moment_is_not_guessed() {
        assert_eq!(seconds("yesterday"), None);
        assert_eq!(age(Some("yesterday"), 0), "yesterday");
        assert_eq!(age(None, 0), "unknown");
    }

    #[test]
    fn a_moment_is_written_as_it_is_read() {
        for text in ["1970-01-01T00:00:00Z", "2000-02-29T23:59:59Z", "2026-11-21T12:00:00Z", "2100-03-01T00:00:01Z"] {
            assert_eq!(seconds(text).map(rfc3339).as_deref(), Some(text));
        }
        assert_eq!(compact(1_795_262_400), "20261121120000");
    }

    #[test]
    fn spans_read_like_those_of_kubectl() {
        let written: Vec<_> = [5, 119, 150, 4000, 12_600, 90_000, 200_000, 900_000].map(span).into();
        assert_eq!(written, ["5s", "119s", "2m30s", "66m", "3h30m", "25h", "2d7h", "10d"]);
    }
}
