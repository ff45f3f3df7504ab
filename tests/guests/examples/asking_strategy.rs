//! A strategy that wants to report progress, which is for tools only: there is no client yet.

use portcullis_plugin::auth::{Attempt, Authenticator, Fault, Site, Strategy, Verdict};

struct Asking;

impl Authenticator for Asking {
    fn describe(_: Site) -> Strategy {
        Strategy::new()
    }

    fn authenticate(_: Attempt) -> Result<Verdict, Fault> {
        portcullis_plugin::progress::report(1.0, None, None);
        Ok(Verdict::NotMine)
    }
}

portcullis_plugin::manifest!(
    "name: asking-strategy\nversion: 0.1.0\ndescription: Reports progress.\nrequests:\n  progress: true\n"
);
portcullis_plugin::export_authenticator!(Asking);
