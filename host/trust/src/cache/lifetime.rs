//! How long a copy is fresh and how long a failure is not tried again, with chance in both: replicas that started together must not ask together.

use std::time::Duration;

/// Freshness when the server says nothing (1 h).
const DEFAULT: Duration = Duration::from_secs(60 * 60);
/// Shortest (1 min): a server that says `no-store` would be asked by every request.
const SHORTEST: Duration = Duration::from_secs(60);
/// Longest (24 h): keys that were withdrawn must not be good for longer.
pub(super) const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// First pause after a failure (1 s) and the longest (5 min).
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5 * 60));

/// Freshness by an answer's `Cache-Control` (RFC 9111 §5.2.2), within bounds, less up to a tenth.
pub(crate) fn lifetime(headers: &[(String, String)]) -> Duration {
    let directives = headers.iter().filter(|(name, _)| name == "cache-control").flat_map(|(_, value)| value.split(','));
    let mut seconds = None;
    for directive in directives.map(|one| one.trim().to_ascii_lowercase()) {
        match directive.split_once('=') {
            Some(("max-age", value)) => seconds = seconds.or_else(|| value.trim_matches('"').parse().ok()),
            None if directive == "no-store" || directive == "no-cache" => return SHORTEST,
            _ => {}
        }
    }
    let told = seconds.map_or(DEFAULT, Duration::from_secs).clamp(SHORTEST, LONGEST);
    told.mul_f64(rand::random_range(0.9..=1.0)).max(SHORTEST)
}

/// The pause after so many failures in a row: doubled each time, by a quarter more or less.
pub(super) fn pause(failures: u32) -> Duration {
    let (first, longest) = PAUSE;
    let doubled = first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(longest);
    doubled.mul_f64(rand::random_range(0.75..=1.25)).clamp(first, longest)
}

#[cfg(test)]
mod tests {
    use super::{DEFAULT, LONGEST, SHORTEST, lifetime, pause};

    fn told(value: &str) -> u64 {
        lifetime(&[("cache-control".into(), value.into())]).as_secs()
    }

    #[test]
    fn a_copy_is_fresh_for_as_long_as_the_server_says_within_bounds() {
        let hour = DEFAULT.as_secs();
        assert!((hour * 9 / 10..=hour).contains(&lifetime(&[]).as_secs()));
        assert!((540..=600).contains(&told("public, Max-Age=600")));
        assert!((LONGEST.as_secs() * 9 / 10..=LONGEST.as_secs()).contains(&told("max-age=99999999")));
        for short in ["max-age=0", "no-store", "no-cache", "max-age=600, no-store"] {
            assert_eq!(told(short), SHORTEST.as_secs(), "{short}");
        }
        assert!(told("max-age=never") > 60);
    }

    #[test]
    fn copies_that_were_fetched_together_do_not_end_together() {
        let first = lifetime(&[]);
        assert!((0..100).any(|_| lifetime(&[]) != first));
        let first = pause(5);
        assert!((0..100).any(|_| pause(5) != first));
    }

    #[test]
    fn pauses_grow_from_a_second_to_five_minutes() {
        for (failures, (least, most)) in
            [(1, (1.0, 1.25)), (2, (1.5, 2.5)), (5, (12.0, 20.0)), (9, (192.0, 300.0)), (500, (225.0, 300.0))]
        {
            for _ in 0..50 {
                let pause = pause(failures).as_secs_f64();
                assert!((least..=most).contains(&pause), "{failures}: {pause}");
            }
        }
    }
}
