//! How many pilots the server flies: those that humans leave to it.

use bevy_ecs::{entity::Entity, query::With, resource::Resource, world::World};
use tickwire_shared::NetId;

use super::Autopilot;
use crate::{
    launching::launch_ship,
    order::by_net_id,
    seats::{Pilot, Roster, add_seat, remove_seat},
};

/// How many pilots there should be, humans included.
#[derive(Resource, Clone, Copy, Debug)]
pub struct Recruiting {
    /// Seats that the server fills up to.
    pub pilots: usize,
    /// Pilots recruited so far.
    recruited: usize,
}

impl Recruiting {
    /// Fills up to this many pilots.
    pub fn up_to(pilots: usize) -> Self {
        Self { pilots, recruited: 0 }
    }
}

/// Adds pilots while there are too few. While there are too many, those whose ship is wrecked
/// leave: nobody vanishes in mid-flight.
pub fn recruit(world: &mut World) {
    let wanted = world.resource::<Recruiting>().pilots;
    let wanted = wanted.saturating_sub(world.resource::<Roster>().humans());
    let mut seats = world.query_filtered::<(Entity, &NetId, &Pilot), With<Autopilot>>();
    let present = by_net_id(seats.iter(world), |(_, net_id, _)| **net_id);
    let surplus = present.len().saturating_sub(wanted);
    let without_ship = present.iter().filter(|(.., pilot)| pilot.ship.is_none());
    let leaving: Vec<Entity> = without_ship.map(|(seat, ..)| *seat).take(surplus).collect();
    let missing = wanted.saturating_sub(present.len());
    for seat in leaving {
        remove_seat(world, seat);
    }
    for _ in 0..missing {
        add_pilot(world);
    }
}

fn add_pilot(world: &mut World) {
    let mut recruiting = world.resource_mut::<Recruiting>();
    let at = recruiting.recruited;
    recruiting.recruited += 1;
    let round = at / NAMES.len();
    let name = NAMES.get(at % NAMES.len()).copied().unwrap_or("Nobody");
    let name = if round == 0 { name.to_owned() } else { format!("{name} {}", round + 1) };
    // Seven and twelve share no factor: neighbours on the list look unalike.
    let colour = u8::try_from((at * 7 + 3) % 12).unwrap_or(0);
    let pilot = Pilot { name, colour, is_ai: true, ship: None, place: [0, 0] };
    let seat = add_seat(world, pilot, None);
    world.entity_mut(seat).insert(Autopilot::default());
    launch_ship(world, seat);
}

/// Call signs, in order of recruitment.
const NAMES: [&str; 24] = [
    "Vesper",
    "Rook",
    "Calypso",
    "Brimstone",
    "Juniper",
    "Halley",
    "Onyx",
    "Marlow",
    "Tamsin",
    "Quill",
    "Ember",
    "Fathom",
    "Isolde",
    "Drake",
    "Nettle",
    "Orrin",
    "Saffron",
    "Kepler",
    "Wren",
    "Basalt",
    "Lumen",
    "Thistle",
    "Argo",
    "Zephyr",
];
