//! Which files are no text, so that a request names them with size and id instead of showing each byte.
//!
//! Whatever a tool could run without a line that says so has to be shown: a Python program may have a comment
//! of control characters on each line, and a shell, Perl or C skips over NUL bytes. So a file is opaque only
//! if git takes it for binary, most of it cannot be read, and its name is that of data. All else is shown,
//! with what cannot be seen written out, and where that is too much there is no request.

/// How many bytes git looks at to tell whether a file is text.
const SAMPLE: usize = 8000;

/// The execute bits of a mode.
const EXECUTABLE: u32 = 0o111;

/// What the names of data end in: pictures, sound, films, fonts, archives, documents, tables, models, and
/// programs that are no text anyway.
const DATA: &str = "\
    7z aac aar aiff apk ar arrow avi avif avro bin blend bmp br bz2 cab class crx cur dat db dds deb dex \
    dll dmg doc docx dylib dwg ear egg eot epub exe exr fbx flac flv gem gguf gif glb gmo gz h5 hdf5 heic \
    heif hprof icns ico img ipa iso jar jp2 jpeg jpg jxl ktx ktx2 lib lz lz4 lzma m4a m4v mat mdb mid midi \
    mkv mo mobi mov mp2 mp3 mp4 mpeg mpg msi nib node npy npz nupkg o ocx odp ods odt ogg ogv onnx opus otf \
    pack parquet pb pcap pcapng pdb pdf pfx p12 pickle pkl png ppt pptx psd pt pth pyc pyd qm rar rdb rlib rmeta rpm \
    safetensors sav sketch so spv sqlite sqlite3 stl swf tar tbz tflite tga tgz tif tiff traineddata \
    ttc ttf txz usdz vsix wasm wav webm webp whl wim wma wmv woff woff2 xcf xls xlsx xz z zip zst";

/// Whether git takes a file for binary: a NUL byte is among the first.
pub fn has_early_nul(bytes: &[u8]) -> bool {
    bytes.iter().take(SAMPLE).any(|byte| *byte == 0)
}

/// Whether a file is called as data is, and its mode does not let it be run.
pub fn has_name_of_data(path: &[u8], mode: u32) -> bool {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let ending = name.iter().rposition(|byte| *byte == b'.').filter(|at| *at > 0).map(|at| &name[at + 1..]);
    let is_data =
        |ending: &[u8]| DATA.split_ascii_whitespace().any(|one| one.as_bytes().eq_ignore_ascii_case(ending));
    mode & EXECUTABLE == 0 && ending.is_some_and(is_data)
}

/// Whether content is no text, whatever its name: git takes it for binary, it names no program to run it,
/// and most of it cannot be read.
pub fn is_garbage(bytes: &[u8]) -> bool {
    has_early_nul(bytes) && !bytes.starts_with(b"#!") && !is_mostly_readable(bytes)
}

/// Whether seven in ten bytes are of text. NUL bytes do not count: in UTF-16 each second one is none.
fn is_mostly_readable(bytes: &[u8]) -> bool {
    let (mut readable, mut all) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars().filter(|c| *c != '\0') {
            all += c.len_utf8();
            if !c.is_control() || matches!(c, '\t' | '\r' | '\n') {
                readable += c.len_utf8();
            }
        }
        all += chunk.invalid().len();
    }
    readable * 10 >= all * 7
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a file that a change brings is not shown byte by byte.
    fn is_opaque(path: &[u8], mode: u32, bytes: &[u8]) -> bool {
        has_name_of_data(path, mode) && is_garbage(bytes)
    }

    const FILE: u32 = 0o100_644;

    fn picture() -> Vec<u8> {
        (0..40_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
    }

    #[test]
    fn data_is_opaque_and_what_a_tool_would_run_is_not() {
        let garbage = picture();
        assert!(is_opaque(b"img/Logo.PNG", FILE, &garbage) && is_opaque(b"vendor.tar.gz", FILE, &garbage));
        for name in [b"setup.py".as_slice(), b"Makefile", b"a.png/run", b".png", b"main.c", b"x.php", b"png"]
        {
            assert!(!is_opaque(name, FILE, &garbage), "{}", String::from_utf8_lossy(name));
        }
        assert!(!is_opaque(b"logo.png", 0o100_755, &garbage), "it can be run");
        assert!(!is_opaque(b"logo.png", FILE, &[b"#!/bin/sh\n".as_slice(), &garbage].concat()));
    }

    #[test]
    fn text_is_no_data_whatever_its_name_and_encoding() {
        let utf_16: Vec<u8> = "let x = 1;\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let program = b"import os\n#\x01\x02\x03\x04\x05\x06\nos.x()\n";
        for text in [&utf_16, program.as_slice(), b"rm -rf /\n\0", "日本語\0\n".as_bytes(), b"caf\xe9\n", b""]
        {
            assert!(!is_opaque(b"a.bin", FILE, text), "{}", text.escape_ascii());
        }
        assert!(is_garbage(b"\x89PNG\x0d\x0a\x1a\x0a\0\0\0\x0d\xff\xfe"));
    }
}
