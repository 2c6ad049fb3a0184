//! Work shared out to the threads of the one pool.

use std::cell::Cell;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::memory;
use crate::pool;

/// Environment variables that set the number of threads, the strongest first.
const THREAD_VARIABLES: [&str; 2] = ["KEYE_VL_UTILS_PARALLEL_NUM", "OMP_NUM_THREADS"];
/// More threads than this are a mistake in the environment, not a machine.
const MAX_THREADS: usize = 1024;
/// Tasks that each thread should find, so that a slow one does not hold up the others for long.
const TASKS_PER_THREAD: usize = 4;
/// How long a caller that may interrupt its work is not asked whether it does.
const GLANCE: Duration = Duration::from_millis(50);

/// How many threads the environment asks for: `KEYE_VL_UTILS_PARALLEL_NUM`, else `OMP_NUM_THREADS`,
/// else the cores that this process may use (affinity and cgroup quota included).
///
/// A variable that holds no positive number is passed over. Of a list such as `OMP_NUM_THREADS=4,2`
/// the first number counts.
pub fn configured_threads() -> usize {
    THREAD_VARIABLES
        .iter()
        .filter_map(|name| parse_threads(&std::env::var(name).ok()?))
        .next()
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
        .min(MAX_THREADS)
}

fn parse_threads(text: &str) -> Option<usize> {
    let number = text.split(',').next()?.trim().parse().ok()?;
    (number > 0).then_some(number)
}

/// A number of threads; work handed to it shares one pool with every other caller in this process.
#[derive(Debug, Clone, Copy)]
pub struct Threads {
    count: usize,
    is_interrupted: fn() -> bool,
}

impl Threads {
    /// At least one thread. With one, work runs on the calling thread.
    pub fn new(threads: usize) -> Self {
        Self {
            count: threads.clamp(1, MAX_THREADS),
            is_interrupted: || false,
        }
    }

    /// The same threads, whose work ends with [`Error::Interrupted`] soon after this says so.
    ///
    /// It is asked on the calling thread, every 50 ms or so. Work ends between two of its tasks, each
    /// of which is a frame at most.
    pub fn until(self, is_interrupted: fn() -> bool) -> Self {
        Self {
            is_interrupted,
            ..self
        }
    }

    /// The number of threads.
    pub fn count(self) -> usize {
        self.count
    }

    /// Asks whether to go on, if this thread has not asked for a while.
    fn glance(self) -> Result<()> {
        thread_local! {
            // Of the thread, not of one call: an operation may be many short ones.
            static ASKED: Cell<Option<Instant>> = const { Cell::new(None) };
        }
        if ASKED.get().is_some_and(|asked| asked.elapsed() < GLANCE) {
            return Ok(());
        }
        let is_interrupted = (self.is_interrupted)();
        ASKED.set(Some(Instant::now()));
        if is_interrupted {
            return Err(Error::Interrupted);
        }
        Ok(())
    }

    /// Runs `work` on every task, in no particular order, and returns when all are done or one failed.
    ///
    /// Where the system has no threads to give, fewer do the work, at the last the calling one.
    ///
    /// # Errors
    /// What `work` fails with; or the caller wanted no more of it, whatever else failed then.
    pub(crate) fn for_each<T: Send>(
        self,
        tasks: Vec<T>,
        work: impl Fn(T) -> Result<()> + Sync + Send,
    ) -> Result<()> {
        let shared = (self.count > 1 && tasks.len() > 1).then(|| pool::of(self.count));
        let Some(pool) = shared.flatten() else {
            return tasks.into_iter().try_for_each(|task| {
                self.glance()?;
                work(task)
            });
        };
        self.glance()?;
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
                // The receiver is there until this has been received.
                let _ = sender.send(run());
            });
            loop {
                match receiver.recv_timeout(GLANCE) {
                    // Also where every task had begun, or one failed: whoever interrupts has been told that
                    // it is over, and would not be told a second time.
                    Ok(_) if is_stopped.load(Ordering::Relaxed) => {
                        return Err(Error::Interrupted);
                    }
                    Ok(result) => return result,
                    Err(RecvTimeoutError::Timeout) => {
                        if (self.is_interrupted)() {
                            is_stopped.store(true, Ordering::Relaxed);
                        }
                    }
                    // The work panicked, and the scope is about to pass that on.
                    Err(RecvTimeoutError::Disconnected) => return Ok(()),
                }
            }
        })
    }
}

