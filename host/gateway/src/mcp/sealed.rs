//! `requestState` (MCP 2026-07-28, MRTR: T-12): a guest's state on its way through the client, encrypted and bound to one caller, one plugin,
//! one target and its arguments, for ten minutes. The client can neither read it, nor change it, nor use it for anything else.
//!
//! The key lives as long as the process: a restart makes clients ask again, and so would another replica.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use portcullis_core::plugin::Digest;
use portcullis_core::principal::Principal;

/// How long a person may take to answer.
const LIFE: Duration = Duration::from_secs(600);

/// Most bytes of guest state (portcullis:tool/types, input-required).
pub(super) const STATE_MAX: usize = 16 << 10;

/// Longest text that is looked at: the largest state with nonce, tag and base64, and some air.
const TEXT_MAX: usize = 2 * STATE_MAX;

/// Separates this use of the key, and this format, from all others.
const LABEL: &[u8] = b"portcullis/request-state/1";

const NONCE: usize = 24;
const EXPIRY: usize = 8;

/// What a state is for.
pub(super) struct Binding<'a> {
    pub(super) principal: &'a Principal,
    pub(super) plugin: Digest,
    pub(super) action: &'a str,
    pub(super) target: &'a str,
    pub(super) arguments: [u8; 32],
}

/// Why a text is not accepted; the client is told no more than that.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused;

/// Seals and opens.
pub(crate) struct Sealer(XChaCha20Poly1305);

impl Sealer {
    pub(crate) fn with_random_key() -> Self {
        Self(XChaCha20Poly1305::new(&Key::from(rand::random::<[u8; 32]>())))
    }

    /// The text for the client. A guest without state gets one too: it still binds the answers.
    pub(super) fn seal(&self, binding: &Binding<'_>, state: Option<&[u8]>, now: SystemTime) -> Result<String, Refused> {
        let expiry = seconds(now + LIFE).to_be_bytes();
        let nonce: [u8; NONCE] = rand::random();
        let mut plain = vec![u8::from(state.is_some())];
        plain.extend_from_slice(state.unwrap_or_default());
        let payload = Payload { msg: &plain, aad: &associated(binding, expiry) };
        let sealed = self.0.encrypt(&XNonce::from(nonce), payload).map_err(|_| Refused)?;
        Ok(BASE64_URL_SAFE_NO_PAD.encode([&expiry[..], &nonce, &sealed].concat()))
    }

    /// The guest's state again.
    pub(super) fn open(&self, binding: &Binding<'_>, text: &str, now: SystemTime) -> Result<Option<Vec<u8>>, Refused> {
        if text.len() > TEXT_MAX {
            return Err(Refused);
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| Refused)?;
        let (expiry, rest) = bytes.split_first_chunk::<EXPIRY>().ok_or(Refused)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or(Refused)?;
        let payload = Payload { msg: sealed, aad: &associated(binding, *expiry) };
        let plain = self.0.decrypt(&XNonce::from(*nonce), payload).map_err(|_| Refused)?;
        if u64::from_be_bytes(*expiry) < seconds(now) {
            return Err(Refused);
        }
        match plain.split_first() {
            Some((0, _)) => Ok(None),
            Some((1, state)) => Ok(Some(state.to_vec())),
            _ => Err(Refused),
        }
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Every part with its length in front, so that no two bindings share an encoding.
fn associated(binding: &Binding<'_>, expiry: [u8; EXPIRY]) -> Vec<u8> {
    let parts: [&[u8]; 8] = [
        LABEL,
        binding.principal.issuer.as_bytes(),
        binding.principal.subject.as_bytes(),
        binding.plugin.as_bytes(),
        binding.action.as_bytes(),
        binding.target.as_bytes(),
        &binding.arguments,
        &expiry,
    ];
    parts.iter().flat_map(|part| [&(part.len() as u64).to_be_bytes()[..], part].concat()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::{Binding, LIFE, Refused, Sealer};
    use portcullis_core::plugin::Digest;
    use portcullis_core::principal::Principal;
    use std::time::{Duration, SystemTime};

    fn binding<'a>(principal: &'a Principal, plugin: &[u8], target: &'a str, arguments: u8) -> Binding<'a> {
        Binding { principal, plugin: Digest::of(plugin), action: "tools/call", target, arguments: [arguments; 32] }
    }

    #[test]
    fn a_state_comes_back_whole_and_an_empty_one_stays_empty() {
        let (sealer, alice, now) = (Sealer::with_random_key(), Principal::local(), SystemTime::now());
        let here = binding(&alice, b"v1", "delete", 0);
        for state in [Some(&b"step 2"[..]), Some(b""), None] {
            let text = sealer.seal(&here, state, now).unwrap();
            assert!(!text.contains("step"));
            assert_eq!(sealer.open(&here, &text, now).unwrap().as_deref(), state);
        }
    }

    #[test]
    fn a_state_is_worth_nothing_elsewhere_or_later_or_changed() {
        let (sealer, alice, now) = (Sealer::with_random_key(), Principal::local(), SystemTime::now());
        let bob = Principal { subject: "bob".into(), ..Principal::local() };
        let text = sealer.seal(&binding(&alice, b"v1", "delete", 0), Some(b"yes"), now).unwrap();
        for (what, other) in [
            ("caller", binding(&bob, b"v1", "delete", 0)),
            ("plugin", binding(&alice, b"v2", "delete", 0)),
            ("target", binding(&alice, b"v1", "drop", 0)),
            ("arguments", binding(&alice, b"v1", "delete", 1)),
        ] {
            assert_eq!(sealer.open(&other, &text, now), Err(Refused), "{what}");
        }
        let here = binding(&alice, b"v1", "delete", 0);
        assert_eq!(sealer.open(&here, &text, now + LIFE + Duration::from_secs(1)), Err(Refused));
        assert_eq!(Sealer::with_random_key().open(&here, &text, now), Err(Refused));
        for position in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            assert_eq!(sealer.open(&here, &String::from_utf8(changed).unwrap(), now), Err(Refused), "{position}");
        }
    }

    #[test]
    fn what_is_no_state_is_refused() {
        let (sealer, alice) = (Sealer::with_random_key(), Principal::local());
        for text in ["", "A", "not base64!", &"A".repeat(100), &"A".repeat(1 << 20)] {
            assert_eq!(sealer.open(&binding(&alice, b"v1", "delete", 0), text, SystemTime::now()), Err(Refused));
        }
    }
}
