//! Facts about packets. A call takes microseconds, so it keeps the GIL.

use keye_vl_packets::{self as packets, Codec, PacketFacts};
use pyo3::prelude::*;

use crate::buffers::borrow_input;

/// Bytes of the longest length before a NAL unit. Nothing is known of streams with longer ones.
const MAX_NAL_LENGTH_SIZE: usize = 4;

#[pyfunction]
pub(crate) fn nal_length_size(codec: &str, extradata: &[u8]) -> usize {
    Codec::from_name(codec).map_or(0, |codec| packets::nal_length_size(codec, extradata))
}

#[pyfunction]
pub(crate) fn describe_packet(
    codec: &str,
    nal_length_size: i64,
    packet: &Bound<'_, PyAny>,
) -> PyResult<(bool, bool, u8, bool, bool, bool)> {
    let packet = borrow_input(packet, "packet")?;
    let nal_length_size = usize::try_from(nal_length_size).unwrap_or(usize::MAX);
    let packet = packet.as_slice()?;
    let known = Codec::from_name(codec).filter(|_| nal_length_size <= MAX_NAL_LENGTH_SIZE);
    let facts = known.map(|codec| packets::try_describe_packet(codec, nal_length_size, packet));
    let unreadable = facts == Some(None) && !packet.is_empty();
    let PacketFacts {
        random_access,
        disposable,
        temporal_layer,
        parameter_sets,
        without_picture,
    } = facts.flatten().unwrap_or_default();
    Ok((
        random_access,
        disposable,
        temporal_layer,
        parameter_sets,
        without_picture,
        unreadable,
    ))
}
