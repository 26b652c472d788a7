//! Blows to hulls, shields against them, and slow mending.

use arena_shared::{Ship, ship::HULL_MAX, world::ticks};
use bevy_ecs::{
    component::Component,
    entity::Entity,
    resource::Resource,
    system::{Query, ResMut},
};

/// The blows of this tick, in the order in which they fell.
#[derive(Resource, Default)]
pub struct Blows(Vec<Blow>);

/// Something that hurts a ship.
#[derive(Clone, Copy, Debug)]
pub struct Blow {
    /// Which ship.
    pub ship: Entity,
    /// Hull points.
    pub points: u8,
    /// The seat that is to blame, if any.
    pub by: Option<Entity>,
}

/// A fresh ship's protection.
#[derive(Component, Clone, Copy, Debug, Default)]
pub struct Shield {
    /// Ticks that it still holds.
    pub ticks: u32,
}

/// What a ship remembers of its last blow.
#[derive(Component, Clone, Copy, Debug, Default)]
pub struct Hurt {
    /// Who dealt the last one that somebody is to blame for.
    pub by: Option<Entity>,
    /// Ticks since the last blow of any kind.
    pub ticks_since: u32,
}

impl Blows {
    /// Adds a blow, to be felt later this tick.
    pub fn push(&mut self, blow: Blow) {
        self.0.push(blow);
    }
}

/// Takes hull points for this tick's blows. Shields run down.
pub fn apply_blows(
    mut blows: ResMut<'_, Blows>,
    mut ships: Query<'_, '_, (&mut Ship, &mut Shield, &mut Hurt)>,
) {
    for blow in blows.0.drain(..) {
        let Ok((mut ship, shield, mut hurt)) = ships.get_mut(blow.ship) else { continue };
        if shield.ticks > 0 {
            continue;
        }
        ship.hull = ship.hull.saturating_sub(blow.points);
        hurt.ticks_since = 0;
        hurt.by = blow.by.or(hurt.by);
    }
    for (mut ship, mut shield, mut hurt) in &mut ships {
        shield.ticks = shield.ticks.saturating_sub(1);
        ship.shielded = shield.ticks > 0;
        mend(&mut ship, &mut hurt);
    }
}

/// A ship that is left in peace mends itself and forgets who hurt it.
fn mend(ship: &mut Ship, hurt: &mut Hurt) {
    hurt.ticks_since = hurt.ticks_since.saturating_add(1);
    if hurt.ticks_since < PEACE_TICKS || ship.hull == 0 {
        return;
    }
    hurt.by = None;
    if hurt.ticks_since.is_multiple_of(MEND_EVERY_TICKS) && ship.hull < HULL_MAX {
        ship.hull += 1;
    }
}

/// Ticks without a blow before a hull mends and a crash is nobody's doing.
const PEACE_TICKS: u32 = ticks(5000);

/// Ticks per mended hull point.
const MEND_EVERY_TICKS: u32 = 3;
