//! What every plugin has without a grant: `wasi:cli` and `wasi:io` 0.2, both empty. Arguments, environment and stdin hold nothing, `exit`
//! traps, stdout and stderr become lines of the log under the log's caps. State: the call's WASI context, made on first use.

use std::sync::Arc;

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime::component::{HasData, HasSelf, Linker, ResourceTable};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream, WasiCli, WasiCliView};
use wasmtime_wasi::p2::bindings::cli;
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder};
use wasmtime_wasi_io::bindings::wasi::io;

use crate::bindings::{strategy, types};
use crate::logbook::{LogBook, Stream};
use crate::state::CallState;

/// Bytes that one call of `get-random-bytes` yields at most. 64 KiB: host code cannot be interrupted, and nobody needs more at once.
const RANDOM_MAX: u64 = 64 << 10;

/// Bytes that a guest may write to a stream at once.
const WRITE_MAX: usize = 64 << 10;

struct Io;

impl HasData for Io {
    type Data<'a> = &'a mut ResourceTable;
}

pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    types::add_to_linker::<_, HasSelf<CallState>>(linker, |state| state)?;
    strategy::add_to_linker::<_, HasSelf<CallState>>(linker, |state| state)?;
    io::error::add_to_linker::<_, Io>(linker, CallState::wasi_table)?;
    io::poll::add_to_linker::<_, Io>(linker, CallState::wasi_table)?;
    io::streams::add_to_linker::<_, Io>(linker, CallState::wasi_table)?;
    cli::environment::add_to_linker::<_, WasiCli>(linker, CallState::cli)?;
    cli::exit::add_to_linker::<_, WasiCli>(linker, CallState::cli)?;
    cli::stdin::add_to_linker::<_, WasiCli>(linker, CallState::cli)?;
    cli::stdout::add_to_linker::<_, WasiCli>(linker, CallState::cli)?;
    cli::stderr::add_to_linker::<_, WasiCli>(linker, CallState::cli)?;
    cli::terminal_input::add_to_linker::<_, WasiCli>(linker, CallState::cli)?;
    cli::terminal_output::add_to_linker::<_, WasiCli>(linker, CallState::cli)?;
    cli::terminal_stdin::add_to_linker::<_, WasiCli>(linker, CallState::cli)?;
    cli::terminal_stdout::add_to_linker::<_, WasiCli>(linker, CallState::cli)?;
    cli::terminal_stderr::add_to_linker::<_, WasiCli>(linker, CallState::cli)
}

impl types::Host for CallState {}

impl strategy::Host for CallState {}

/// An empty world, but for the clocks and random numbers that only a grant links.
pub(crate) fn context(log: &Arc<LogBook>) -> WasiCtx {
    let stream = |stream| Standard { log: Arc::clone(log), stream };
    WasiCtxBuilder::new().stdout(stream(Stream::Out)).stderr(stream(Stream::Err)).max_random_size(RANDOM_MAX).build()
}

/// A standard stream that ends in the log.
struct Standard {
    log: Arc<LogBook>,
    stream: Stream,
}

impl IsTerminal for Standard {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Standard {
    /// WASI 0.3's way, which is not linked.
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(Self { log: Arc::clone(&self.log), stream: self.stream })
    }
}

impl OutputStream for Standard {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.log.stream(self.stream, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_MAX)
    }
}

#[wasmtime_wasi_io::async_trait]
impl Pollable for Standard {
    async fn ready(&mut self) {}
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use crate::testing;
    use wasmtime_wasi::cli::WasiCliView;
    use wasmtime_wasi::p2::bindings::cli::{environment, exit, stderr};
    use wasmtime_wasi_io::bindings::wasi::io::streams::HostOutputStream;

    #[test]
    fn the_world_is_empty_and_exit_traps() {
        let mut state = testing::state();
        assert!(environment::Host::get_environment(&mut state.cli()).unwrap().is_empty());
        assert!(environment::Host::get_arguments(&mut state.cli()).unwrap().is_empty());
        assert!(exit::Host::exit(&mut state.cli(), Ok(())).is_err());
    }

    #[tokio::test]
    async fn what_is_written_to_stderr_is_a_line_of_the_log() {
        let mut state = testing::state();
        let stream = stderr::Host::get_stderr(&mut state.cli()).unwrap();
        state.wasi_table().blocking_write_and_flush(stream, b"one\ntwo\n".to_vec()).await.unwrap();
        assert_eq!(state.log.counts(), (2, 0));
    }
}
