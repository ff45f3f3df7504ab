//! What it costs to know a caller (issue 4, "Speed"): the same call with a token of the configuration, with one of our own JWTs whose verdict
//! is kept, and with one that must be verified in a fresh instance of the strategy.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use portcullis_core::jwt::RingAlgorithm;
use portcullis_core::keyring::KeyRing;
use portcullis_core::ports::Tokens as _;
use portcullis_core::secret::{Secret, TokenHash};
use portcullis_tests::guest;
use portcullis_tests::host::Installation;
use portcullis_trust::{Trust, TrustOptions};
use serde_json::{Value, json};

use crate::load::{Connection, Request, runtime};
use crate::plugin::timed;
use crate::process::Serving;
use crate::table::{Row, quantile};

/// Calls of each kind; they alternate, so that a machine that slows down slows all.
const CALLS: usize = 2_000;

/// The master key of the bench; protects nothing.
const MASTER: &str = "0123456789abcdef0123456789abcdef0123456789abcdef";

/// The host's name for itself: nothing listens there, and nothing asks.
const ORIGIN: &str = "http://localhost:1";

const TOKEN: &str = "bench-token";

/// The rows.
pub(crate) fn rows() -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (algorithm, name) in [(RingAlgorithm::EdDsa, "EdDSA"), (RingAlgorithm::Hs256, "HS256")] {
        let host = Serving::host(&installation(algorithm)?)?;
        host.ready()?;
        let signer = signer(algorithm)?;
        let [mut plain, mut kept, mut fresh] = runtime()?.block_on(samples(&host, &signer))?;
        let (plain, kept, fresh) = (quantile(&mut plain, 0.5), quantile(&mut kept, 0.5), quantile(&mut fresh, 0.5));
        let (cached, own) = (kept.saturating_sub(plain), fresh.saturating_sub(plain));
        let told = |added: Duration, whole: Duration| format!("{added:.1?} ({whole:.1?} - {plain:.1?})");
        if algorithm == RingAlgorithm::EdDsa {
            let met = cached <= Duration::from_micros(5);
            rows.push(Row::aimed("a verdict that is kept adds to a call", told(cached, kept), "<= 5 us", met));
        }
        let met = own <= Duration::from_micros(60);
        rows.push(Row::aimed(format!("an own JWT ({name}) that is verified adds"), told(own, fresh), "<= 60 us", met));
    }
    Ok(rows)
}

/// With a token of the configuration, with the same JWT again and again, with a new JWT each time.
async fn samples(host: &Serving, signer: &Arc<Trust>) -> anyhow::Result<[Vec<Duration>; 3]> {
    let call = |token: &str| Request::tool("add", &json!({"a": 2, "b": 40}), "42").with_token(token);
    let (plain, again) = (call(TOKEN), call(&jwt(signer, 0)?));
    let mut connection = Connection::open(host.address()).await?;
    let mut samples = [Vec::new(), Vec::new(), Vec::new()];
    for number in 1..=CALLS {
        let new = call(&jwt(signer, number)?);
        for (series, request) in samples.iter_mut().zip([&plain, &again, &new]) {
            series.push(timed(&mut connection, std::slice::from_ref(request)).await?);
        }
    }
    Ok(samples)
}

/// As `oauth-proxy` issues them.
fn jwt(signer: &Arc<Trust>, number: usize) -> anyhow::Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let claims = json!({
        "iss": ORIGIN, "sub": "jane", "aud": [format!("{ORIGIN}/mcp")], "client_id": "client", "scope": "db", "iat": now,
        "exp": now + 600, "jti": format!("jti-{number}"), "auth_time": now, "grant": "bench", "idp": "https://id.example.com", "groups": ["dba"],
    });
    Ok(signer.sign("oauth-proxy", "at+jwt", &claims.to_string())?)
}

fn signer(algorithm: RingAlgorithm) -> anyhow::Result<Arc<Trust>> {
    let keys = KeyRing::new(vec![("bench".to_owned(), Secret::new(MASTER.to_owned()))])?;
    let rings = vec![("oauth-proxy".to_owned(), algorithm)];
    Ok(Trust::new(TrustOptions { rings, keys: Some(keys), ..TrustOptions::default() })?)
}

fn installation(algorithm: RingAlgorithm) -> anyhow::Result<Installation> {
    let installation = Installation::new(&[("portcullis-oauth-proxy", "plugins/oauth-proxy")], None)?;
    std::fs::write(installation.path().join("master"), MASTER)?;
    std::fs::copy(guest!("add")?, installation.path().join("plugins").join("add.wasm"))?;
    let mut config: Value = serde_json::from_slice(&std::fs::read(installation.config())?)?;
    let grants = config.pointer("/plugins/oauth-proxy/grants").cloned().context("the strategy has no grants")?;
    let endpoint = json!({"path": "/mcp", "guard": ["tokens", "oauth-proxy"]});
    let hash = TokenHash::of(TOKEN).to_hex();
    let parts = json!({
        "listeners": [{"name": "main", "address": "127.0.0.1:0", "publicUrl": ORIGIN, "endpoints": [endpoint]}],
        "tokens": [{"name": "bench", "sha256": hash, "tools": ["*"]}],
        "access": [{"name": "all", "tools": ["*"]}],
        "secrets": {"master": {"file": "master"}},
        "keys": [{"id": "bench", "secret": "master"}],
        "rings": {"oauth-proxy": {"algorithm": algorithm}},
        "store": {"path": "store.db"},
        "plugins": {
            "add": {},
            "oauth-proxy": {"grants": grants, "settings": {"upstream": {"issuer": "https://id.example.com", "clientId": "bench"}}},
        },
    });
    let (Some(config), Value::Object(parts)) = (config.as_object_mut(), parts) else { anyhow::bail!("no configuration") };
    config.extend(parts);
    installation.configure(&Value::Object(config.clone()))?;
    Ok(installation)
}
