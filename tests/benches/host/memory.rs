//! What the host with the CNPG plugin costs before anybody calls: time to ready, resident memory, the component's size.

use std::time::Duration;

use kubesim::{Kubesim, Options};
use portcullis_tests::components::plugin;
use portcullis_tests::host::Installation;

use crate::process::Serving;
use crate::table::{MIB, Row, quantile};

/// Starts that the median is taken of.
const STARTS: usize = 9;

/// Time for whatever a start leaves to be done.
const SETTLE: Duration = Duration::from_secs(2);

/// The rows.
pub(crate) fn rows() -> anyhow::Result<Vec<Row>> {
    let kubesim = Kubesim::start(Options::default())?;
    let installation = Installation::new(&[("portcullis-cnpg", "plugins/cnpg")], Some(&kubesim.kubeconfig_yaml("anybody")))?;
    let cold = Serving::host(&installation)?.ready()?;
    let mut warm = Vec::new();
    for _ in 0..STARTS {
        warm.push(Serving::host(&installation)?.ready()?);
    }
    let ready = quantile(&mut warm, 0.5);
    let host = Serving::host(&installation)?;
    host.ready()?;
    std::thread::sleep(SETTLE);
    Ok(vec![
        Row::told("ready after the start, nothing compiled yet", format!("{cold:.0?}")),
        Row::aimed("ready after the start, warm cache", format!("{ready:.1?}"), "<= 150 ms", ready <= Duration::from_millis(150)),
        Row::bytes("resident when idle, CNPG plugin", host.resident(), MIB, 45),
        Row::bytes("size of the CNPG component", Some(std::fs::metadata(plugin("portcullis-cnpg")?)?.len()), MIB, 1),
    ])
}
