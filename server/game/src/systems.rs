//! What a room starts with, and what happens in each tick, in order.

use bevy_ecs::{
    schedule::{IntoScheduleConfigs, Schedule},
    system::RunSystemOnce,
    world::World,
};

use crate::{
    asteroids, chance::Chance, collisions, damage, deaths, hits, movement, options::ArenaOptions,
    pilots, radar, scoring, seats, survey, talk, weapons,
};

/// Puts everything into an empty world that the systems expect there.
pub fn furnish(world: &mut World, options: &ArenaOptions, seed: u64) {
    world.insert_resource(Chance::seeded(seed));
    world.insert_resource(pilots::Recruiting::up_to(usize::from(options.pilots)));
    world.init_resource::<seats::Roster>();
    world.init_resource::<survey::Survey>();
    world.init_resource::<damage::Blows>();
    scoring::put_up_board(world);
    radar::switch_on(world);
    asteroids::scatter(world, u32::from(options.asteroids));
    // Clients may join before the first tick, and want a place that is clear of rocks.
    world.run_system_once(survey::take_survey).expect("a survey needs nothing but the world");
}

/// The order of a tick. Inputs are in already.
pub fn order(schedule: &mut Schedule) {
    let decide = (pilots::recruit, survey::take_survey, pilots::fly).chain();
    // Collisions turn bodies before they step, so that each moves by the velocity it ends with.
    let step = (
        collisions::bounce_bodies,
        movement::move_ships,
        movement::move_asteroids,
        movement::move_bullets,
        weapons::fire_guns,
    )
        .chain();
    let strike =
        (survey::take_survey, hits::strike, damage::apply_blows, asteroids::break_rocks).chain();
    let settle = (
        deaths::wreck_ships,
        deaths::respawn,
        asteroids::replenish,
        seats::follow_ships,
        scoring::update_board,
        talk::tell_scores,
        radar::sweep,
    )
        .chain();
    schedule.add_systems((decide, step, strike, settle).chain());
}
