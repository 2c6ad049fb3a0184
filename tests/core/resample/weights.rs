//! Weights against the naive definition.

use keye_vl_core::Weights;

use crate::inputs::FILTERS;
use crate::naive;

#[test]
fn weights_are_those_of_the_definition() {
    for filter in FILTERS {
        for (size_in, size_out) in [
            (1, 1),
            (1, 9),
            (9, 1),
            (640, 224),
            (1920, 1008),
            (33, 32),
            (31, 500),
            (4000, 28),
        ] {
            let weights = Weights::new(size_in, size_out, filter).unwrap();
            let (expected, precision) = naive::weights(size_in, size_out, filter);
            assert_eq!(weights.precision(), precision);
            for (output, (start, row)) in expected.iter().enumerate() {
                assert_eq!(weights.start(output), *start);
                let values = weights.of(output).values().map(i64::from);
                assert!(values.eq(row.iter().copied()));
            }
        }
    }
}
