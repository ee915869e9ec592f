//! One attack: what is declared of it.

/// What an agent tries, and what becomes of it.
pub struct Attack {
    /// The task in which it is tried.
    pub name: &'static str,
    /// What it tries, for the page: `move a branch with git update-ref`.
    pub tries: &'static str,
    /// The attack in shell. What it knows: see `machine.rs`.
    pub does: &'static str,
    /// In shell, outside: whether it did harm. Empty: only the traces tell.
    pub harm: &'static str,
    /// How its task ends.
    pub ends: Ends,
    /// What the report says of it: in what it tells of the task, never in the agent's own words.
    pub told: &'static str,
    /// What holds it.
    pub held: Held,
    /// Whether it may be tried where nothing holds it: it reaches nothing but its own place.
    pub tame: bool,
}

/// How a task ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ends {
    /// Well: what it tried comes to nothing, or to nothing but files.
    Well,
    /// So: the word of its outcome.
    With(&'static str),
    /// One way or the other: it depends on what holds it.
    Somehow,
}

/// What holds an attack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Held {
    /// How we handle what agents leave, whatever sandbox there is, and without any.
    Always,
    /// Each sandbox.
    Sandbox,
    /// bubblewrap only.
    Bubblewrap,
    /// Landlock only.
    Landlock,
    /// Nothing that we have.
    Nobody,
}

impl Attack {
    /// An attack that only a sandbox holds, that ends well and leaves its place alone.
    pub const fn new(
        name: &'static str,
        tries: &'static str,
        does: &'static str,
        harm: &'static str,
    ) -> Attack {
        Attack { name, tries, does, harm, ends: Ends::Well, told: "", held: Held::Sandbox, tame: true }
    }

    /// It has done harm when that shell command succeeds.
    pub const fn harm(self, harm: &'static str) -> Attack {
        Attack { harm, ..self }
    }

    /// It ends so.
    pub const fn ends(self, ends: Ends) -> Attack {
        Attack { ends, ..self }
    }

    /// The report says that of it.
    pub const fn told(self, told: &'static str) -> Attack {
        Attack { told, ..self }
    }

    /// That holds it.
    pub const fn held(self, held: Held) -> Attack {
        Attack { held, ..self }
    }

    /// It is never tried without a sandbox: it would reach the machine.
    pub const fn wild(self) -> Attack {
        Attack { tame: false, ..self }
    }
}
