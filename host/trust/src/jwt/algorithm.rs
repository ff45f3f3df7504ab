//! JWS algorithms of other parties (RFC 7518 §3.1, RFC 8037) and the kind of key that each needs. HMAC is not among them: a public key must never
//! pass for a shared secret. Tokens of this host's own rings are verified in `keys/own.rs`.

use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters,
    RsaPublicKeyComponents, UnparsedPublicKey,
};

use crate::keys::Material;

/// An algorithm with a public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    EdDsa,
}

impl Algorithm {
    /// Reads a header's or a key's `alg`, character for character: `none`, HMAC and what is unknown are none of ours.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "PS384" => Self::Ps384,
            "PS512" => Self::Ps512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "EdDSA" => Self::EdDsa,
            _ => return None,
        })
    }

    /// Whether a key is of the kind that the algorithm needs.
    pub(crate) fn fits(self, key: &Material) -> bool {
        match self {
            Self::Es256 => matches!(key, Material::P256(_)),
            Self::Es384 => matches!(key, Material::P384(_)),
            Self::EdDsa => matches!(key, Material::Ed25519(_)),
            _ => matches!(key, Material::Rsa { .. }),
        }
    }

    /// Whether the signature is this key's. RSA keys have 2048 to 8192 bits (RFC 7518 §3.3).
    pub(crate) fn verify(self, key: &Material, signed: &[u8], signature: &[u8]) -> bool {
        let verified = match (self, key) {
            (Self::Es256, Material::P256(point)) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, signature)
            }
            (Self::Es384, Material::P384(point)) => {
                UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point).verify(signed, signature)
            }
            (Self::EdDsa, Material::Ed25519(key)) => UnparsedPublicKey::new(&ED25519, key).verify(signed, signature),
            (_, Material::Rsa { n, e }) => match self.rsa() {
                Some(parameters) => RsaPublicKeyComponents { n, e }.verify(parameters, signed, signature),
                None => return false,
            },
            _ => return false,
        };
        verified.is_ok()
    }

    fn rsa(self) -> Option<&'static RsaParameters> {
        Some(match self {
            Self::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            Self::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
            Self::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
            Self::Ps256 => &RSA_PSS_2048_8192_SHA256,
            Self::Ps384 => &RSA_PSS_2048_8192_SHA384,
            Self::Ps512 => &RSA_PSS_2048_8192_SHA512,
            Self::Es256 | Self::Es384 | Self::EdDsa => return None,
        })
    }
}
