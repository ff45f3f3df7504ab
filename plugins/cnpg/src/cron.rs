//! The schedules of ScheduledBackup. CloudNativePG reads six fields, seconds first (robfig/cron v1), and takes five as seconds, minutes,
//! hours, day, month: what a crontab means by `0 3 * * *` would run each hour. So five are read as crontab's and get a leading `0`.
//! Source: robfig/cron v1.2 `parser.go`, `spec.go`.

use crate::time;

/// How far ahead the next run is looked for, in days: a 29 February comes again within eight years.
const HORIZON_DAYS: i64 = 366 * 8;

/// Name of the field, least and greatest value, names of values from the least on.
const FIELDS: [(&str, u32, u32, &[&str]); 6] = [
    ("second", 0, 59, &[]),
    ("minute", 0, 59, &[]),
    ("hour", 0, 23, &[]),
    ("day of month", 1, 31, &[]),
    ("month", 1, 12, &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]),
    ("day of week", 0, 6, &["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
];

/// Words for whole schedules.
const WORDS: [(&str, &str); 7] = [
    ("@yearly", "0 0 0 1 1 *"),
    ("@annually", "0 0 0 1 1 *"),
    ("@monthly", "0 0 0 1 * *"),
    ("@weekly", "0 0 0 * * 0"),
    ("@daily", "0 0 0 * * *"),
    ("@midnight", "0 0 0 * * *"),
    ("@hourly", "0 0 * * * *"),
];

/// A schedule that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Schedule {
    /// With six fields, as it goes into the object.
    pub(crate) text: String,
    /// Whether a leading `0` was added.
    pub(crate) upgraded: bool,
    /// One bit per value.
    fields: [u64; 6],
    /// Whether day of month and day of week are both restricted: then either is enough.
    either_day: bool,
}

impl Schedule {
    /// Reads a schedule; `Err` says what is wrong with it.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let whole = WORDS.iter().find(|(word, _)| *word == text).map_or(text, |(_, fields)| fields);
        let mut parts: Vec<&str> = whole.split_whitespace().collect();
        let upgraded = parts.len() == 5;
        if upgraded {
            parts.insert(0, "0");
        }
        if parts.len() != 6 {
            return Err(format!("`{text}` has {} fields; it takes five (crontab) or six (seconds first)", parts.len()));
        }
        let mut fields = [0; 6];
        for ((slot, part), field) in fields.iter_mut().zip(&parts).zip(FIELDS) {
            *slot = bits(part, field)?;
        }
        let restricted = |at: usize| parts.get(at).is_some_and(|part| !part.starts_with(['*', '?']));
        Ok(Self { text: parts.join(" "), upgraded, fields, either_day: restricted(3) && restricted(5) })
    }

    /// The first run after this moment, in seconds since 1970. The operator reckons in UTC.
    pub(crate) fn next(&self, after: i64) -> Option<i64> {
        let first = after + 1;
        let today = first.div_euclid(86_400);
        (today..today + HORIZON_DAYS).filter(|day| self.runs_on(*day)).find_map(|day| {
            let from = if day == today { first.rem_euclid(86_400) } else { 0 };
            self.within_day(from).map(|second| day * 86_400 + second)
        })
    }

    fn has(&self, field: usize, value: i64) -> bool {
        self.fields.get(field).is_some_and(|bits| u32::try_from(value).is_ok_and(|value| bits >> value & 1 == 1))
    }

    fn runs_on(&self, day: i64) -> bool {
        let (_, month, date) = time::civil(day);
        // 1970-01-01 was a Thursday.
        let (by_date, by_weekday) = (self.has(3, date), self.has(5, (day + 4).rem_euclid(7)));
        self.has(4, month) && if self.either_day { by_date || by_weekday } else { by_date && by_weekday }
    }

    fn within_day(&self, from: i64) -> Option<i64> {
        let mut at = from;
        while at < 86_400 {
            if !self.has(2, at / 3600) {
                at = (at / 3600 + 1) * 3600;
            } else if !self.has(1, at / 60 % 60) {
                at = (at / 60 + 1) * 60;
            } else if !self.has(0, at % 60) {
                at += 1;
            } else {
                return Some(at);
            }
        }
        None
    }
}

