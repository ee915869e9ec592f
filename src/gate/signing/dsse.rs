//! The form in which a record leaves git with its signature: a DSSE envelope, which other tools read.
//!
//! Signatures are made over DSSE's pre-authentication encoding of the statement, so that none of them is
//! good for anything but a statement, and an exported envelope carries the very signature that the note has.

use super::ssh_signature::SshSignature;
use crate::domain::verdict::Signature;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// What DSSE calls the type of an in-toto Statement.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// A signed record as a [DSSE](https://github.com/secure-systems-lab/dsse) envelope.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    payload_type: &'static str,
    /// The statement, in base64.
    payload: String,
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Debug, Serialize)]
struct EnvelopeSignature {
    /// The fingerprint of the key, as `ssh-keygen -l` prints it.
    #[serde(skip_serializing_if = "Option::is_none")]
    keyid: Option<String>,
    /// The SSH signature, in base64.
    sig: String,
}

impl Envelope {
    pub fn new(signature: &Signature) -> Envelope {
        let keyid = SshSignature::parse(&signature.body)
            .map(|made| format!("SHA256:{}", BASE64_STANDARD_NO_PAD.encode(Sha256::digest(made.key))));
        Envelope {
            payload_type: PAYLOAD_TYPE,
            payload: BASE64_STANDARD.encode(&signature.statement),
            signatures: vec![EnvelopeSignature { keyid, sig: signature.body.clone() }],
        }
    }
}

/// The bytes that are signed for a statement: DSSE's pre-authentication encoding.
pub(super) fn signed_bytes(statement: &str) -> String {
    format!("DSSEv1 {} {PAYLOAD_TYPE} {} {statement}", PAYLOAD_TYPE.len(), statement.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_in_bytes() {
        assert_eq!(signed_bytes("{\"é\":1}"), "DSSEv1 28 application/vnd.in-toto+json 8 {\"é\":1}");
    }
}
