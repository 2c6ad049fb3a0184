//! Work in pieces that threads can share.

use std::ops::Range;

use crate::error::Result;
use crate::memory;

/// Tasks for each thread, so that a slow task does not hold up the other threads for long.
const TASKS_PER_THREAD: usize = 4;

/// A share of the work: some units (rows, or rows of patches) of one frame, and the output they fill.
pub(crate) struct Task<'a, T> {
    pub(crate) frame: usize,
    pub(crate) units: Range<usize>,
    pub(crate) out: &'a mut [T],
}

/// Split `out` into tasks, frame after frame: one per frame, or several where frames are so few that
/// some of `threads` threads would idle. `sizes` gives the units of each frame, and the elements of `out`
/// that each of them fills.
///
/// # Errors
/// Returns [`Error::Memory`](crate::Error::Memory) if the tasks do not fit in memory.
pub(crate) fn split<T>(
    sizes: impl ExactSizeIterator<Item = (usize, usize)>,
    out: &mut [T],
    threads: usize,
) -> Result<Vec<Task<'_, T>>> {
    let enough = if threads == 1 {
        1
    } else {
        threads * TASKS_PER_THREAD
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
    use super::*;

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
                let tasks = split(sizes.clone(), &mut out, threads).unwrap();
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
        assert_eq!(split([(100, 1)].into_iter(), &mut out, 2).unwrap().len(), 8);
    }
}
