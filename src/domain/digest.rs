//! What names content: its SHA-256 in hex, as records, configs, hooks and fingerprints have it.

use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::io::{self, Read};

/// The SHA-256 of that content, in 64 hex digits.
pub fn sha256(content: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(content))
}

/// Of what was put into it bit by bit.
pub fn finish(digest: Sha256) -> String {
    hex(&digest.finalize())
}

/// The same of what is read to its end, which may be large.
pub fn sha256_read(mut content: impl Read) -> io::Result<String> {
    let (mut digest, mut part) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match content.read(&mut part) {
            Ok(0) => return Ok(hex(&digest.finalize())),
            Ok(read) => digest.update(&part[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The first half of it, where people have to read it.
pub fn short(content: impl AsRef<[u8]>) -> String {
    let mut digest = sha256(content);
    digest.truncate(32);
    digest
}

/// Bytes in hex digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::{sha256, sha256_read, short};

    #[test]
    fn the_digest_is_plain_sha256() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256(""), empty);
        assert_eq!(short(""), empty[..32]);
        let large = vec![7; 200_000];
        assert_eq!(sha256_read(&large[..]).unwrap(), sha256(&large));
    }
}
