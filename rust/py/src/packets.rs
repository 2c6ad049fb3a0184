//! What packets say about themselves. Microseconds each, so the GIL is kept.

use keye_vl_core::{self as core, Codec, PacketFacts};
use pyo3::prelude::*;

use crate::arrays::input;

#[pyfunction]
pub(crate) fn nal_length_size(codec: &str, extradata: &[u8]) -> usize {
    Codec::from_name(codec).map_or(0, |codec| core::nal_length_size(codec, extradata))
}

#[pyfunction]
pub(crate) fn describe_packet(
    codec: &str,
    nal_length_size: i64,
    packet: &Bound<'_, PyAny>,
) -> PyResult<(bool, bool, u8, bool)> {
    let packet = input(packet, "packet")?;
    let nal_length_size = usize::try_from(nal_length_size).unwrap_or(usize::MAX);
    let PacketFacts {
        random_access,
        disposable,
        temporal_layer,
        parameter_sets,
    } = match Codec::from_name(codec) {
        Some(codec) => core::describe_packet(codec, nal_length_size, packet.as_slice()?),
        None => PacketFacts::default(),
    };
    Ok((random_access, disposable, temporal_layer, parameter_sets))
}
