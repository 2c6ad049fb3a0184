//! Work shared by the threads of one pool, which its caller can interrupt.

mod environment;
mod interruption;
mod pool;
mod tasks;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;

use rayon::prelude::*;

use crate::error::{Error, Result};
use environment::MAX_THREADS;
pub use environment::configured_threads;
use interruption::Interruption;
pub(crate) use tasks::split;

/// A number of threads, of one pool that all callers in this process share.
#[derive(Debug, Clone, Copy)]
pub struct Threads {
    count: usize,
    interruption: Interruption,
}

impl Threads {
    /// Use `threads` threads, at least one. With one, work runs on the calling thread.
    pub fn new(threads: usize) -> Self {
        Self {
            count: threads.clamp(1, MAX_THREADS),
            interruption: Interruption::NEVER,
        }
    }

    /// Use the same threads, for work that fails with [`Error::Interrupted`] soon after `is_interrupted`
    /// returns true.
    ///
    /// It is called on the calling thread, about every 50 ms. Work stops between two of its tasks, each
    /// of which is a frame at most.
    pub fn until(self, is_interrupted: fn() -> bool) -> Self {
        Self {
            interruption: Interruption::when(is_interrupted),
            ..self
        }
    }

    /// Return the number of threads.
    pub fn count(self) -> usize {
        self.count
    }

    /// Run `work` on every task, in no particular order, and return when all are done or one has failed.
    ///
    /// If the system does not start that many threads, fewer do the work, or only the calling one.
    ///
    /// # Errors
    /// Returns the error of `work`; or [`Error::Interrupted`] if the caller interrupted it, even if `work`
    /// failed too.
    pub(crate) fn for_each<T: Send>(
        self,
        tasks: Vec<T>,
        work: impl Fn(T) -> Result<()> + Sync + Send,
    ) -> Result<()> {
        let shared = (self.count > 1 && tasks.len() > 1).then(|| pool::get(self.count));
        let Some(pool) = shared.flatten() else {
            return tasks.into_iter().try_for_each(|task| {
                self.interruption.check()?;
                work(task)
            });
        };
        self.interruption.check()?;
        let is_stopped = AtomicBool::new(false);
        let run = || {
            tasks.into_par_iter().with_max_len(1).try_for_each(|task| {
                if is_stopped.load(Ordering::Relaxed) {
                    return Err(Error::Interrupted);
                }
                work(task)
            })
        };
        let (sender, receiver) = sync_channel(1);
        pool.in_place_scope(|scope| {
            scope.spawn(move |_| {
                // The receiver waits until it has this.
                let _ = sender.send(run());
            });
            self.interruption.wait_for(&receiver, &is_stopped)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::interruption::CHECK_INTERVAL;
    use super::*;

    #[test]
    fn every_task_runs_once() {
        for threads in [1, 2, 5] {
            let sum = AtomicUsize::new(0);
            let tasks: Vec<usize> = (1..=100).collect();
            Threads::new(threads)
                .for_each(tasks, |task| {
                    sum.fetch_add(task, Ordering::Relaxed);
                    Ok(())
                })
                .unwrap();
            assert_eq!(sum.into_inner(), 5050);
        }
    }

    #[test]
    fn an_interruption_ends_work_between_tasks() {
        static DONE: AtomicUsize = AtomicUsize::new(0);
        for threads in [1, 3] {
            DONE.store(0, Ordering::Relaxed);
            let result = Threads::new(threads)
                .until(|| DONE.load(Ordering::Relaxed) >= 10)
                .for_each(vec![(); 1000], |()| {
                    std::thread::sleep(Duration::from_millis(5));
                    DONE.fetch_add(1, Ordering::Relaxed);
                    Ok(())
                });
            assert_eq!(result, Err(Error::Interrupted));
            assert!((10..300).contains(&DONE.load(Ordering::Relaxed)));
        }
    }

    #[test]
    fn an_interruption_counts_when_every_task_has_begun() {
        let result = Threads::new(2).until(|| true).for_each(vec![(); 2], |()| {
            std::thread::sleep(3 * CHECK_INTERVAL);
            Ok(())
        });
        assert_eq!(result, Err(Error::Interrupted));
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        // The first check, before any task, does not interrupt.
        let once = || ASKED.fetch_add(1, Ordering::Relaxed) == 1;
        let result = Threads::new(2).until(once).for_each(vec![(); 2], |()| {
            std::thread::sleep(3 * CHECK_INTERVAL);
            Ok(())
        });
        assert_eq!(result, Err(Error::Interrupted));
    }

    #[test]
    fn an_interruption_counts_more_than_an_error() {
        // Both tasks fail, but not before the second check has interrupted them.
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let second = || ASKED.fetch_add(1, Ordering::SeqCst) == 1;
        let result = Threads::new(2).until(second).for_each(vec![(); 2], |()| {
            while ASKED.load(Ordering::SeqCst) < 2 {
                std::thread::yield_now();
            }
            Err(Error::Memory { bytes: 1 })
        });
        assert_eq!(result, Err(Error::Interrupted));
    }

    #[test]
    fn a_panic_is_passed_on() {
        let result = std::panic::catch_unwind(|| {
            Threads::new(2).for_each(vec![1, 2, 3], |_| panic!("of a task"))
        });
        assert_eq!(
            *result.unwrap_err().downcast_ref::<&str>().unwrap(),
            "of a task"
        );
        assert_eq!(Threads::new(2).for_each(vec![1, 2, 3], |_| Ok(())), Ok(()));
    }
}