/// The values of one field: lists of ranges with steps.
fn bits(part: &str, (name, least, most, names): (&str, u32, u32, &[&str])) -> Result<u64, String> {
    let refuse = || format!("`{part}` is not a {name} ({least} to {most}, `*`, ranges, lists, steps)");
    let value = |word: &str| -> Option<u32> {
        let lower = word.to_ascii_lowercase();
        let named = names.iter().position(|one| *one == lower).and_then(|at| u32::try_from(at).ok());
        let number = named.map(|at| at + least).or_else(|| word.parse().ok())?;
        // Crontabs write Sunday as 7 too, robfig/cron does not take it.
        (least..=most).contains(&number).then_some(number)
    };
    let mut out = 0;
    for piece in part.split(',') {
        let (range, step) = piece.split_once('/').map_or((piece, None), |(range, step)| (range, Some(step)));
        let step = step.map_or(Some(1), |step| step.parse::<u32>().ok()).filter(|step| *step > 0).ok_or_else(refuse)?;
        let (from, to) = match range {
            "*" | "?" => (least, most),
            _ => match range.split_once('-') {
                Some((from, to)) => (value(from).ok_or_else(refuse)?, value(to).ok_or_else(refuse)?),
                None => {
                    let one = value(range).ok_or_else(refuse)?;
                    // `5/10` is from 5 on.
                    (one, if piece.contains('/') { most } else { one })
                }
            },
        };
        if from > to {
            return Err(refuse());
        }
        out |= (from..=to).step_by(step as usize).fold(0, |bits, value| bits | 1 << value);
    }
    Ok(out)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::Schedule;
    use crate::time::{rfc3339, seconds};

    fn next(schedule: &str, after: &str) -> String {
        rfc3339(Schedule::read(schedule).unwrap().next(seconds(after).unwrap()).unwrap())
    }

    #[test]
    fn five_fields_are_those_of_crontab() {
        let read = Schedule::read("0 3 * * *").unwrap();
        assert_eq!((read.text.as_str(), read.upgraded), ("0 0 3 * * *", true));
        assert!(!Schedule::read("0 0 3 * * *").unwrap().upgraded);
        assert_eq!(Schedule::read("@daily").unwrap().text, "0 0 0 * * *");
    }

    #[test]
    fn the_next_run_is_the_one_that_the_operator_will_choose() {
        assert_eq!(next("0 3 * * *", "2026-11-21T12:00:00Z"), "2026-11-22T03:00:00Z");
        assert_eq!(next("0 3 * * *", "2026-11-21T02:59:59Z"), "2026-11-21T03:00:00Z");
        assert_eq!(next("0 3 * * *", "2026-11-21T03:00:00Z"), "2026-11-22T03:00:00Z");
        assert_eq!(next("30 */15 * * * *", "2026-11-21T12:00:31Z"), "2026-11-21T12:15:30Z");
        assert_eq!(next("0 0 29 2 *", "2026-11-21T12:00:00Z"), "2028-02-29T00:00:00Z");
        // 2026-11-21 is a Saturday.
        assert_eq!(next("0 2 * * mon-fri", "2026-11-21T12:00:00Z"), "2026-11-23T02:00:00Z");
        assert_eq!(next("0 2 1 * sun", "2026-11-21T12:00:00Z"), "2026-11-22T02:00:00Z");
    }

    #[test]
    fn what_the_operator_would_refuse_is_refused_with_the_field() {
        for (bad, word) in [
            ("banana", "1 fields"),
            ("61 * * * *", "minute"),
            ("0 25 * * *", "hour"),
            ("0 0 * * 7", "day of week"),
            ("0 0 5-3 * *", "day of month"),
            ("*/0 * * * *", "minute"),
            ("0 0 * foo *", "month"),
        ] {
            assert!(Schedule::read(bad).is_err_and(|why| why.contains(word)), "{bad}");
        }
        assert_eq!(Schedule::read("0 0 31 2 *").unwrap().next(0), None);
    }
}
