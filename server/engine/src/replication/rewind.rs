//! What clients saw as they acted, out of the room's recent snapshots.
//!
//! A client draws what it steers in a present that it predicts, and everybody else a little in
//! the past. What it aims at is where it drew it, so that is where a game has to look when it
//! judges a shot:
//!
//! ```text
//!              ◀────────── delay ──────────▶
//!   ───────────●─────────────────────────────●───▶ ticks
//!    others, as the client drew them     its own input, as the room uses it
//! ```
//!
//! How the engine comes to a client's delay, and why a client cannot make one up, is in `lag`.

use std::{any::TypeId, collections::BTreeMap};

use bevy_ecs::resource::Resource;
use tickwire_shared::{
    ClientId, ComponentSet, ComponentVisitor, FieldReader, NetId, Protocol, Replicated, Tick,
    schema::{FieldKind, RecordSchema},
};

use super::history::History;
use crate::limits::REWIND_MAX;

/// Parts into which a tick is cut.
const PARTS: u32 = 256;

/// How far in the past a client saw others, as a room's tick counts time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Delay(u32);

impl Delay {
    /// The least: while a tick is made, nobody can have seen more than the one before.
    pub const LEAST: Self = Self(PARTS);

    /// The nearest that a room of this rate allows, in 1/256 of a tick.
    pub fn of_parts(parts: i64, tick_rate: u16) -> Self {
        let most = REWIND_MAX.as_secs_f64() * f64::from(tick_rate) * f64::from(PARTS);
        let parts = parts.clamp(Self::LEAST.0.into(), (most as i64).max(Self::LEAST.0.into()));
        Self(u32::try_from(parts).unwrap_or(Self::LEAST.0))
    }

    /// The delay in 1/256 of a tick.
    pub const fn parts(self) -> u32 {
        self.0
    }

    /// The delay in ticks, rounded up.
    pub const fn ticks(self) -> u32 {
        self.0.div_ceil(PARTS)
    }
}

/// What clients saw as they acted: a resource of each room's world.
///
/// ```
/// # use bevy_ecs::prelude::*;
/// # use tickwire_server::replication::Rewind;
/// # use tickwire_shared::{ClientId, NetId, Replicated};
/// # #[derive(Component, Replicated)]
/// # struct Place { #[field(min = 0, max = 9)] x: u8 }
/// fn aim(rewind: Res<'_, Rewind>) {
/// #   let (shooter, target) = (ClientId::new(1), NetId::new(1, 0));
///     if let Some(place) = rewind.get::<Place>(shooter, target) {
///         // There it was on the shooter's screen.
///     }
/// }
/// ```
#[derive(Resource, Debug)]
pub struct Rewind {
    tick: Tick,
    history: Option<History>,
    delays: BTreeMap<ClientId, Delay>,
    components: Components,
}

impl Rewind {
    /// For worlds of a game, before the first tick.
    pub fn of<P: Protocol>() -> Self {
        let mut components = Components(Vec::new());
        P::Components::visit(&mut components);
        Self { tick: Tick::default(), history: None, delays: BTreeMap::new(), components }
    }

    /// The tick that is made now, and with which delay clients act in it.
    pub fn begin(
        &mut self,
        tick: Tick,
        delays: impl Iterator<Item = (ClientId, Delay)>,
        history: &History,
    ) {
        self.tick = tick;
        self.delays.clear();
        self.delays.extend(delays);
        // What was fired with a delay is in flight when its shooter is gone.
        self.history = Some(history.clone());
    }

    /// With which delay a client acts in this tick. To be kept with what it does and what takes
    /// time: a missile goes on meeting others as they were seen when it was fired. `None`: it is
    /// not known what the client sees, or it is none.
    pub fn delay(&self, client: ClientId) -> Option<Delay> {
        self.delays.get(&client).copied()
    }

    /// A component as a client sees it that acts in this tick; see [`Rewind::get_at`]. `None` as
    /// well where [`Rewind::delay`] knows nothing.
    pub fn get<C: Replicated>(&self, client: ClientId, net_id: NetId) -> Option<C> {
        self.get_at(self.delay(client)?, net_id)
    }

