//! Which task may start when. Pure: nothing here waits or runs.
//!
//! A task is ready when all that it depends on is done. A failure blocks what depends on it, near and
//! far, and nothing else.

use super::{Plan, Task};

/// Where a task stands in a [`Schedule`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Waits for its dependencies.
    Waiting,
    /// Could start.
    Ready,
    /// Under way.
    Running,
    /// Begun, and waits for a time to go on; its place is free for others.
    Parked,
    /// Done.
    Done,
    /// Over without a result.
    Failed,
    /// Cannot start, since a dependency failed or cannot start.
    Blocked,
}

/// The state of a plan under way.
#[derive(Debug, Clone)]
pub struct Schedule {
    tasks: Vec<(Task, Standing)>,
    /// For each task, the places of those that it depends on.
    after: Vec<Vec<usize>>,
    parallel: usize,
}

impl Schedule {
    /// All tasks waiting, those in `done` done; at most `parallel` at once, at least one.
    pub fn new(plan: &Plan, done: &[String], parallel: usize) -> Schedule {
        let place = |id: &String| plan.tasks.iter().position(|task| task.id == *id);
        let after = plan.tasks.iter().map(|task| task.after.iter().filter_map(place).collect()).collect();
        let standing = |task: &Task| if done.contains(&task.id) { Standing::Done } else { Standing::Waiting };
        let tasks = plan.tasks.iter().map(|task| (task.clone(), standing(task))).collect();
        let mut schedule = Schedule { tasks, after, parallel: parallel.max(1) };
        schedule.settle();
        schedule
    }

    /// The next task that is ready and may start, if a place is free, in the plan's order; it then counts
    /// as running.
    pub fn start_next(&mut self, may: impl Fn(&Task) -> bool) -> Option<Task> {
        if !self.has_room() {
            return None;
        }
        let is_next = |(task, standing): &&mut (Task, Standing)| *standing == Standing::Ready && may(task);
        let (task, standing) = self.tasks.iter_mut().find(is_next)?;
        *standing = Standing::Running;
        Some(task.clone())
    }

    /// A running task has to wait, and gives its place away.
    pub fn park(&mut self, id: &str) {
        self.turn(id, Standing::Running, Standing::Parked);
    }

    /// A parked task could go on as soon as a place is free.
    pub fn unpark(&mut self, id: &str) {
        self.turn(id, Standing::Parked, Standing::Ready);
    }

    fn turn(&mut self, id: &str, from: Standing, to: Standing) {
        let found = self.tasks.iter_mut().find(|(task, standing)| task.id == id && *standing == from);
        if let Some((_, standing)) = found {
            *standing = to;
        }
    }

    /// A running or parked task is over. What was not begun cannot be over: any other id changes nothing.
    pub fn finish(&mut self, id: &str, success: bool) {
        let over = if success { Standing::Done } else { Standing::Failed };
        self.turn(id, Standing::Parked, Standing::Running);
        self.turn(id, Standing::Running, over);
        self.settle();
    }

    /// Whether nothing runs, nothing can start, and nothing waits to go on.
    pub fn is_over(&self) -> bool {
        use Standing::{Parked, Ready, Running};
        !self.tasks.iter().any(|(_, standing)| matches!(standing, Running | Ready | Parked))
    }

    /// Where each task stands, in the plan's order.
    pub fn standings(&self) -> impl Iterator<Item = (&Task, Standing)> {
        self.tasks.iter().map(|(task, standing)| (task, *standing))
    }

    /// Whether a place is free for another.
    pub fn has_room(&self) -> bool {
        self.running() < self.parallel
    }

    /// How many run.
    pub fn running(&self) -> usize {
        self.tasks.iter().filter(|(_, standing)| *standing == Standing::Running).count()
    }

