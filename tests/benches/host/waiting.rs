//! What a call costs that waits in a host call: a thousand calls list pods of an API server that answers late, all at the same time.

use std::time::{Duration, Instant};

use anyhow::ensure;
use kubesim::{Fault, Kubesim, Matcher, Options};
use portcullis_tests::guest;
use serde_json::json;
use tokio::task::JoinSet;

use crate::guests;
use crate::load::{Connection, Request, runtime};
use crate::process::Serving;
use crate::table::{KIB, MIB, Row};

/// Calls at the same time.
const CALLS: u32 = 1_000;

/// How late the API server answers: all calls must have arrived by then, on a slow machine too.
const LATE: Duration = Duration::from_secs(10);

/// Time for what a start, or the last call, leaves to be done.
const SETTLE: Duration = Duration::from_millis(500);

/// The rows.
pub(crate) fn rows() -> anyhow::Result<Vec<Row>> {
    let kubesim = Kubesim::start(Options { operator_step: None, ..Options::default() })?;
    let rules = json!({"kubernetes": {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]}});
    let relay = ("relay", guest!("kubernetes_calls")?, json!({"grants": rules}));
    let installation = guests::install(Some(&kubesim.kubeconfig_yaml("anybody")), vec![relay])?;
    let host = Serving::host(&installation)?;
    host.ready()?;
    let request = Request::tool("relay", &json!({"op": "list"}), r#""isError":false"#);
    let (before, during, waiting) = runtime()?.block_on(async {
        // One call on a server in time: what the first call of all costs is not this row's.
        Connection::open(host.address()).await?.ask(&request).await?;
        tokio::time::sleep(SETTLE).await;
        let before = host.resident();
        kubesim.faults().fail_always(Matcher::on("list", "pods"), Fault::Delay(LATE));
        let (during, waiting) = wait(&kubesim, &host, &request).await?;
        anyhow::Ok((before, during, waiting))
    })?;
    let each = during.zip(before).map(|(during, before)| during.saturating_sub(before) / u64::from(waiting));
    Ok(vec![
        Row::bytes("resident per call that waits in a host call", each, KIB, 64),
        Row::bytes("resident with 1,000 calls that wait, all answered", during, MIB, 100),
    ])
}

/// Sends all calls, measures when all wait, and hears every answer.
async fn wait(kubesim: &Kubesim, host: &Serving, request: &Request) -> anyhow::Result<(Option<u64>, u32)> {
    kubesim.take_requests();
    let (began, mut calls) = (Instant::now(), JoinSet::new());
    for _ in 0..CALLS {
        let (mut connection, request) = (Connection::open(host.address()).await?, request.clone());
        calls.spawn(async move { connection.ask(&request).await });
    }
    let mut waiting = 0;
    while waiting < CALLS {
        let arrived = kubesim.take_requests();
        waiting += u32::try_from(arrived.iter().filter(|one| one.path.ends_with("/pods")).count())?;
        ensure!(began.elapsed() < LATE, "only {waiting} of {CALLS} calls waited before the first was answered");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(SETTLE).await;
    ensure!(began.elapsed() < LATE, "the calls took {:?} to arrive; the first was answered by then", began.elapsed());
    let during = host.resident();
    while let Some(ended) = calls.join_next().await {
        ended??;
    }
    Ok((during, waiting))
}
