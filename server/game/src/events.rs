//! Telling of a happening to those who are near enough to see it.

use arena_shared::world::POSITION_MAX;
use tickwire_server::replication::{EventQueue, Reach};
use tickwire_shared::Record;

/// Sends an event that is seen at a place, in steps. A place just outside the world is moved to
/// its edge.
pub fn send_at<E: Record>(
    events: &mut EventQueue,
    place: [i32; 2],
    event: impl FnOnce([i32; 2]) -> E,
) {
    let place = place.map(|axis| axis.clamp(0, POSITION_MAX));
    events.send(&event(place), Reach::At(place.map(i32::cast_unsigned)));
}