/// A share of the output: some units (rows, or rows of patches) of one frame.
pub(crate) struct Task<'a, T> {
    pub(crate) frame: usize,
    pub(crate) units: Range<usize>,
    pub(crate) out: &'a mut [T],
}

/// Shares `out` out, frame after frame: one task a frame, or several where there are so few frames
/// that threads would wait for each other. `sizes` has, for each frame, its units and the elements of
/// `out` that each of them fills.
pub(crate) fn split<T>(
    sizes: impl ExactSizeIterator<Item = (usize, usize)>,
    out: &mut [T],
    threads: Threads,
) -> Result<Vec<Task<'_, T>>> {
    let enough = if threads.count() == 1 {
        1
    } else {
        threads.count() * TASKS_PER_THREAD
    };
    let parts = enough.div_ceil(sizes.len().max(1));
    let mut tasks = memory::with_capacity(parts.saturating_mul(sizes.len()))?;
    let mut rest = out;
    for (frame, (units, elements)) in sizes.enumerate() {
        let step = units.div_ceil(parts).max(1);
        for start in (0..units).step_by(step) {
            let end = units.min(start + step);
            let (out, later) = rest.split_at_mut((end - start) * elements);
            rest = later;
            tasks.push(Task {
                frame,
                units: start..end,
                out,
            });
        }
    }
    Ok(tasks)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

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
            std::thread::sleep(3 * GLANCE);
            Ok(())
        });
        assert_eq!(result, Err(Error::Interrupted));
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        // The first question, before any task, is answered with no.
        let once = || ASKED.fetch_add(1, Ordering::Relaxed) == 1;
        let result = Threads::new(2).until(once).for_each(vec![(); 2], |()| {
            std::thread::sleep(3 * GLANCE);
            Ok(())
        });
        assert_eq!(result, Err(Error::Interrupted));
    }

    #[test]
    fn an_interruption_counts_more_than_an_error() {
        // Both tasks fail, but not before the question whether to go on is answered with no.
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

    #[test]
    fn tasks_cover_the_output_once_and_in_order() {
        for threads in [1, 2, 7] {
            for frames in [0, 1, 3, 40] {
                let sizes = (0..frames).map(|frame| (1 + frame % 5, 10 * (1 + frame % 2)));
                let total = sizes
                    .clone()
                    .map(|(units, elements)| units * elements)
                    .sum();
                let mut out = vec![0u8; total];
                let tasks = split(sizes.clone(), &mut out, Threads::new(threads)).unwrap();
                let mut units = vec![0; frames];
                let mut elements = 0;
                for task in &tasks {
                    assert_eq!(task.units.start, units[task.frame]);
                    units[task.frame] = task.units.end;
                    elements += task.out.len();
                }
                assert_eq!(units, sizes.map(|(units, _)| units).collect::<Vec<_>>());
                assert_eq!(elements, total);
                assert!(frames != 1 || threads == 1 || tasks.len() == 1);
            }
        }
        let mut out = vec![0u8; 100];
        assert_eq!(
            split([(100, 1)].into_iter(), &mut out, Threads::new(2))
                .unwrap()
                .len(),
            8
        );
    }

    #[test]
    fn thread_variables_are_read_leniently() {
        assert_eq!(parse_threads("4"), Some(4));
        assert_eq!(parse_threads(" 6 , 2"), Some(6));
        for text in ["", "0", "-1", "many", "1.5"] {
            assert_eq!(parse_threads(text), None, "{text}");
        }
    }
}
