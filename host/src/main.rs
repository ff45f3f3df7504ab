//! `portcullis`: command line and composition root. No logic of its own: rules live in core, technology in the libraries, and
//! `serve.rs` with `backing.rs` are the only files that join them.

mod assembly;
mod backing;
mod cli;
mod configuration;
mod describing;
mod directory;
mod env;
mod grants;
mod logging;
mod master;
mod output;
mod reload;
mod secrets;
mod serve;
mod settings;
mod signals;
mod sockets;
mod watcher;

/// Calls allocate and free in bursts on many threads: mimalloc gives the memory back and does not fragment over days.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::run()
}
