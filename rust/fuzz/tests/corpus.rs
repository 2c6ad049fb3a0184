//! Run every target on the inputs in `corpus`.

use std::fs;
use std::path::Path;

/// Run the inputs of one target.
fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    let mut count = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        // Shown if the test fails.
        println!("{}", path.display());
        run(&fs::read(path).unwrap());
        count += 1;
    }
    assert!(count >= 20, "{count} inputs of {target}");
}

macro_rules! replays {
    ($($target:ident)*) => {
        $(
            #[test]
            fn $target() {
                replay(stringify!($target), keye_vl_fuzz::$target::run);
            }
        )*
    };
}

replays! { kernels packets patches resample sizes slow_fast }
