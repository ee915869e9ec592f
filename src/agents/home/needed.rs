//! Files of a home that are both secret and needed: settings of package managers that can hold a token for a
//! private registry. They are opened only by name.

use std::path::Path;

/// A file by which a project is known, and the file of the home that it may need.
const NEEDED: &[(&str, &str)] = &[
    ("package.json", ".npmrc"),
    ("package.json", ".yarnrc.yml"),
    ("pom.xml", ".m2/settings.xml"),
    ("build.gradle", ".gradle/gradle.properties"),
    ("build.gradle.kts", ".gradle/gradle.properties"),
    ("Gemfile", ".bundle/config"),
    ("requirements.txt", ".config/pip/pip.conf"),
    ("pyproject.toml", ".config/pip/pip.conf"),
    ("requirements.txt", ".pip/pip.conf"),
    ("pyproject.toml", ".pip/pip.conf"),
    ("composer.json", ".composer/auth.json"),
    ("composer.json", ".config/composer/auth.json"),
    ("go.mod", ".netrc"),
];

/// What a project in that folder seems to need of the home, with the file that says so.
pub fn seems_needed(project: &Path, home: &Path) -> Vec<(&'static str, &'static str)> {
    let is_there = |(marker, file): &&(&str, &str)| {
        project.join(marker).is_file()
            && home.join(file).metadata().is_ok_and(|found| found.is_file() && found.len() > 0)
    };
    NEEDED.iter().filter(is_there).copied().collect()
}
