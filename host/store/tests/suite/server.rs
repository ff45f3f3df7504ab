//! A PostgreSQL server in a temporary folder, on a Unix socket there.
//!
//! A shell stands between: it holds the server, and ends it when its standard input ends, which is when the handle is dropped or this process
//! ends in whichever way. Also a module of the tests of the whole host (`tests/it`), so it speaks no SQL; that is in `database.rs`.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

pub(crate) const SKIPPED: &str = "SKIPPED: no PostgreSQL server. Install Debian's package `postgresql` (no running service is needed), or put \
     `initdb` and `postgres` on the PATH";

/// `nobody`: the server refuses to run as root.
const NOBODY: u32 = 65_534;

const RUN: &str = r#""$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c max_connections=300 -c fsync=off >>"$2/log" 2>&1 &
read -r end; kill -QUIT $!; wait; [ "$3" = keep ] || rm -rf "$2""#;

pub(crate) struct Server {
    programs: PathBuf,
    pub(crate) folder: PathBuf,
    shell: Option<Child>,
    /// Whether the folder is somebody's who will remove it.
    kept: bool,
}

impl Server {
    /// The server of most tests.
    pub(crate) fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Server>> = OnceLock::new();
        let make = || Self::start(tempfile::tempdir().unwrap().keep(), false);
        SHARED.get_or_init(make).as_ref()
    }

    /// A server that a test may stop. The folder is the caller's.
    pub(crate) fn start_in(folder: &Path) -> Option<Self> {
        Self::start(folder.to_owned(), true)
    }

    fn start(folder: PathBuf, kept: bool) -> Option<Self> {
        let Some(programs) = programs() else {
            if !kept {
                fs::remove_dir_all(&folder).unwrap();
            }
            return None;
        };
        if is_root(&folder) {
            chown(&folder, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let initdb = [programs.join("initdb").display().to_string(), folder.join("data").display().to_string()];
        let made = command(&folder)
            .args([&initdb[0], "-D", &initdb[1], "-U", "portcullis", "-A", "trust", "--no-sync", "-E", "UTF8"])
            .output();
        let made = made.unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let mut server = Self { programs, folder, shell: None, kept };
        server.resume();
        Some(server)
    }

    /// Starts it (again).
    pub(crate) fn resume(&mut self) {
        let keep = if self.kept { "keep" } else { "remove" };
        let mut shell = command(&self.folder);
        shell.args(["sh", "-c", RUN, "postgres"]).arg(&self.programs).arg(&self.folder).arg(keep);
        self.shell = Some(shell.stdin(Stdio::piped()).spawn().unwrap());
        let start = Instant::now();
        let log = self.folder.join("log");
        let ready = |text: String| {
            text.rsplit("starting PostgreSQL").next().is_some_and(|text| text.contains("ready to accept connections"))
        };
        while !fs::read_to_string(&log).is_ok_and(ready) {
            assert!(start.elapsed() < Duration::from_secs(60), "PostgreSQL does not start: {:?}", fs::read_to_string(&log));
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// As if its machine had lost power.
    pub(crate) fn stop(&mut self) {
        if let Some(mut shell) = self.shell.take() {
            drop(shell.stdin.take());
            shell.wait().unwrap();
            fs::write(self.folder.join("log"), "").unwrap();
        }
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://portcullis@localhost/{database}?host={}", self.folder.display())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// `initdb` and `postgres`: on the PATH, or where Debian puts them.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|version| version.path().join("bin"));
    let mut folders: Vec<_> = debian.collect();
    folders.sort();
    std::env::split_paths(&path)
        .chain(folders.into_iter().rev())
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}

fn is_root(folder: &Path) -> bool {
    matches!(folder.metadata().map(|data| data.uid()), Ok(0 | NOBODY))
        && Path::new("/proc/self").metadata().is_ok_and(|data| data.uid() == 0)
}

/// A command as a user that PostgreSQL accepts.
fn command(folder: &Path) -> Command {
    let mut command = Command::new("env");
    if is_root(folder) {
        command = Command::new("setpriv");
        let user = NOBODY.to_string();
        command.args([&format!("--reuid={user}"), &format!("--regid={user}"), "--clear-groups"]);
    }
    command.current_dir(folder);
    command
}
