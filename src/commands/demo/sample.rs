//! The sample project and what is done to it: a till in POSIX sh.

/// A file: its path in the project, and its text.
pub type File<'a> = (&'a str, &'a str);

macro_rules! file {
    ($of:literal, $path:literal) => {
        ($path, include_str!(concat!("sample/", $of, "/", $path)))
    };
}

/// What the story begins with.
pub const MAIN: &[File<'static>] = &[
    file!("main", "README.md"),
    file!("main", "test.sh"),
    file!("main", "lib/sum.sh"),
    file!("main", "tests/sum.sh"),
];

/// The specification that the person writes.
pub const SPEC: &str = include_str!("sample/spec.md");

/// The plan that the person writes.
pub const PLAN: &str = include_str!("sample/plan.md");

/// Changes without a fault.
pub const DISCOUNT: &[File<'static>] =
    &[file!("discount", "lib/discount.sh"), file!("discount", "tests/discount.sh")];
pub const TAX: &[File<'static>] = &[file!("tax", "lib/tax.sh"), file!("tax", "tests/tax.sh")];

/// A price of 12.05 is shown as 12.5, which the test that comes with it does not try.
pub const SHOW: &[File<'static>] = &[file!("show", "lib/show.sh"), file!("show", "tests/show.sh")];
pub const SHOW_MENDED: &[File<'static>] =
    &[file!("show-mended", "lib/show.sh"), file!("show-mended", "tests/show.sh")];

/// A change that is merged without a review: it passes all tests, and runs what a price says.
pub const CARELESS: &[File<'static>] = &[file!("careless", "lib/sum.sh")];

/// A fault that the scripted reviewers know when they read it.
pub struct Fault {
    /// What a line that has it contains.
    pub sign: &'static str,
    pub severity: &'static str,
    pub body: &'static str,
    pub suggestion: &'static str,
}

pub const FAULTS: &[Fault] = &[
    Fault {
        sign: "%d.%d",
        severity: "P1",
        body: "cents below ten lose their zero: 1205 is shown as 12.5",
        suggestion: "print the cents as %02d, and test a price such as 1205",
    },
    Fault {
        sign: "eval \"",
        severity: "P0",
        body: "whatever stands in a price is run as a command: sum '1;reboot'",
        suggestion: "add the prices up in a loop, without eval",
    },
];
