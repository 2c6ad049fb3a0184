//! The one thread pool, and the only module that knows of it.
//!
//! The pool is made by the first call that wants more than one thread, and again when another number
//! is asked for. A child made by `fork` has the parent's memory but none of its threads: it makes a
//! pool of its own, and leaves the parent's untouched, since locks inside it may be held for ever.

use std::sync::Arc;
use std::thread::Builder;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// Interval after which all threads are asked for again where the system gave fewer.
const RETRY: Duration = Duration::from_secs(10);

struct Pool {
    process: u32,
    /// The threads that were asked for, of which there may be fewer.
    threads: usize,
    made: Instant,
    /// None where there are not even two threads.
    workers: Option<Arc<ThreadPool>>,
}

static POOL: ArcSwapOption<Pool> = ArcSwapOption::const_empty();

impl Pool {
    /// With as many threads as the system gives (`RLIMIT_NPROC`, a cgroup's limit, memory for stacks);
    /// `start` says how many it gave where it did not give all.
    fn new(
        process: u32,
        threads: usize,
        start: impl Fn(usize) -> std::result::Result<ThreadPool, usize>,
    ) -> Self {
        let (mut count, mut workers) = (threads, None);
        while count > 1 && workers.is_none() {
            match start(count) {
                Ok(pool) => workers = Some(Arc::new(pool)),
                // What it gave a moment ago it may not give again.
                Err(given) => count = given.min(count - 1),
            }
        }
        Self {
            process,
            threads,
            workers,
            made: Instant::now(),
        }
    }

    fn serves(&self, process: u32, threads: usize) -> bool {
        let workers = self.workers.as_ref();
        let is_whole = workers.is_some_and(|pool| pool.current_num_threads() == threads);
        self.process == process
            && self.threads == threads
            && (is_whole || self.made.elapsed() < RETRY)
    }
}

/// A pool of `threads` threads, or of fewer where the system does not give so many; None where it does
/// not give two.
pub(crate) fn of(threads: usize) -> Option<Arc<ThreadPool>> {
    let process = std::process::id();
    let current = POOL.load_full();
    if let Some(pool) = &current
        && pool.serves(process, threads)
    {
        return pool.workers.clone();
    }
    let pool = Arc::new(Pool::new(process, threads, start));
    let workers = pool.workers.clone();
    let replaced = POOL.swap(Some(pool));
    for inherited in [current, replaced].into_iter().flatten() {
        if inherited.process != process {
            // Dropping it would wait on locks and threads that this process does not have.
            std::mem::forget(inherited);
        }
    }
    workers
}

/// A pool of `threads` threads, or how many the system gave, which have ended.
fn start(threads: usize) -> std::result::Result<ThreadPool, usize> {
    let mut started = Vec::new();
    let pool = ThreadPoolBuilder::new()
        .num_threads(threads)
        .spawn_handler(|thread| {
            let builder = Builder::new().name(format!("keye-vl-{}", thread.index()));
            started.push(builder.spawn(|| thread.run())?);
            Ok(())
        })
        .build();
    pool.map_err(|_| {
        let given = started.len();
        // Before fewer are asked for, these must have given back what they hold.
        for thread in started {
            // A thread without work has nothing to panic with.
            let _ = thread.join();
        }
        given
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pool_is_kept_for_the_same_number_of_threads() {
        let threads = |asked| of(asked).map(|pool| pool.current_num_threads());
        assert_eq!(threads(3), Some(3));
        assert_eq!(threads(4), Some(4));
        let pool = Pool::new(7, 3, start);
        assert!(pool.serves(7, 3) && !pool.serves(7, 2) && !pool.serves(8, 3));
    }

    /// Starts as many as there are.
    fn limited(available: usize) -> impl Fn(usize) -> std::result::Result<ThreadPool, usize> {
        move |threads| {
            if threads <= available {
                start(threads)
            } else {
                Err(available)
            }
        }
    }

    #[test]
    fn fewer_threads_are_taken_where_there_are_not_so_many() {
        for (asked, available, got) in [
            (8, 8, Some(8)),
            (8, 5, Some(5)),
            (7, 2, Some(2)),
            (3, 1, None),
            (2, 0, None),
        ] {
            let pool = Pool::new(0, asked, limited(available));
            let threads = pool.workers.as_ref().map(|pool| pool.current_num_threads());
            assert_eq!(threads, got, "{asked} of {available}");
        }
        // Nor is there an end to a system that always promises what it does not give.
        assert!(Pool::new(0, 4, Err).workers.is_none());
    }

    #[test]
    fn all_threads_are_asked_for_again_after_a_while() {
        let mut pool = Pool::new(0, 6, limited(5));
        assert!(pool.serves(0, 6));
        if let Some(earlier) = pool.made.checked_sub(RETRY) {
            pool.made = earlier;
            assert!(!pool.serves(0, 6));
        }
    }
}
