//! Lines of one call for the operator: from the capability `log` and from stdout and stderr. Caps them and hands them to `tracing`.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::state::Shared;

/// How important a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl Level {
    /// Reads the guest's word; unknown ones are `info`, as the WIT documents.
    pub(crate) fn parse(word: &str) -> Self {
        match word {
            "error" => Self::Error,
            "warn" => Self::Warn,
            "debug" => Self::Debug,
            "trace" => Self::Trace,
            _ => Self::Info,
        }
    }
}

/// A standard stream of the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct LogBook {
    plugin: String,
    request_id: String,
    lines_max: u32,
    line_max: usize,
    tally: Mutex<Tally>,
}

#[derive(Debug, Default)]
struct Tally {
    kept: u32,
    dropped: u64,
    out: Vec<u8>,
    err: Vec<u8>,
}

impl LogBook {
    pub(crate) fn new(shared: &Shared, request_id: &str) -> Arc<Self> {
        Arc::new(Self {
            plugin: shared.name.clone(),
            request_id: request_id.to_owned(),
            lines_max: shared.limits.log_lines,
            line_max: usize::try_from(shared.limits.log_line).unwrap_or(usize::MAX),
            tally: Mutex::default(),
        })
    }

    /// Whether one more line may be kept; counts it either way.
    pub(crate) fn admit(&self) -> bool {
        let mut tally = self.tally.lock();
        let kept = tally.kept < self.lines_max;
        if kept {
            tally.kept += 1;
        } else {
            tally.dropped += 1;
        }
        kept
    }

    /// One line.
    pub(crate) fn line(&self, level: Level, text: &str) {
        if self.admit() {
            self.emit(level, &clean(text, self.line_max));
        }
    }

    /// Bytes of a standard stream; complete lines are logged, the rest waits for its end.
    pub(crate) fn stream(&self, stream: Stream, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.piece(stream, piece);
        }
    }

    fn piece(&self, stream: Stream, piece: &[u8]) {
        let mut tally = self.tally.lock();
        let waiting = match stream {
            Stream::Out => &mut tally.out,
            Stream::Err => &mut tally.err,
        };
        let room = self.line_max.saturating_add(1).saturating_sub(waiting.len());
        waiting.extend(piece.iter().take(room));
        if piece.last() == Some(&b'\n') {
            let line = std::mem::take(waiting);
            drop(tally);
            self.standard_line(stream, &line);
        }
    }

    fn standard_line(&self, stream: Stream, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let level = if stream == Stream::Err { Level::Warn } else { Level::Info };
        self.line(level, text.trim_end_matches(['\r', '\n']));
    }

    #[allow(
        clippy::cognitive_complexity,
        reason = "one macro per level, since tracing's levels are constants; how complex depends on its features"
    )]
    fn emit(&self, level: Level, text: &str) {
        let (plugin, request_id) = (&*self.plugin, &*self.request_id);
        match level {
            Level::Error => tracing::error!(target: "portcullis::plugin", plugin, request_id, "{text}"),
            Level::Warn => tracing::warn!(target: "portcullis::plugin", plugin, request_id, "{text}"),
            Level::Info => tracing::info!(target: "portcullis::plugin", plugin, request_id, "{text}"),
            Level::Debug => tracing::debug!(target: "portcullis::plugin", plugin, request_id, "{text}"),
            Level::Trace => tracing::trace!(target: "portcullis::plugin", plugin, request_id, "{text}"),
        }
    }

    /// Lines kept and lines dropped so far.
    #[cfg(test)]
    pub(crate) fn counts(&self) -> (u32, u64) {
        let tally = self.tally.lock();
        (tally.kept, tally.dropped)
    }
}

/// The end of the call: what waits for a line end is a line, and dropped lines are admitted to.
impl Drop for LogBook {
    fn drop(&mut self) {
        let rest = [
            (Stream::Out, std::mem::take(&mut self.tally.get_mut().out)),
            (Stream::Err, std::mem::take(&mut self.tally.get_mut().err)),
        ];
        for (stream, bytes) in rest.iter().filter(|(_, bytes)| !bytes.is_empty()) {
            self.standard_line(*stream, bytes);
        }
        let dropped = self.tally.get_mut().dropped;
        if dropped > 0 {
            let (plugin, request_id) = (&*self.plugin, &*self.request_id);
            tracing::warn!(target: "portcullis::plugin", plugin, request_id, dropped, "lines beyond the limit logLines were dropped");
        }
    }
}

/// The beginning of a text: at most `max` bytes, and no character in two.
pub(crate) fn cut(text: &str, max: usize) -> &str {
    text.get(..text.floor_char_boundary(max)).unwrap_or_default()
}

/// At most `max` bytes, on one line: a guest must not be able to forge lines of the log or to write escape sequences to a terminal.
fn clean(text: &str, max: usize) -> String {
    let kept = cut(text, max);
    let mut line = String::with_capacity(kept.len());
    for one in kept.chars() {
        if one.is_control() && one != '\t' {
            line.extend(one.escape_default());
        } else {
            line.push(one);
        }
    }
    if kept.len() < text.len() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::{Level, Stream, clean};
    use crate::testing;

    #[test]
    fn a_line_is_cut_at_its_cap_and_cannot_forge_another() {
        assert_eq!(clean("héllo", 2), "h…");
        assert_eq!(clean("a\nERROR b\u{1b}[31m", 100), "a\\nERROR b\\u{1b}[31m");
    }

    #[test]
    fn lines_beyond_the_cap_are_counted_and_not_kept() {
        let state = testing::state_with(|shared| shared.limits.log_lines = 2);
        for _ in 0..5 {
            state.log.line(Level::Info, "x");
        }
        assert_eq!(state.log.counts(), (2, 3));
    }

    #[test]
    fn standard_streams_become_lines_however_they_are_cut() {
        let state = testing::state();
        state.log.stream(Stream::Out, b"one\ntw");
        assert_eq!(state.log.counts(), (1, 0));
        state.log.stream(Stream::Err, b"other");
        state.log.stream(Stream::Out, b"o\nthree\n");
        assert_eq!(state.log.counts(), (3, 0));
    }

    #[test]
    fn an_endless_line_holds_no_more_than_its_cap() {
        let state = testing::state_with(|shared| shared.limits.log_line = 64);
        for _ in 0..100 {
            state.log.stream(Stream::Out, &[b'x'; 100]);
        }
        assert_eq!(state.log.tally.lock().out.len(), 65);
    }

    #[test]
    fn an_unknown_level_is_info() {
        assert_eq!(Level::parse("loud"), Level::Info);
        assert_eq!(Level::parse("warn"), Level::Warn);
    }
}
