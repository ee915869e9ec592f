//! What a `.gitmodules` may not say: names, addresses, paths and updates that make git run or reach what
//! nobody asked for. As `git fsck` has it, but that a file which cannot be read as config is at fault too:
//! what reads it in another way than we do could find anything in it.

use gix::bstr::{BStr, ByteSlice};

/// What is wrong with it; none where nothing is.
pub(super) fn fault(text: &[u8]) -> Option<&'static str> {
    let Ok(config) = gix::config::File::try_from(text.as_bstr()) else {
        return Some("git cannot read that `.gitmodules`");
    };
    for section in config.sections_by_name("submodule").into_iter().flatten() {
        let Some(name) = section.header().subsection_name() else { continue };
        if !is_submodule_name(name) {
            return Some("it names a submodule as a path that leads elsewhere");
        }
        let says = |key: &str, is_bad: fn(&BStr) -> bool| {
            section.values(key).iter().any(|value| is_bad(value.as_bstr()))
        };
        if says("url", is_bad_url) {
            return Some("a submodule's url would be an option, a command or a way around its host for git");
        }
        if says("path", |path| path.starts_with(b"-")) {
            return Some("a submodule's path would be an option for git");
        }
        if says("update", |update| update.starts_with(b"!")) {
            return Some("a submodule's update would run a command");
        }
    }
    None
}

/// Whether git takes that name for a submodule's: it is a folder below `.git/modules`.
pub fn is_submodule_name(name: &BStr) -> bool {
    !name.is_empty() && name.split(|byte| matches!(byte, b'/' | b'\\')).all(|part| part != b"..")
}

fn is_bad_url(url: &BStr) -> bool {
    if url.starts_with(b"-") || url.contains(&b'\n') || url.to_lowercase().contains_str("%0a") {
        return true;
    }
    // `ext::sh -c …` is a command, and `NAME::…` is whatever `git-remote-NAME` makes of it.
    let is_of_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let scheme = url.iter().take_while(|byte| is_of_scheme(byte)).count();
    if scheme > 0 && url[scheme..].starts_with(b"::") {
        return true;
    }
    let mut rest = url.as_bytes();
    let mut ups = 0;
    while let Some(next) = rest.strip_prefix(b"../").or_else(|| rest.strip_prefix(b"./")) {
        ups += usize::from(rest.starts_with(b".."));
        rest = next;
    }
    // Joined with the address of the repository this would replace its host.
    if ups > 0 && (rest.starts_with(b":") || rest.starts_with(b"/")) {
        return true;
    }
    // Without a host, git would ask for the password of another.
    ["http://", "https://", "ftp://", "ftps://"].iter().any(|scheme| {
        let host = url.strip_prefix(scheme.as_bytes());
        host.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/") || rest.starts_with(b":"))
    })
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn what_git_would_run_or_be_led_to_is_found() {
        let with = |line: &str| {
            format!("[submodule \"lib\"]\n\tpath = lib\n\turl = https://a.example/b.git\n\t{line}\n")
        };
        for fine in [
            "",
            "branch = main",
            "url = ../b.git",
            "url = ./b",
            "url = git@a.example:b.git",
            "url = https://other.example/a::b",
            "url = \"[::1]:b.git\"",
            "update = rebase",
            "update = none",
            "ignore = all",
        ] {
            assert_eq!(fault(with(fine).as_bytes()), None, "{fine}");
        }
        for bad in [
            "url = --upload-pack=evil",
            "url = https://a.example/%0ahost=b.example",
            "url = \"https://a\\nb\"",
            "url = ../:b",
            "url = ext::sh -c evil",
            "url = fd::7",
            "url = EXT::sh",
            "url = ..//b",
            "url = http:///b",
            "path = -evil",
            "update = !evil",
            "[submodule \"../../x\"]\n\tpath = x",
            "[submodule \"a\\\\..\\\\b\"]\n\tpath = x",
            "[submodule \"\"]\n\tpath = x",
            "[broken",
        ] {
            assert!(fault(with(bad).as_bytes()).is_some(), "{bad}");
        }
    }
}
