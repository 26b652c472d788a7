//! Who is where: all ships and asteroids in `NetId` order, on a uniform grid.
//!
//! Taken twice a tick, before anything moves (pilots look, bodies collide) and after (bullets
//! strike). What asks "who is near?" pays for the neighbourhood instead of the world.

use arena_shared::{
    Asteroid, Motion, Ship, asteroid, ship,
    world::{POSITION_MAX, steps},
};
use bevy_ecs::{
    entity::Entity,
    query::With,
    resource::Resource,
    system::{Query, ResMut},
};
use tickwire_shared::NetId;

/// Ships and asteroids as they were when last looked at.
#[derive(Resource, Default)]
pub struct Survey {
    bodies: Vec<Body>,
    /// Where each cell's part of `members` begins; one more than there are cells.
    cell_starts: Vec<usize>,
    /// Positions in `bodies`, cell by cell, in `NetId` order within a cell.
    members: Vec<usize>,
}

/// A ship or an asteroid.
#[derive(Clone, Copy, Debug)]
pub struct Body {
    /// Its name, which gives the order.
    pub net_id: NetId,
    /// Itself.
    pub entity: Entity,
    /// Where it is and how it moves.
    pub motion: Motion,
    /// What it is.
    pub kind: BodyKind,
}

/// What a body is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BodyKind {
    /// A ship.
    Ship,
    /// An asteroid of this size.
    Asteroid(u8),
}

impl Body {
    /// Radius in steps.
    pub fn radius(&self) -> i32 {
        match self.kind {
            BodyKind::Ship => ship::RADIUS,
            BodyKind::Asteroid(size) => asteroid::radius(size),
        }
    }

    /// Whether it is a ship.
    pub fn is_ship(&self) -> bool {
        self.kind == BodyKind::Ship
    }
}

impl Survey {
    /// All bodies, in `NetId` order.
    pub fn bodies(&self) -> &[Body] {
        &self.bodies
    }

    /// All bodies, to change their motion. Nobody changes cells.
    pub fn bodies_mut(&mut self) -> &mut [Body] {
        &mut self.bodies
    }

    /// Adds a body that came after the survey, so that two newcomers do not pick one place. Its
    /// neighbours find it from the next survey on.
    pub fn note(&mut self, body: Body) {
        self.bodies.push(body);
    }

    /// The bodies whose centre may lie within `reach` steps of a place, with their positions in
    /// [`Survey::bodies`]; a few farther ones are among them.
    pub fn near(&self, place: [i32; 2], reach: i32) -> impl Iterator<Item = (usize, &Body)> {
        let [columns, rows] = place.map(|axis| cell_of(axis - reach)..=cell_of(axis + reach));
        rows.flat_map(move |row| columns.clone().map(move |column| row * CELLS + column))
            .flat_map(|cell| self.members_of(cell))
            .filter_map(|at| Some((*at, self.bodies.get(*at)?)))
    }

    /// Squared distance, in steps, from a place to the nearest ship.
    pub fn nearest_ship_squared(&self, place: [i32; 2]) -> Option<i64> {
        let ships = self.bodies.iter().filter(|body| body.is_ship());
        ships.map(|body| distance_squared(place, body.motion.position)).min()
    }

    fn members_of(&self, cell: usize) -> &[usize] {
        let range = self.cell_starts.get(cell).zip(self.cell_starts.get(cell + 1));
        range.and_then(|(start, end)| self.members.get(*start..*end)).unwrap_or(&[])
    }

    /// Counting sort of the bodies by cell; it keeps their order within each.
    fn index(&mut self) {
        self.cell_starts.clear();
        self.cell_starts.resize(CELLS * CELLS + 1, 0);
        self.members.clear();
        self.members.resize(self.bodies.len(), 0);
        for body in &self.bodies {
            if let Some(count) = self.cell_starts.get_mut(cell_at(body.motion.position)) {
                *count += 1;
            }
        }
        let mut total = 0;
        for start in &mut self.cell_starts {
            total += *start;
            *start = total;
        }
        // Each start now stands at its cell's end, and walks down to its beginning.
        for (at, body) in self.bodies.iter().enumerate().rev() {
            if let Some(start) = self.cell_starts.get_mut(cell_at(body.motion.position)) {
                *start -= 1;
                if let Some(member) = self.members.get_mut(*start) {
                    *member = at;
                }
            }
        }
    }
}

/// Takes the survey.
pub fn take_survey(
    mut survey: ResMut<'_, Survey>,
    ships: Query<'_, '_, (Entity, &NetId, &Motion), With<Ship>>,
    asteroids: Query<'_, '_, (Entity, &NetId, &Motion, &Asteroid)>,
) {
    survey.bodies.clear();
    survey.bodies.extend(ships.iter().map(|(entity, net_id, motion)| Body {
        net_id: *net_id,
        entity,
        motion: *motion,
        kind: BodyKind::Ship,
    }));
    survey.bodies.extend(asteroids.iter().map(|(entity, net_id, motion, asteroid)| Body {
        net_id: *net_id,
        entity,
        motion: *motion,
        kind: BodyKind::Asteroid(asteroid.size),
    }));
    survey.bodies.sort_unstable_by_key(|body| body.net_id);
    survey.index();
}

/// Squared distance of two places, in steps.
pub fn distance_squared(a: [i32; 2], b: [i32; 2]) -> i64 {
    arena_shared::vector::length_squared(arena_shared::vector::difference(a, b))
}

/// Length of a cell's side, in steps: about twice the reach of the questions that are asked.
const CELL: i32 = steps(128);

/// Cells along each side of the world.
const CELLS: usize = (POSITION_MAX / CELL + 1) as usize;

fn cell_at([x, y]: [i32; 2]) -> usize {
    cell_of(y) * CELLS + cell_of(x)
}

fn cell_of(axis: i32) -> usize {
    usize::try_from(axis / CELL).unwrap_or(0).min(CELLS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::Chance;

    #[test]
    fn near_finds_what_a_walk_over_everybody_finds() {
        let mut chance = Chance::seeded(7);
        let bodies = (0..500).map(|index| Body {
            net_id: NetId::new(index, 0),
            entity: Entity::PLACEHOLDER,
            motion: Motion::new(chance.place(0), [0, 0]),
            kind: BodyKind::Ship,
        });
        let mut survey = Survey { bodies: bodies.collect(), ..Survey::default() };
        survey.index();
        for _ in 0..200 {
            let (place, reach) = (chance.place(0), chance.between(1, 4000));
            let is_near = |body: &Body| {
                let limit = i64::from(reach) * i64::from(reach);
                distance_squared(body.motion.position, place) <= limit
            };
            let walked = survey.bodies.iter().filter(|body| is_near(body)).count();
            let found = survey.near(place, reach).filter(|(_, body)| is_near(body)).count();
            assert_eq!(found, walked, "within {reach} of {place:?}");
        }
    }
}
