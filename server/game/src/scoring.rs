//! Points, and the board that shows who has most.

use arena_shared::{Seat, Standing, components::STANDINGS};
use bevy_ecs::{
    system::{Query, Res},
    world::World,
};
use tickwire_server::replication::NetIds;
use tickwire_shared::{NetId, Tick};

use crate::seats::Pilot;

/// Points for wrecking a ship.
pub const KILL_POINTS: u16 = 10;

/// Credits a seat with a wrecked ship.
pub fn reward_kill(seat: &mut Seat) {
    seat.kills = seat.kills.saturating_add(1);
    seat.score = seat.score.saturating_add(KILL_POINTS);
}

/// Credits a seat with a broken asteroid; small ones are harder to hit.
pub fn reward_asteroid(seat: &mut Seat, size: u8) {
    let points = if size <= 2 { 2 } else { 1 };
    seat.score = seat.score.saturating_add(points);
}

/// A lost ship costs a quarter of the points, so that old hands do not stay ahead for ever.
pub fn count_death(seat: &mut Seat) {
    seat.deaths = seat.deaths.saturating_add(1);
    seat.score -= seat.score / 4;
}

/// Puts up an empty board.
pub fn put_up_board(world: &mut World) {
    for rank in 0..STANDINGS {
        let net_id = world.resource_mut::<NetIds>().allocate();
        world.spawn((net_id, Standing { rank, name: String::new(), colour: 0, score: 0 }));
    }
}

/// Writes the board anew, twice a second. Of equal scores, the older seat stands higher.
pub fn update_board(
    tick: Res<'_, Tick>,
    seats: Query<'_, '_, (&NetId, &Seat, &Pilot)>,
    mut board: Query<'_, '_, &mut Standing>,
) {
    if !tick.get().is_multiple_of(BOARD_TICKS) {
        return;
    }
    let mut seats: Vec<_> = seats.iter().collect();
    seats.sort_unstable_by_key(|(net_id, seat, _)| (u16::MAX - seat.score, **net_id));
    for mut standing in &mut board {
        let (name, colour, score) = match seats.get(usize::from(standing.rank)) {
            Some((_, seat, pilot)) => (pilot.name.as_str(), pilot.colour, seat.score),
            None => ("", 0, 0),
        };
        if standing.name != name {
            standing.name = name.to_owned();
        }
        standing.colour = colour;
        standing.score = score;
    }
}

/// Ticks between two looks at the scores.
const BOARD_TICKS: u32 = 10;
