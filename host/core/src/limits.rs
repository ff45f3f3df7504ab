//! Caps on one call of a guest. Each states its unit, its default and why; the sandbox enforces every one of them.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Of the places for calls, one in this many is for watches besides: they last, and must not starve calls.
pub const WATCH_SHARE: usize = 4;

/// Of the places for calls, one in this many is for auth strategies besides: strangers take them, and must not take those of callers.
pub const STRATEGY_SHARE: usize = 4;

/// Most calls at the same time, as a configuration may say it. 9,000: the pool's address space (8 GiB per slot, 47 bits) holds little more.
pub const CONCURRENT_CALLS_MAX: u64 = 9_000;

/// Resolved limits of one plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Limits {
    /// Wall-clock milliseconds from admission to result. Default 30,000: what interactive clients wait for. 10 to 3,600,000.
    pub deadline_ms: u64,
    /// Bytes of linear memory, over all memories of the instance. Default 64 MiB: a JSON-heavy guest needs under 16.
    /// At most 256 MiB: the size of a pool slot.
    pub memory: u64,
    /// Elements over all tables. Default 20,000: JavaScript guests declare about 10,000.
    pub table_elements: u32,
    /// Bytes of a result: content, structured and questions together. Default 4 MiB: clients cut far earlier.
    pub output: u64,
    /// Lines that one call may log (stdout and stderr count). Default 1,000; further ones are counted, not kept.
    pub log_lines: u32,
    /// Bytes of one log line. Default 8 KiB; the rest of a line is cut.
    pub log_line: u32,
    /// Calls into host functions. Default 10,000: a list of 2,000 clusters in pages costs about 30.
    pub host_calls: u32,
    /// Bytes that one host function returns to the guest, e.g. a Kubernetes reply. Default 16 MiB, below the default memory.
    pub host_reply: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            deadline_ms: 30_000,
            memory: 64 << 20,
            table_elements: 20_000,
            output: 4 << 20,
            log_lines: 1_000,
            log_line: 8 << 10,
            host_calls: 10_000,
            host_reply: 16 << 20,
        }
    }
}

impl Limits {
    /// Most memory that a pool slot holds, in bytes.
    pub const MEMORY_MAX: u64 = 256 << 20;

    /// The deadline as a duration.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        Duration::from_millis(self.deadline_ms)
    }

    /// What is wrong with these numbers, as (field, reason), or nothing.
    #[must_use]
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let ranges = [
            ("deadlineMs", self.deadline_ms, 10, 3_600_000),
            ("memory", self.memory, 1 << 20, Self::MEMORY_MAX),
            ("tableElements", self.table_elements.into(), 1, 1_000_000),
            ("output", self.output, 1 << 10, 64 << 20),
            ("logLines", self.log_lines.into(), 0, 1_000_000),
            ("logLine", self.log_line.into(), 64, 1 << 20),
            ("hostCalls", self.host_calls.into(), 0, 10_000_000),
            ("hostReply", self.host_reply, 1 << 10, 256 << 20),
        ];
        ranges
            .into_iter()
            .filter(|(_, value, low, high)| !(low..=high).contains(&value))
            .map(|(field, value, low, high)| (field, format!("{value} is outside {low} to {high}")))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Limits;

    #[test]
    fn the_defaults_are_within_their_own_ranges() {
        assert!(Limits::default().problems().is_empty());
    }

    #[test]
    fn a_number_out_of_range_is_named() {
        let limits = Limits { memory: 1, ..Limits::default() };
        assert_eq!(limits.problems().first().map(|(field, _)| *field), Some("memory"));
    }
}