    /// A component as it was a delay ago. `None`: the entity was not there, or without it.
    ///
    /// Between two ticks, numbers, vectors and angles (the short way round) lie on a straight
    /// line between what they were, on the nearest step of their grid; anything else is what it
    /// was in the nearer tick. It is integers throughout, so replays come to the same.
    pub fn get_at<C: Replicated>(&self, delay: Delay, net_id: NetId) -> Option<C> {
        let history = self.history.as_ref()?;
        let (number, component) = self.components.find(TypeId::of::<C>())?;
        let tick = self.tick.minus(delay.0 / PARTS);
        let share = delay.0 % PARTS;
        let state = |tick| history.at(tick)?.component(net_id, number);
        let before = if share > 0 { state(tick.minus(1)) } else { None };
        let (codes, sequences) = match (before, state(tick)) {
            (Some((before, older)), Some((after, newer))) => {
                let sequences = if is_nearer_before(share) { older } else { newer };
                (component.between(&before, &after, share), sequences)
            }
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => return None,
        };
        Some(C::read(&mut FieldReader::new(&component.record, &codes, &sequences)))
    }
}

/// A game's components, in the order of its schema.
#[derive(Debug)]
struct Components(Vec<(TypeId, Component)>);

/// How a component is read between two ticks.
#[derive(Debug)]
struct Component {
    record: RecordSchema,
    lanes: Vec<Blend>,
}

/// What a lane's code is between two ticks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Blend {
    /// That of the nearer one.
    Nearest,
    /// On the line between both.
    Straight,
    /// On the shorter arc between both, of so many codes in a turn.
    Round(i64),
}

impl Components {
    fn find(&self, id: TypeId) -> Option<(usize, &Component)> {
        let at = self.0.iter().position(|(of, _)| *of == id)?;
        self.0.get(at).map(|(_, component)| (at, component))
    }
}

impl ComponentVisitor for Components {
    fn component<C: Replicated>(&mut self) {
        let record = RecordSchema::of::<C>();
        let lanes = record.lanes().into_iter().map(|lane| {
            match record.fields.get(lane.field).map(|field| &field.kind) {
                Some(FieldKind::Number(_) | FieldKind::Vector { .. }) => Blend::Straight,
                Some(FieldKind::Angle { bits }) => Blend::Round(1 << bits),
                _ => Blend::Nearest,
            }
        });
        let component = Component { lanes: lanes.collect(), record };
        self.0.push((TypeId::of::<C>(), component));
    }
}

impl Component {
    /// The codes that lie between, `share` parts from `after` towards `before`.
    fn between(&self, before: &[u32], after: &[u32], share: u32) -> Vec<u32> {
        let part = |way: i64| (way * i64::from(share) + i64::from(PARTS / 2)) >> PARTS.ilog2();
        let lanes = self.lanes.iter().zip(before).zip(after);
        let codes = lanes.map(|((lane, before), after)| {
            let nearer = if is_nearer_before(share) { *before } else { *after };
            let way = i64::from(*before) - i64::from(*after);
            let code = match lane {
                Blend::Nearest => return nearer,
                Blend::Straight => i64::from(*after) + part(way),
                Blend::Round(turn) => {
                    let way = (way + turn / 2).rem_euclid(*turn) - turn / 2;
                    (i64::from(*after) + part(way)).rem_euclid(*turn)
                }
            };
            u32::try_from(code).unwrap_or(nearer)
        });
        codes.collect()
    }
}

const fn is_nearer_before(share: u32) -> bool {
    share > PARTS / 2
}

#[cfg(test)]
mod tests {
    use bevy_ecs::{component::Component, world::World};
    use tickwire_shared::Record;

    use super::*;
    use crate::replication::{Capture, NetIds};

    struct Fair;

    impl Protocol for Fair {
        const NAME: &'static str = "fair";
        type Components = (Horse, Unseen);
        type Events = ();
        type Input = Whip;
        type Join = Whip;
    }

