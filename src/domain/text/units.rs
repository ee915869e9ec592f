//! Sizes and durations, the same way everywhere: `1.5 MiB`, `1h 5m`.

use bytesize::ByteSize;
use jiff::SignedDuration;
use std::time::Duration;

const HOUR: u64 = 60 * 60;

/// A number of bytes, in binary units, rounded to a tenth.
pub fn size(bytes: u64) -> String {
    format!("{:.1}", ByteSize::b(bytes).display().iec()).replace(".0 ", " ")
}

/// A duration, to the second; to the minute from an hour on.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    let shown = if seconds < HOUR { seconds } else { seconds - seconds % 60 };
    format!("{:#}", SignedDuration::from_secs(i64::try_from(shown).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::{duration, size};
    use std::time::Duration;

    #[test]
    fn numbers_are_short() {
        let shown = [0, 1023, 1024, 1_572_864, 5_368_709_120].map(size);
        assert_eq!(shown, ["0 B", "1023 B", "1 KiB", "1.5 MiB", "5 GiB"]);
        let shown = [0, 59, 61, 3_600, 3_725, 90_000].map(|seconds| duration(Duration::from_secs(seconds)));
        assert_eq!(shown, ["0s", "59s", "1m 1s", "1h", "1h 2m", "25h"]);
    }
}
