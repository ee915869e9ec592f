//! An SSH signature taken apart (`PROTOCOL.sshsig`), and checked here, without a process, where it is of a usual kind.
//!
//! Whoever may write notes can copy a good signature under as many records as they like: to find out that it is
//! none of theirs must cost no process. A signature that is good by this is as good as one that ssh-keygen
//! checked; of what is not looked at here (tokens, certificates) ssh-keygen has the last word. Keys of rare kinds sign nothing.

use super::NAMESPACE;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
    VerificationAlgorithm,
};
use sha2::{Digest, Sha256, Sha512};

const MAGIC: &[u8] = b"SSHSIG";

/// The versions of `PROTOCOL.sshsig` that there are.
const VERSION: u32 = 1;

/// What stands at the end of the name of a certificate's kind.
const CERTIFICATE: &str = "-cert-v01@openssh.com";

/// How long a modulus is that is checked here, in bytes.
const MODULUS: std::ops::RangeInclusive<usize> = 256..=1024;

/// What can be said of a signature without ssh-keygen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Soundness {
    /// The key has made it, over exactly this.
    Good,
    /// It is not the key's, or not over this: why.
    Bad(&'static str),
    /// Nothing speaks against it, and ssh-keygen has to say.
    Possible,
}

const INCORRECT: Soundness = Soundness::Bad("incorrect signature");

/// Of a key that cannot be checked here: asking ssh-keygen about it would cost a process for each record that
/// somebody hangs its signature on.
const OTHER_KEY: Soundness =
    Soundness::Bad("its key is not Ed25519, ECDSA P-256 or P-384, or RSA of 2048 to 8192 bits");

/// The parts of a signature.
#[derive(Debug)]
pub(super) struct SshSignature {
    /// The public key that it says it is of, as ssh-keygen lists it before base64.
    pub key: Vec<u8>,
    namespace: Vec<u8>,
    reserved: Vec<u8>,
    hash: Vec<u8>,
    signature: Vec<u8>,
}

impl SshSignature {
    /// From the armour's body; `None` if it is none.
    pub fn parse(body: &str) -> Option<SshSignature> {
        let bytes = BASE64_STANDARD.decode(body).ok()?;
        let mut rest = bytes.strip_prefix(MAGIC)?;
        if number(&mut rest)? != VERSION {
            return None;
        }
        let mut next = || string(&mut rest).map(<[u8]>::to_vec);
        let (key, namespace, reserved, hash, signature) = (next()?, next()?, next()?, next()?, next()?);
        rest.is_empty().then_some(SshSignature { key, namespace, reserved, hash, signature })
    }

    /// Whether its key has made it over that message.
    pub fn soundness(&self, message: &str) -> Soundness {
        if self.namespace != NAMESPACE.as_bytes() {
            return Soundness::Bad("namespace does not match");
        }
        let digest = match self.hash.as_slice() {
            b"sha256" => Sha256::digest(message).to_vec(),
            b"sha512" => Sha512::digest(message).to_vec(),
            _ => return Soundness::Bad("unsupported hash"),
        };
        let mut signed = MAGIC.to_vec();
        for part in [&self.namespace, &self.reserved, &self.hash, &digest] {
            put(&mut signed, part);
        }
        match Certificate::parse(&self.key) {
            Some(certificate) => match certificate.is_made_by_its_authority() {
                false => Soundness::Bad("no authority has made its certificate"),
                // Whom and how long it is for, ssh-keygen knows.
                true => match soundness(&certificate.key, &signed, &self.signature) {
                    Some(Soundness::Good) => Soundness::Possible,
                    other => other.unwrap_or(INCORRECT),
                },
            },
            None => soundness(&self.key, &signed, &self.signature).unwrap_or(INCORRECT),
        }
    }

    /// The key, or the one of the authority where it is a certificate.
    pub fn vouching_key(&self) -> Vec<u8> {
        Certificate::parse(&self.key).map_or_else(|| self.key.clone(), |certificate| certificate.authority)
    }
}

/// A key with an authority's signature.
struct Certificate {
    /// The key without it.
    key: Vec<u8>,
    authority: Vec<u8>,
    signed: Vec<u8>,
    signature: Vec<u8>,
}

impl Certificate {
    /// `None` if it is a plain key, or nothing at all.
    fn parse(bytes: &[u8]) -> Option<Certificate> {
        let mut rest = bytes;
        let name = std::str::from_utf8(string(&mut rest)?).ok()?.strip_suffix(CERTIFICATE)?;
        // Of keys in tokens the kind of the plain key has the domain too.
        let kind = if name.starts_with("sk-") { format!("{name}@openssh.com") } else { name.to_owned() };
        let _nonce = string(&mut rest)?;
        let mut key = Vec::new();
        put(&mut key, kind.as_bytes());
        for _ in 0..parts_of(&kind)? {
            put(&mut key, string(&mut rest)?);
        }
        let _serial = rest.split_off(..8)?;
        let _for_whom = number(&mut rest)?;
        let (_id, _principals) = (string(&mut rest)?, string(&mut rest)?);
        let _valid = rest.split_off(..16)?;
        let (_critical, _extensions, _reserved) =
            (string(&mut rest)?, string(&mut rest)?, string(&mut rest)?);
        let authority = string(&mut rest)?.to_vec();
        let signed = bytes.get(..bytes.len() - rest.len())?.to_vec();
        let signature = string(&mut rest)?.to_vec();
        rest.is_empty().then_some(Certificate { key, authority, signed, signature })
    }

