//! The one thread pool of this process.
//!
//! The first call for more than one thread starts the pool, and a call for another number replaces it.
//! A child made by `fork` has the parent's memory but none of its threads: it starts a pool of its own
//! and leaves the parent's untouched, because locks inside it may be held for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Builder;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// Interval between looks at whether all threads of a new pool run, which takes each some 50 us.
const START_INTERVAL: Duration = Duration::from_micros(50);
/// Interval after which a pool with fewer threads than asked for is started again.
const RETRY: Duration = Duration::from_secs(10);

struct Pool {
    process: u32,
    /// The number of threads that was asked for; there may be fewer.
    threads: usize,
    made: Instant,
    /// None without at least two threads.
    workers: Option<Arc<ThreadPool>>,
}

static POOL: ArcSwapOption<Pool> = ArcSwapOption::const_empty();

impl Pool {
    /// Start as many of `threads` threads as the system allows (`RLIMIT_NPROC`, a cgroup's limit, memory
    /// for stacks). `start` returns a pool, or how many threads the system started.
    fn new(
        process: u32,
        threads: usize,
        start: impl Fn(usize) -> std::result::Result<ThreadPool, usize>,
    ) -> Self {
        let (mut count, mut workers) = (threads, None);
        while count > 1 && workers.is_none() {
            match start(count) {
                Ok(pool) => workers = Some(Arc::new(pool)),
                // The system may start even fewer the next time.
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

    /// Return whether this is the pool for `threads` threads of `process`.
    fn serves(&self, process: u32, threads: usize) -> bool {
        let workers = self.workers.as_ref();
        let is_whole = workers.is_some_and(|pool| pool.current_num_threads() == threads);
        self.process == process
            && self.threads == threads
            && (is_whole || self.made.elapsed() < RETRY)
    }
}

/// Return a pool of `threads` threads, or of fewer where the system does not start that many; None where
/// it does not start two.
pub(super) fn get(threads: usize) -> Option<Arc<ThreadPool>> {
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
            // Dropping it would wait for threads that this process does not have.
            std::mem::forget(inherited);
        }
    }
    workers
}

/// Start a pool of `threads` threads, or return how many the system started, after they have ended.
///
/// All of them run when this returns. The C library allocates a thread's own data when the thread first
/// uses them, and aborts the process where there is no memory: that must not happen later, in a call that
/// uses up the memory.
fn start(threads: usize) -> std::result::Result<ThreadPool, usize> {
    let mut started = Vec::new();
    let running = Arc::new(AtomicUsize::new(0));
    let pool = ThreadPoolBuilder::new()
        .num_threads(threads)
        .spawn_handler(|thread| {
            let builder = Builder::new().name(format!("keye-vl-{}", thread.index()));
            let running = Arc::clone(&running);
            started.push(builder.spawn(move || {
                running.fetch_add(1, Ordering::Relaxed);
                thread.run();
            })?);
            Ok(())
        })
        .build();
    while pool.is_ok() && running.load(Ordering::Relaxed) < threads {
        std::thread::sleep(START_INTERVAL);
    }
    pool.map_err(|_| {
        let given = started.len();
        // They must have released what they hold before a smaller pool is tried.
        for thread in started {
            // A thread without work does not panic.
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
        let threads = |asked| get(asked).map(|pool| pool.current_num_threads());
        assert_eq!(threads(3), Some(3));
        assert_eq!(threads(4), Some(4));
        let pool = Pool::new(7, 3, start);
        assert!(pool.serves(7, 3) && !pool.serves(7, 2) && !pool.serves(8, 3));
    }

    /// Start pools of up to `available` threads.
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
        // A system that always claims to have started enough does not cause an endless loop.
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
