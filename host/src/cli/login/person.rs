//! The person at the terminal: shown what to open, and able to paste what a browser elsewhere brought back.

use std::io::{BufRead as _, IsTerminal as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::sync::mpsc;

/// Longest time for a person to log in (5 min): as long as authorization servers keep their pages.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// What shows pages.
#[cfg(target_os = "macos")]
const OPENER: &str = "open";
#[cfg(not(target_os = "macos"))]
const OPENER: &str = "xdg-open";

/// Takes a URL, returns what is pasted.
pub(super) type Show = dyn Fn(&str) -> mpsc::Receiver<String> + Send + Sync;

/// See the module. Tests have one of their own.
pub(super) struct Person {
    /// Shows the URL to open; from then on, the lines that they paste.
    pub(super) show: Box<Show>,
    /// How long they have.
    pub(super) patience: Duration,
}

impl Person {
    /// At this terminal. `browser`: whether one may be opened here.
    pub(super) fn here(browser: bool) -> Self {
        Self { show: Box::new(move |url| show(url, browser)), patience: PATIENCE }
    }
}

fn show(url: &str, browser: bool) -> mpsc::Receiver<String> {
    let opened = browser && open(url);
    let begin = if opened { "Log in with your browser. If it did not open, go to" } else { "Log in with a browser: open" };
    eprintln!("{begin}\n\n  {url}\n");
    if std::io::stdin().is_terminal() {
        eprintln!(
            "If the browser is on another machine, it ends at a page of 127.0.0.1 that does not load: paste that page's whole URL here."
        );
    }
    lines()
}

/// Whether something was started that shows the page. The URL is one argument, read by no shell, and begins with http.
fn open(url: &str) -> bool {
    Command::new(OPENER).arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().is_ok()
}

/// Lines from the terminal; none if standard input is something else, which then belongs to a script. A thread of its own: reading a terminal
/// cannot be cancelled, and must not keep the program from ending.
fn lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(1);
    if std::io::stdin().is_terminal() {
        std::thread::spawn(move || {
            let lines = std::io::stdin().lock().lines().map_while(Result::ok);
            lines.filter(|line| !line.trim().is_empty()).take_while(|line| sender.blocking_send(line.clone()).is_ok()).count()
        });
    }
    receiver
}
