//! Ships to look at, to shoot at, and to run into. They are on a cable.

use std::{net::SocketAddr, time::Duration};

use anyhow::Result;
use arena_shared::{
    ArenaProtocol, Controls, Heading, JoinRequest, Motion, Seat, Ship,
    ship::TURN_MAX,
    trigonometry::{direction, heading_of, turn_between},
    vector::{difference, length_squared},
    world::{POSITION_MAX, steps},
};
use tickwire_shared::{Replica, Tick, record::encode_record};
use tickwire_tests::{client::Shared, socket::Bot};
use tokio::time::interval;
use tokio_util::task::AbortOnDropHandle;

use crate::stage::Target;

/// The middle of the world.
const CENTRE: [i32; 2] = [POSITION_MAX / 2, POSITION_MAX / 2];

/// How far above the middle ships patrol, in steps.
const PATROL_ABOVE: i32 = steps(250);

/// How far to each side, in steps.
const PATROL_ASIDE: i32 = steps(600);

/// How far from the middle ships circle, in steps.
const ORBIT_RADIUS: i32 = steps(350);

/// How far ahead on its circle a ship aims, in heading steps.
const ORBIT_AHEAD: u16 = 110;

/// Lets somebody play.
pub(crate) async fn start(
    target: Target,
    server: SocketAddr,
) -> Result<Option<AbortOnDropHandle<()>>> {
    let (name, mut controls): (_, Box<dyn FnMut(&Replica) -> Controls + Send>) = match target {
        Target::Nobody => return Ok(None),
        Target::Patrol => ("target", Box::new(patrol())),
        Target::Orbit => ("runner", Box::new(orbit)),
        Target::Ram => ("brute", Box::new(ram)),
    };
    let shared = Shared::of::<ArenaProtocol>();
    let schema = shared.schema().clone();
    let join = JoinRequest { name: String::from(name), colour: 7 };
    let join = encode_record(&join, &schema.join);
    let mut bot = Bot::join(&format!("http://{server}"), &shared, "", join).await?;
    let mut ticks = interval(Duration::from_secs(1) / u32::from(schema.tick_rate));
    let play = async move {
        let input = |world: &Replica, _: Tick| encode_record(&controls(world), &schema.input);
        let mut input = input;
        while bot.step(&mut ticks, &mut input).await.is_ok() {}
    };
    Ok(Some(AbortOnDropHandle::new(tokio::spawn(play))))
}

/// To and fro on a line.
fn patrol() -> impl FnMut(&Replica) -> Controls + Send {
    let mut side = 1;
    move |world| {
        let Some((motion, heading)) = own_ship(world) else { return Controls::default() };
        let [x, _] = difference(motion.position, CENTRE);
        if x * side > PATROL_ASIDE {
            side = -side;
        }
        // Comes back to the line soon, and flies straight along it from then on.
        let [_, off] = difference([0, CENTRE[1] - PATROL_ABOVE], motion.position);
        steer(heading, [side * steps(300), off])
    }
}

/// Around the middle.
fn orbit(world: &Replica) -> Controls {
    let Some((motion, heading)) = own_ship(world) else { return Controls::default() };
    let ahead = heading_of(difference(motion.position, CENTRE)).wrapping_add(ORBIT_AHEAD);
    let place = direction(ahead).map(|part| part * (ORBIT_RADIUS / 16) / (1 << 10));
    let place = [CENTRE[0] + place[0], CENTRE[1] + place[1]];
    steer(heading, difference(place, motion.position))
}

/// At the nearest other ship.
fn ram(world: &Replica) -> Controls {
    let Some((motion, heading)) = own_ship(world) else { return Controls::default() };
    let seat = world.entities().find_map(|entity| entity.get::<Seat>());
    let others = world.entities().filter(|entity| {
        entity.get::<Ship>().is_some() && Some(entity.net_id()) != seat.map(|seat| Some(seat.ship))
    });
    let ways = others
        .filter_map(|other| Some(difference(other.get::<Motion>()?.position, motion.position)));
    let way = ways.min_by_key(|way| length_squared(*way));
    steer(heading, way.unwrap_or_else(|| difference(CENTRE, motion.position)))
}

fn own_ship(world: &Replica) -> Option<(Motion, Heading)> {
    let seat = world.entities().find_map(|entity| entity.get::<Seat>())?;
    let ship = world.find(seat.ship)?;
    Some((ship.get()?, ship.get()?))
}

fn steer(heading: Heading, way: [i32; 2]) -> Controls {
    let most = i32::from(TURN_MAX);
    let turn = turn_between(heading.angle, heading_of(way)).clamp(-most, most);
    Controls { thrust: true, fire: false, turn: i8::try_from(turn).unwrap_or(0) }
}
