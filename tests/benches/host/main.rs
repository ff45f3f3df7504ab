//! The speed of the whole program, as a table: `cargo xtask bench`. Starts the release build of `portcullis` as a
//! process and measures from outside. A figure that misses its aim is printed, never an error: machines are busy.

mod auth;
mod fleet;
mod guests;
mod load;
mod login;
mod memory;
mod native;
mod plugin;
mod process;
mod runaway;
mod table;
mod throughput;
mod waiting;

use anyhow::ensure;

use crate::table::Row;

/// The native server is compared with the host, which has this allocator too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures one subject.
type Measure = fn() -> anyhow::Result<Vec<Row>>;

/// What can be measured, by the word that picks it: `cargo bench -p portcullis-tests --bench host -- http waiting`.
const SUBJECTS: [(&str, Measure); 8] = [
    ("http", throughput::rows),
    ("memory", memory::rows),
    ("waiting", waiting::rows),
    ("runaway", runaway::rows),
    ("plugin", plugin::rows),
    ("fleet", fleet::rows),
    ("auth", auth::rows),
    ("login", login::rows),
];

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    if words.iter().any(|word| word == native::WORD) {
        return native::run();
    }
    ensure!(
        std::env::var_os("PORTCULLIS_BIN").is_some(),
        "PORTCULLIS_BIN names no release build of the host: run `cargo xtask bench`"
    );
    let mut rows = Vec::new();
    for (name, measure) in SUBJECTS {
        if words.is_empty() || words.iter().any(|word| word == name) {
            eprintln!("measuring {name} ...");
            rows.extend(measure()?);
        }
    }
    table::print(&rows);
    Ok(())
}