    #[derive(Record, Clone, Default)]
    struct Whip {
        crack: bool,
    }

    #[derive(Component, Replicated, Clone, Copy, PartialEq, Eq, Debug)]
    struct Horse {
        #[field(min = 0, max = 1000)]
        place: i32,
        #[field(angle, bits = 10)]
        heading: u16,
        neighs: bool,
    }

    #[derive(Component, Replicated, Clone, Copy, PartialEq, Eq, Debug)]
    struct Unseen {
        yes: bool,
    }

    fn horse(tick: i32) -> Horse {
        let heading = u16::try_from((1000 + tick * 16) % 1024).expect("a heading");
        Horse { place: tick * 10, heading, neighs: tick % 2 == 0 }
    }

    /// A horse that moved on for twenty ticks, and is asked about in the one after.
    fn fair() -> (Rewind, NetId) {
        let mut world = World::new();
        NetIds::install(&mut world);
        let net_id = world.resource_mut::<NetIds>().allocate();
        let entity = world.spawn((net_id, horse(0))).id();
        let mut capture = Capture::of::<Fair>();
        let mut history = History::new(20);
        for tick in 1..=20 {
            *world.get_mut(entity).expect("it is there") = horse(tick);
            history.push(capture.capture(&mut world, Tick::new(tick.unsigned_abs())));
        }
        let mut rewind = Rewind::of::<Fair>();
        let delays = [(ClientId::new(7), Delay::of_parts(3 * 256, 20))];
        rewind.begin(Tick::new(21), delays.into_iter(), &history);
        (rewind, net_id)
    }

    fn seen(rewind: &Rewind, net_id: NetId, parts: i64) -> Option<Horse> {
        rewind.get_at(Delay::of_parts(parts, 20), net_id)
    }

    #[test]
    fn a_whole_delay_gives_the_state_of_a_tick() {
        let (rewind, net_id) = fair();
        for ticks in 1..=10 {
            assert_eq!(seen(&rewind, net_id, i64::from(ticks) * 256), Some(horse(21 - ticks)));
        }
        assert_eq!(rewind.get(ClientId::new(7), net_id), Some(horse(18)));
    }

    #[test]
    fn between_two_ticks_numbers_and_angles_lie_between() {
        let (rewind, net_id) = fair();
        // A quarter of the way back from tick 16 (place 160) to 15.
        let quarter = seen(&rewind, net_id, 5 * 256 + 64).expect("it was there");
        assert_eq!((quarter.place, quarter.neighs), (158, true), "157.5, rounded up");
        let most = seen(&rewind, net_id, 5 * 256 + 192).expect("it was there");
        assert_eq!((most.place, most.neighs), (153, false), "152.5; the flag of tick 15");
    }

    #[test]
    fn angles_turn_the_short_way() {
        let codes = |before: u32, after: u32| {
            let (rewind, _) = fair();
            let (_, horse) = rewind.components.find(TypeId::of::<Horse>()).expect("declared");
            horse.between(&[0, before, 0], &[0, after, 0], 128)[1]
        };
        assert_eq!([codes(1016, 8), codes(8, 1016), codes(100, 200)], [0, 0, 150]);
    }

    #[test]
    fn delays_stay_within_what_is_allowed() {
        assert_eq!(Delay::of_parts(-5, 20), Delay::LEAST);
        assert_eq!(Delay::of_parts(i64::MAX, 20).ticks(), 10, "500 ms");
        assert_eq!(Delay::of_parts(i64::MAX, 1), Delay::LEAST, "in a slow room one tick is more");
    }

    #[test]
    fn what_was_not_there_is_not_seen() {
        let (rewind, net_id) = fair();
        let other = NetId::new(net_id.index(), net_id.generation() + 1);
        assert_eq!(seen(&rewind, other, 512), None, "another one was in its place");
        assert_eq!(rewind.get_at::<Unseen>(Delay::LEAST, net_id), None, "it has no such component");
        assert_eq!(rewind.get::<Horse>(ClientId::new(8), net_id), None, "nobody knows what 8 sees");
    }
}
