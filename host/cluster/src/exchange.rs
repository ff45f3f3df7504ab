//! One exchange with the API server: send, repeat where the API says so, renew credentials once. Must not know operations.

use std::time::Duration;

use http::{HeaderMap, Response};
use kube::client::Body;
use portcullis_core::kube::KubeStatus;
use tokio::time::Instant;

use crate::link::Link;
use crate::plan::Plan;
use crate::{fault, reply, retry};

/// Sends until an answer is a success or final; `within` bounds the waiting between attempts, the caller bounds the whole.
pub(crate) async fn answer(link: &Link, plan: &Plan, caller: &HeaderMap, within: Duration) -> Result<Response<Body>, KubeStatus> {
    let begun = Instant::now();
    let mut renewed = false;
    let mut repeated = 0;
    loop {
        let (client, generation) = link.client().await?;
        let response = client.send(plan.request(caller)?).await.map_err(|why| fault::of_request(&why))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let refusal = reply::refusal(response, plan).await;
        // A pod's 401 says nothing of our credentials, and its Retry-After may hold up nobody.
        if plan.proxied {
            return Err(refusal);
        }
        // Nothing has happened at a 401 (RFC 9110 §15.5.2), so a write may be sent again, too.
        if refusal.code == 401 && !renewed && link.renew(generation).await {
            renewed = true;
            continue;
        }
        let Some(wait) = retry::wait(&refusal, plan, repeated, within.saturating_sub(begun.elapsed())) else {
            return Err(refusal);
        };
        repeated += 1;
        tracing::debug!(code = refusal.code, ?wait, "asked to come back");
        tokio::time::sleep(wait).await;
    }
}
