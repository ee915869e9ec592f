//! Whether the bytes of an SSH public key are one: a key that is cut, or of another kind than it says, can sign
//! nothing, and ssh-keygen stops reading the list there.

/// What the bytes of a key are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyForm {
    Known,
    /// Of a kind, or a length, that signs no records.
    Unknown,
    Broken,
}

/// How many bytes an RSA modulus has that signs records: 2048 to 8192 bits.
const RSA: std::ops::RangeInclusive<usize> = 256..=1024;

/// What these bytes are that should be a key of that kind (RFC 4253, section 6.6; RFC 5656; RFC 8709;
/// OpenSSH's PROTOCOL.u2f).
pub(super) fn form(kind: &str, bytes: &[u8]) -> KeyForm {
    let Some(fields) = fields(bytes) else { return KeyForm::Broken };
    let Some((name, rest)) = fields.split_first().filter(|(name, _)| **name == kind.as_bytes()) else {
        return KeyForm::Broken;
    };
    let is_point = |curve: &[u8], point: &[u8]| {
        let length = match curve {
            b"nistp256" => 65,
            b"nistp384" => 97,
            _ => return false,
        };
        point.len() == length && point.first() == Some(&4)
    };
    let is_whole = match (*name, rest) {
        (b"ssh-ed25519", [key]) => key.len() == 32,
        (b"ssh-rsa", [exponent, modulus]) if !exponent.is_empty() && !modulus.is_empty() => {
            let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
            if !RSA.contains(&(modulus.len() - zeros)) {
                return KeyForm::Unknown;
            }
            true
        }
        (b"sk-ssh-ed25519@openssh.com", [key, _]) => key.len() == 32,
        (b"sk-ecdsa-sha2-nistp256@openssh.com", [curve, point, _]) => is_point(curve, point),
        (b"ecdsa-sha2-nistp256" | b"ecdsa-sha2-nistp384", [curve, point]) => {
            name.ends_with(curve) && is_point(curve, point)
        }
        (
            b"ssh-ed25519"
            | b"ssh-rsa"
            | b"sk-ssh-ed25519@openssh.com"
            | b"sk-ecdsa-sha2-nistp256@openssh.com"
            | b"ecdsa-sha2-nistp256"
            | b"ecdsa-sha2-nistp384",
            _,
        ) => false,
        _ => return KeyForm::Unknown,
    };
    if is_whole { KeyForm::Known } else { KeyForm::Broken }
}

/// The fields, each with its length before it; `None` where they do not end with the bytes.
fn fields(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let (field, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        fields.push(field);
        bytes = rest;
    }
    Some(fields)
}
