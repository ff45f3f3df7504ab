//! What logins cost the host (issue 4, "Speed"), with a real provider: its processor time for a whole login through oauth-proxy, and what an
//! RS256 access token of the provider adds to the call that brings it first, beside the verification of its signature alone.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use portcullis_core::jwt::{Expectation, Keys};
use portcullis_core::ports::Tokens as _;
use portcullis_tests::logins::{Plan, Rig, provider_tokens};
use portcullis_trust::{Trust, TrustOptions};
use serde_json::{Value, json};

use crate::load::{Connection, Request, runtime};
use crate::plugin::timed;
use crate::process::processor_time;
use crate::table::{Row, quantile};

/// Whole logins: below the 60 requests per minute that one address has.
const LOGINS: u32 = 40;

/// Tokens that the provider signs, each for one first call.
const TOKENS: usize = 60;

/// The rows; without npm there is no provider, and nothing to tell.
pub(crate) fn rows() -> anyhow::Result<Vec<Row>> {
    let Some(plan) = Plan::new() else { return Ok(vec![Row::told("logins", "skipped: the real provider needs npm")]) };
    let rig = plan.serve();
    let mut rows = vec![whole_login(&rig)?];
    rows.extend(first_calls(&rig)?);
    Ok(rows)
}

/// Registration, once; then consent, login, callback, code, tokens and a refresh each time.
fn whole_login(rig: &Rig) -> anyhow::Result<Row> {
    let (app, url) = (rig.app(), rig.mcp());
    let login = || {
        let tokens = app.log_in("alice", &url, "read write");
        let (status, refreshed) = app.refresh(tokens.get("refresh_token").context("the login gave no refresh token")?);
        ensure!(status == 200, "the login of the bench fails: {refreshed}");
        Ok(())
    };
    login()?;
    let before = processor_time(rig.host.pid()).context("this system does not tell processor times")?;
    (0..LOGINS).try_for_each(|_| login())?;
    let spent = processor_time(rig.host.pid()).context("the host is gone")?.saturating_sub(before) / LOGINS;
    Ok(Row::aimed(
        "a whole login and a refresh cost the host",
        format!("{spent:.1?}"),
        "<= 25 ms",
        spent <= Duration::from_millis(25),
    ))
}

/// A tool call with a token that is new to the host, and again with the same, and the verification alone.
fn first_calls(rig: &Rig) -> anyhow::Result<[Row; 2]> {
    let login = |_| {
        let tokens = provider_tokens(&rig.idp, "alice", &rig.direct());
        tokens.get("access_token").and_then(Value::as_str).map(str::to_owned).context("the provider gave no token")
    };
    let tokens: Vec<String> = (0..TOKENS).map(login).collect::<Result<_, _>>()?;
    runtime()?.block_on(async {
        let mut native = verifications(rig, &tokens).await?;
        let (mut first, mut again) = (Vec::new(), Vec::new());
        let mut connection = Connection::open(rig.test.trim_start_matches("http://")).await?;
        for token in &tokens {
            let call = Request::tool_at("/test", "whoami", &json!({}), "alice@").with_token(token);
            first.push(timed(&mut connection, std::slice::from_ref(&call)).await?);
            again.push(timed(&mut connection, std::slice::from_ref(&call)).await?);
        }
        let (first, again, native) = (quantile(&mut first, 0.5), quantile(&mut again, 0.5), quantile(&mut native, 0.5));
        let added = first.saturating_sub(again);
        Ok([
            Row::told("an RS256 token of the provider that is verified adds", format!("{added:.1?} ({first:.1?} - {again:.1?})")),
            Row::told("of which the verification itself", format!("{native:.1?}")),
        ])
    })
}

/// As the host does them for a strategy, without one.
async fn verifications(rig: &Rig, tokens: &[String]) -> anyhow::Result<Vec<Duration>> {
    let trust = Trust::new(TrustOptions::default())?;
    let keys = Keys::Issuer(rig.idp.issuer().to_owned());
    let expected = Expectation { algorithms: vec!["RS256".into()], types: Vec::new(), issuer: None, leeway: Duration::ZERO };
    let mut samples = Vec::new();
    for token in tokens.iter().take(1).chain(tokens) {
        let begin = Instant::now();
        trust.verify(token, &keys, &expected, true).await?;
        samples.push(begin.elapsed());
    }
    // The first one fetched the keys.
    Ok(samples.split_off(1))
}
