//! The number of threads that the environment asks for.

/// Limit of the number of threads: a larger one is a mistake in the environment, not a machine.
pub(super) const MAX_THREADS: usize = 1024;
/// Environment variables that set the number of threads; the first one that does counts.
const THREAD_VARIABLES: [&str; 2] = ["KEYE_VL_UTILS_PARALLEL_NUM", "OMP_NUM_THREADS"];

/// Return the number of threads that `KEYE_VL_UTILS_PARALLEL_NUM` asks for, else `OMP_NUM_THREADS`, else
/// the number of cores that this process may use (affinity and cgroup quota included).
///
/// A variable without a positive number is ignored. In a list such as `OMP_NUM_THREADS=4,2` the first
/// number counts.
pub fn configured_threads() -> usize {
    THREAD_VARIABLES
        .iter()
        .filter_map(|name| parse_threads(&std::env::var(name).ok()?))
        .next()
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
        .min(MAX_THREADS)
}

/// Parse the value of a variable; None without a positive number.
fn parse_threads(text: &str) -> Option<usize> {
    let number = text.split(',').next()?.trim().parse().ok()?;
    (number > 0).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thread_variables_are_read_leniently() {
        assert_eq!(parse_threads("4"), Some(4));
        assert_eq!(parse_threads(" 6 , 2"), Some(6));
        for text in ["", "0", "-1", "many", "1.5"] {
            assert_eq!(parse_threads(text), None, "{text}");
        }
    }
}
