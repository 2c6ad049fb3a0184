//! Cancellation: ask the caller, at intervals, whether the work should stop.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// Interval between interruption checks.
pub(super) const CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// A question to the caller: whether the work should stop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Interruption(fn() -> bool);

impl Interruption {
    /// Work that is never interrupted.
    pub(super) const NEVER: Self = Self(|| false);

    /// Interrupt work when `is_interrupted` returns true.
    pub(super) fn when(is_interrupted: fn() -> bool) -> Self {
        Self(is_interrupted)
    }

    /// Ask the caller, if this thread has not asked within the last [`CHECK_INTERVAL`].
    ///
    /// # Errors
    /// Returns [`Error::Interrupted`] if the work should stop.
    pub(super) fn check(self) -> Result<()> {
        thread_local! {
            // Kept for the thread, not for one call: an operation may be many short calls.
            static LAST_CHECK: Cell<Option<Instant>> = const { Cell::new(None) };
        }
        let is_recent = |last: Instant| last.elapsed() < CHECK_INTERVAL;
        if LAST_CHECK.get().is_some_and(is_recent) {
            return Ok(());
        }
        let is_interrupted = (self.0)();
        LAST_CHECK.set(Some(Instant::now()));
        if is_interrupted {
            return Err(Error::Interrupted);
        }
        Ok(())
    }

    /// Wait for the result of work that other threads do, and ask the caller every [`CHECK_INTERVAL`].
    /// Sets `is_stopped` when the work should stop, and waits until it has.
    ///
    /// # Errors
    /// Returns the error of the work, or [`Error::Interrupted`] if the caller interrupted it.
    pub(super) fn wait_for(
        self,
        result: &Receiver<Result<()>>,
        is_stopped: &AtomicBool,
    ) -> Result<()> {
        loop {
            match result.recv_timeout(CHECK_INTERVAL) {
                // Even if the work was completed or failed: the caller has answered that it should stop,
                // and will not answer so again.
                Ok(_) if is_stopped.load(Ordering::Relaxed) => return Err(Error::Interrupted),
                Ok(result) => return result,
                Err(RecvTimeoutError::Timeout) => {
                    if (self.0)() {
                        is_stopped.store(true, Ordering::Relaxed);
                    }
                }
                // The work panicked, and the pool is about to propagate that.
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }
}
