//! `core.sharedRepository`: what we write in a repository that several people share, they can all use.
//!
//! git gives each file and folder that it writes in its directory the rights that the setting asks for
//! (`adjust_shared_perm` in `path.c`); gix leaves them as the umask makes them, and the next person could not
//! write beside. So the same is done after gix: for objects before a ref leads to them, then for the ref.

use super::Repo;
use std::fs::{self, Metadata, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::path::Path;

/// The rights that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sharing {
    /// Of files, as in `git init --shared`: 0660 for the group.
    mode: u32,
    /// Whether they are exactly these, and not these besides what the umask leaves.
    is_exact: bool,
}

impl Sharing {
    /// What the repository asks for; `None` if it leaves that to the umask.
    pub fn of(repo: &Repo) -> Option<Sharing> {
        parse(&repo.git_config("core.sharedRepository")?)
    }

    /// Shares the objects that we have written. Of folders that have been written in since, all files: which of
    /// them are ours, their owner says.
    pub fn share_objects(self, objects: &Path) {
        for folder in fs::read_dir(objects).into_iter().flatten().flatten().map(|entry| entry.path()) {
            let is_fan_out = folder.file_name().is_some_and(|name| name.len() == 2);
            if !is_fan_out {
                continue;
            }
            self.share(&folder);
            for object in fs::read_dir(&folder).into_iter().flatten().flatten() {
                self.share(&object.path());
            }
        }
    }

    /// Shares a file below a directory of git, with the folders on the way. What is not there needs nothing.
    pub fn share_below(self, dir: &Path, file: &str) {
        for path in dir.join(file).ancestors().take_while(|path| *path != dir) {
            self.share(path);
        }
    }

    /// Gives a file or folder of ours its rights. That of another person has them from its owner.
    pub fn share(self, path: &Path) {
        let Ok(data) = path.symlink_metadata() else { return };
        let wanted = self.mode_of(&data);
        if !data.is_symlink()
            && data.uid() == rustix::process::geteuid().as_raw()
            && wanted != data.mode() & 0o7777
        {
            // Where that fails, whoever comes next gets git's own error.
            let _ = fs::set_permissions(path, Permissions::from_mode(wanted));
        }
    }

    /// The same for a folder beside the repository, whose parent has another group perhaps: as that folder of the
    /// repository.
    pub fn share_like(self, path: &Path, like: &Path) {
        if let Ok(like) = like.metadata() {
            // Only who is in that group may; others get git's own error later.
            let _ = lchown(path, None, Some(like.gid()));
        }
        self.share(path);
    }

    fn mode_of(self, data: &Metadata) -> u32 {
        let is = data.mode() & 0o7777;
        let mut asked = self.mode;
        if is & 0o200 == 0 {
            asked &= !0o222;
        }
        if is & 0o100 != 0 {
            asked |= (asked & 0o444) >> 2;
        }
        let mode = if self.is_exact { is & !0o777 | asked } else { is | asked };
        match data.is_dir() {
            // What is made in it belongs to the same group.
            true => mode | (mode & 0o444) >> 2 | 0o2000,
            false => mode,
        }
    }
}

/// As `git config` documents the values.
fn parse(value: &str) -> Option<Sharing> {
    let besides = |mode| Some(Sharing { mode, is_exact: false });
    match value.to_ascii_lowercase().as_str() {
        "group" | "true" | "yes" | "on" | "1" | "" => besides(0o660),
        "all" | "world" | "everybody" | "2" => besides(0o664),
        octal => match u32::from_str_radix(octal, 8) {
            // git refuses a mode by which the owner could not write.
            Ok(mode) if mode & 0o600 == 0o600 => Some(Sharing { mode: mode & 0o666, is_exact: true }),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{Sharing, parse};
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn values_mean_what_they_mean_to_git() {
        for none in ["umask", "false", "0", "no", "0440"] {
            assert_eq!(parse(none), None, "{none}");
        }
        let [group, all, exact] = ["group", "everybody", "0640"].map(|value| parse(value).unwrap());
        let place = tempfile::tempdir().unwrap();
        let after = |sharing: Sharing, mode: u32, is_dir: bool| {
            let path = place.path().join("x");
            if is_dir {
                fs::create_dir(&path).unwrap()
            } else {
                fs::write(&path, "").unwrap()
            };
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            sharing.share(&path);
            let mode = path.metadata().unwrap().permissions().mode() & 0o7777;
            if is_dir {
                fs::remove_dir(&path).unwrap()
            } else {
                fs::remove_file(&path).unwrap()
            };
            mode
        };
        assert_eq!([after(group, 0o644, false), after(group, 0o444, false)], [0o664, 0o444]);
        assert_eq!([after(group, 0o400, false), after(group, 0o755, true)], [0o440, 0o2775]);
        assert_eq!([after(all, 0o600, false), after(all, 0o700, true)], [0o664, 0o2775]);
        assert_eq!([after(exact, 0o644, false), after(exact, 0o755, true)], [0o640, 0o2750]);
    }
}