    /// Whether nothing speaks against that.
    fn is_made_by_its_authority(&self) -> bool {
        let made = soundness(&self.authority, &self.signed, &self.signature);
        matches!(made, Some(Soundness::Good | Soundness::Possible))
    }
}

/// Of how many strings a key of that kind consists; `None` for one that is not known here.
fn parts_of(kind: &str) -> Option<usize> {
    Some(match kind {
        "ssh-ed25519" => 1,
        "ssh-rsa" | "sk-ssh-ed25519@openssh.com" => 2,
        "sk-ecdsa-sha2-nistp256@openssh.com" => 3,
        _ if kind.starts_with("ecdsa-sha2-nistp") => 2,
        _ => return None,
    })
}

/// Whether a key has made a signature over these bytes; `None` if one of them is malformed.
fn soundness(key: &[u8], signed: &[u8], signature: &[u8]) -> Option<Soundness> {
    let (mut key, mut rest) = (key, signature);
    let kind = string(&mut key)?;
    let (made_as, made) = (string(&mut rest)?, string(&mut rest)?);
    let is_good = match (kind, made_as) {
        (b"ssh-ed25519", b"ssh-ed25519") => is_made(&ED25519, string(&mut key)?, signed, made),
        (b"ssh-rsa", b"rsa-sha2-256") => return rsa(&RSA_PKCS1_2048_8192_SHA256, key, signed, made),
        (b"ssh-rsa", b"rsa-sha2-512") => return rsa(&RSA_PKCS1_2048_8192_SHA512, key, signed, made),
        (b"ecdsa-sha2-nistp256", b"ecdsa-sha2-nistp256") => {
            is_made(&ECDSA_P256_SHA256_FIXED, point(&mut key)?, signed, &fixed(made, 32)?)
        }
        (b"ecdsa-sha2-nistp384", b"ecdsa-sha2-nistp384") => {
            is_made(&ECDSA_P384_SHA384_FIXED, point(&mut key)?, signed, &fixed(made, 48)?)
        }
        (b"sk-ssh-ed25519@openssh.com", b"sk-ssh-ed25519@openssh.com") => {
            let public = string(&mut key)?;
            let signed = signed_by_token(string(&mut key)?, rest, signed);
            return Some(if is_made(&ED25519, public, &signed, made) {
                Soundness::Possible
            } else {
                INCORRECT
            });
        }
        (b"sk-ecdsa-sha2-nistp256@openssh.com", b"sk-ecdsa-sha2-nistp256@openssh.com") => {
            let public = point(&mut key)?;
            let signed = signed_by_token(string(&mut key)?, rest, signed);
            let is_made = is_made(&ECDSA_P256_SHA256_FIXED, public, &signed, &fixed(made, 32)?);
            return Some(if is_made { Soundness::Possible } else { INCORRECT });
        }
        (b"ssh-ed25519" | b"ssh-rsa" | b"ecdsa-sha2-nistp256" | b"ecdsa-sha2-nistp384", _) => false,
        _ => return Some(OTHER_KEY),
    };
    Some(if is_good && rest.is_empty() { Soundness::Good } else { INCORRECT })
}

fn is_made(how: &'static dyn VerificationAlgorithm, key: &[u8], signed: &[u8], made: &[u8]) -> bool {
    UnparsedPublicKey::new(how, key).verify(signed, made).is_ok()
}

fn rsa(how: &'static RsaParameters, mut key: &[u8], signed: &[u8], made: &[u8]) -> Option<Soundness> {
    let (e, n) = (unsigned(string(&mut key)?), unsigned(string(&mut key)?));
    if !MODULUS.contains(&n.len()) {
        return Some(OTHER_KEY);
    }
    let made = padded(made, n.len())?;
    let is_good = RsaPublicKeyComponents { n, e }.verify(how, signed, &made).is_ok();
    Some(if is_good { Soundness::Good } else { INCORRECT })
}

/// What a token signs in place of a message: `PROTOCOL.u2f`.
fn signed_by_token(application: &[u8], flags_and_counter: &[u8], message: &[u8]) -> Vec<u8> {
    [Sha256::digest(application).as_slice(), flags_and_counter, Sha256::digest(message).as_slice()].concat()
}

/// The point of an elliptic curve, whose name stands before it.
fn point<'b>(key: &mut &'b [u8]) -> Option<&'b [u8]> {
    string(key)?;
    string(key)
}

/// Two numbers, each of that length, as ring wants them.
fn fixed(mut made: &[u8], length: usize) -> Option<Vec<u8>> {
    let (r, s) = (unsigned(string(&mut made)?), unsigned(string(&mut made)?));
    Some([padded(r, length)?, padded(s, length)?].concat())
}

/// A number without the zeros that keep it from being negative.
fn unsigned(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

fn padded(number: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut padded = vec![0; length.checked_sub(number.len())?];
    padded.extend_from_slice(number);
    Some(padded)
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(rest.split_off(..4)?.try_into().ok()?))
}

fn string<'b>(rest: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = usize::try_from(number(rest)?).ok()?;
    rest.split_off(..length)
}

fn put(to: &mut Vec<u8>, part: &[u8]) {
    // No part of a note is so long.
    to.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
    to.extend_from_slice(part);
}
