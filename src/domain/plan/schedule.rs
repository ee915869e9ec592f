//! Which task may start when. Pure: nothing here waits or runs.
//!
//! A task is ready when all that it depends on is done. A failure blocks what depends on it, near and
//! far, and nothing else.

use super::{Plan, Task};

/// The status of a task in a [`Schedule`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskStatus {
    /// Waits for its dependencies.
    Waiting,
    Ready,
    Running,
    /// Begun, and waits for a time to go on; its place is free for others.
    Parked,
    Done,
    /// Over without a result.
    Failed,
    /// Cannot start, since a dependency failed or cannot start.
    Blocked,
}

/// The state of a plan under way.
#[derive(Debug, Clone)]
pub struct Schedule {
    tasks: Vec<(Task, TaskStatus)>,
    /// For each task, the places of those that it depends on.
    after: Vec<Vec<usize>>,
    parallel: usize,
}

impl Schedule {
    /// All tasks waiting, those in `done` done; at most `parallel` at once, at least one.
    pub fn new(plan: &Plan, done: &[String], parallel: usize) -> Schedule {
        let place = |id: &String| plan.tasks.iter().position(|task| task.id == *id);
        let after = plan.tasks.iter().map(|task| task.after.iter().filter_map(place).collect()).collect();
        let status =
            |task: &Task| if done.contains(&task.id) { TaskStatus::Done } else { TaskStatus::Waiting };
        let tasks = plan.tasks.iter().map(|task| (task.clone(), status(task))).collect();
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
        let is_next = |(task, status): &&mut (Task, TaskStatus)| *status == TaskStatus::Ready && may(task);
        let (task, status) = self.tasks.iter_mut().find(is_next)?;
        *status = TaskStatus::Running;
        Some(task.clone())
    }

    /// A running task has to wait, and gives its place away.
    pub fn park(&mut self, id: &str) {
        self.turn(id, TaskStatus::Running, TaskStatus::Parked);
    }

    /// A parked task could go on as soon as a place is free.
    pub fn unpark(&mut self, id: &str) {
        self.turn(id, TaskStatus::Parked, TaskStatus::Ready);
    }

    fn turn(&mut self, id: &str, from: TaskStatus, to: TaskStatus) {
        let found = self.tasks.iter_mut().find(|(task, status)| task.id == id && *status == from);
        if let Some((_, status)) = found {
            *status = to;
        }
    }

    /// A running or parked task is over. What was not begun cannot be over: any other id changes nothing.
    pub fn finish(&mut self, id: &str, success: bool) {
        let over = if success { TaskStatus::Done } else { TaskStatus::Failed };
        self.turn(id, TaskStatus::Parked, TaskStatus::Running);
        self.turn(id, TaskStatus::Running, over);
        self.settle();
    }

    /// Whether nothing runs, nothing can start, and nothing waits to go on.
    pub fn is_over(&self) -> bool {
        use TaskStatus::{Parked, Ready, Running};
        !self.tasks.iter().any(|(_, status)| matches!(status, Running | Ready | Parked))
    }

    /// The tasks with their status, in the plan's order.
    pub fn statuses(&self) -> impl Iterator<Item = (&Task, TaskStatus)> {
        self.tasks.iter().map(|(task, status)| (task, *status))
    }

    /// Whether a place is free for another.
    pub fn has_room(&self) -> bool {
        self.running() < self.parallel
    }

    pub fn running(&self) -> usize {
        self.tasks.iter().filter(|(_, status)| *status == TaskStatus::Running).count()
    }

    /// Moves waiting tasks to ready or blocked until nothing moves: a blocked task blocks others.
    fn settle(&mut self) {
        let mut moved = true;
        while moved {
            moved = false;
            for place in 0..self.tasks.len() {
                if self.tasks[place].1 != TaskStatus::Waiting {
                    continue;
                }
                let mut dependencies = self.after[place].iter().map(|&other| self.tasks[other].1);
                let next = if dependencies.clone().all(|status| status == TaskStatus::Done) {
                    TaskStatus::Ready
                } else if dependencies
                    .any(|status| matches!(status, TaskStatus::Failed | TaskStatus::Blocked))
                {
                    TaskStatus::Blocked
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
    use super::{Plan, Schedule, Task, TaskStatus};
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
            for (task, status) in schedule.statuses() {
                let expected = if succeeded.contains(&task.id) {
                    TaskStatus::Done
                } else if failed.contains(&task.id) {
                    TaskStatus::Failed
                } else {
                    TaskStatus::Blocked
                };
                assert_eq!(status, expected);
                if expected == TaskStatus::Blocked {
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
            schedule.statuses().map(|(_, status)| status).collect::<Vec<_>>(),
            [TaskStatus::Failed, TaskStatus::Blocked]
        );
    }
}