    /// Moves waiting tasks to ready or blocked until nothing moves: a blocked task blocks others.
    fn settle(&mut self) {
        let mut moved = true;
        while moved {
            moved = false;
            for place in 0..self.tasks.len() {
                if self.tasks[place].1 != Standing::Waiting {
                    continue;
                }
                let mut dependencies = self.after[place].iter().map(|&other| self.tasks[other].1);
                let next = if dependencies.clone().all(|standing| standing == Standing::Done) {
                    Standing::Ready
                } else if dependencies
                    .any(|standing| matches!(standing, Standing::Failed | Standing::Blocked))
                {
                    Standing::Blocked
                } else {
                    continue;
                };
                self.tasks[place].1 = next;
                moved = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Plan, Schedule, Standing, Task};
    use std::collections::HashSet;

    /// A generator that is the same on every machine (xorshift64*).
    struct Random(u64);

    impl Random {
        fn below(&mut self, end: usize) -> usize {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).expect("31 bits") % end
        }
    }

    fn task(id: usize, after: Vec<String>) -> Task {
        Task {
            id: id.to_string(),
            title: String::new(),
            agent: None,
            after,
            files: Vec::new(),
            verify: None,
            instruction: String::new(),
            done: false,
            line: id + 1,
        }
    }

    /// A plan in which each task depends on some of lower number, in shuffled order.
    fn any_plan(random: &mut Random) -> Plan {
        let count = 1 + random.below(20);
        let mut tasks: Vec<Task> = (0..count)
            .map(|id| {
                let after = (0..id).filter(|_| random.below(4) == 0).map(|id| id.to_string()).collect();
                task(id, after)
            })
            .collect();
        for place in (1..count).rev() {
            tasks.swap(place, random.below(place + 1));
        }
        Plan { tasks, warnings: Vec::new() }
    }

    #[test]
    fn whatever_the_plan_nothing_starts_too_early_nor_too_often_and_it_ends() {
        let mut random = Random(0x5EED);
        for _ in 0..500 {
            let plan = any_plan(&mut random);
            let parallel = 1 + random.below(5);
            let done: Vec<String> = plan
                .tasks
                .iter()
                .filter(|task| task.after.is_empty() && random.below(5) == 0)
                .map(|task| task.id.clone())
                .collect();
            let mut schedule = Schedule::new(&plan, &done, parallel);
            let mut succeeded: HashSet<String> = done.iter().cloned().collect();
            let mut failed: HashSet<String> = HashSet::new();
            let mut started: HashSet<String> = HashSet::new();
            let mut running: Vec<Task> = Vec::new();
            let mut parked: Vec<Task> = Vec::new();
            while !schedule.is_over() {
                if !parked.is_empty() && (running.is_empty() || random.below(3) == 0) {
                    let task = parked.swap_remove(random.below(parked.len()));
                    schedule.unpark(&task.id);
                    started.remove(&task.id);
                }
                while let Some(task) = schedule.start_next(|_| true) {
                    assert!(started.insert(task.id.clone()), "no task starts twice");
                    assert!(!done.contains(&task.id), "what is done is not done again");
                    assert!(
                        task.after.iter().all(|id| succeeded.contains(id)),
                        "no task starts before its dependencies"
                    );
                    running.push(task);
                    assert!(running.len() <= parallel && schedule.running() == running.len());
                }
                assert!(!running.is_empty(), "what is not over goes on");
                let task = running.swap_remove(random.below(running.len()));
                if random.below(4) == 0 {
                    schedule.park(&task.id);
                    parked.push(task);
                    continue;
                }
                let success = random.below(4) > 0;
                schedule.finish(&task.id, success);
                if success {
                    succeeded.insert(task.id)
                } else {
                    failed.insert(task.id)
                };
            }
            assert!(running.is_empty() && parked.is_empty(), "it is not over while something waits");
            for (task, standing) in schedule.standings() {
                let expected = if succeeded.contains(&task.id) {
                    Standing::Done
                } else if failed.contains(&task.id) {
                    Standing::Failed
                } else {
                    Standing::Blocked
                };
                assert_eq!(standing, expected);
                if expected == Standing::Blocked {
                    assert!(task.after.iter().any(|id| !succeeded.contains(id)), "only a failure blocks");
                }
            }
        }
    }

    #[test]
    fn what_does_not_run_cannot_finish() {
        let plan = Plan { tasks: vec![task(0, Vec::new()), task(1, vec!["0".into()])], warnings: Vec::new() };
        let mut schedule = Schedule::new(&plan, &[], 0);
        schedule.finish("1", true);
        schedule.finish("nobody", true);
        schedule.park("0");
        schedule.unpark("1");
        assert_eq!(schedule.start_next(|task| task.id != "0"), None, "it may not, and the other cannot");
        let next = schedule.start_next(|_| true).map(|task| task.id);
        assert_eq!(next.as_deref(), Some("0"), "none at once means one");
        assert_eq!(schedule.start_next(|_| true), None);
        schedule.park("0");
        assert!(!schedule.is_over() && schedule.running() == 0);
        schedule.finish("0", false);
        schedule.finish("0", true);
        assert!(schedule.is_over());
        assert_eq!(
            schedule.standings().map(|(_, standing)| standing).collect::<Vec<_>>(),
            [Standing::Failed, Standing::Blocked]
        );
    }
}
