//! The arena's declaration: everything that is on the wire.

use tickwire_shared::Protocol;

use crate::{
    components::{Asteroid, Bullet, Radar, Seat, Ship, Standing},
    events::{Explosion, Hit, Kill, Shot},
    gun::Gun,
    join::JoinRequest,
    motion::{Heading, Motion},
    ship::Controls,
    world::TICKS_PER_SECOND,
};

/// Names the arena to the engine.
pub struct ArenaProtocol;

impl Protocol for ArenaProtocol {
    const NAME: &'static str = "arena";
    const TICK_RATE: u16 = TICKS_PER_SECOND;
    type Components = (Motion, Heading, Ship, Asteroid, Bullet, Standing, Radar, Seat, Gun);
    type Events = (Hit, Explosion, Shot, Kill);
    type Input = Controls;
    type Join = JoinRequest;
}
