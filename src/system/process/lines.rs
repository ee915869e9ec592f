//! Reads lines of a bounded length from a pipe.
//!
//! One tool repeats its whole reply with every word, so that 2 MB become 79 MB of events, and a line may
//! never end. A line that is too long is cut, and says so; the rest of it is read and dropped. Bytes that
//! are not UTF-8 become replacement characters.

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// The longest line that is kept, in bytes. An agent's last event holds its whole answer in one line.
pub const LONGEST_LINE: usize = 4 << 20;

/// Ends a line that was cut.
const CUT: &str = " … [the line went on]";

/// The lines of one pipe.
#[derive(Debug)]
pub struct Lines<R> {
    source: BufReader<R>,
    line: Vec<u8>,
    longest: usize,
    cut: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// The lines of that pipe, each cut after so many bytes.
    pub fn new(pipe: R, longest: usize) -> Lines<R> {
        Lines { source: BufReader::with_capacity(32 << 10, pipe), line: Vec::new(), longest, cut: false }
    }

    /// The next line without its end; `None` when the pipe is closed or broken. Nothing is lost if the caller
    /// stops waiting.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            // Nothing more comes from a broken pipe.
            let chunk = self.source.fill_buf().await.unwrap_or_default();
            if chunk.is_empty() {
                return (!self.line.is_empty()).then(|| self.take());
            }
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let part = &chunk[..end.unwrap_or(chunk.len())];
            let room = self.longest.saturating_sub(self.line.len());
            self.cut |= part.len() > room;
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            let consumed = part.len() + usize::from(end.is_some());
            self.source.consume(consumed);
            if end.is_some() {
                return Some(self.take());
            }
        }
    }

    /// What has come of a line so far.
    pub fn unfinished(&self) -> String {
        String::from_utf8_lossy(&self.line).into_owned()
    }

    fn take(&mut self) -> String {
        let bytes = std::mem::take(&mut self.line);
        let cut = std::mem::take(&mut self.cut);
        let mut line = String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        if cut {
            line.push_str(CUT);
        } else if line.ends_with('\r') {
            line.pop();
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8], longest: usize) -> Vec<String> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut lines = Lines::new(bytes, longest);
            let mut all = Vec::new();
            while let Some(line) = lines.next().await {
                all.push(line);
            }
            all
        })
    }

    #[test]
    fn lines_come_whole_with_any_end_and_without_one() {
        assert_eq!(lines(b"a\n\r\nb\r\nlast", 100), ["a", "", "b", "last"]);
        assert_eq!(lines(b"", 100), [""; 0]);
    }

    #[test]
    fn a_line_without_end_is_cut_and_the_next_one_is_whole() {
        let mut bytes = vec![b'x'; 100_000];
        bytes.extend_from_slice(b"\nnext\n");
        let all = lines(&bytes, 10);
        assert_eq!(all, [format!("xxxxxxxxxx{CUT}"), "next".to_owned()]);
    }

    #[test]
    fn garbage_becomes_text() {
        assert_eq!(lines(b"\xff\xfe\n\0\n", 10), ["\u{fffd}\u{fffd}", "\0"]);
    }
}
