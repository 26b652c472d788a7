//! The rules that the page predicts with, in words: a ship, its gun, and what leaves it.
//!
//! | word | state | input |
//! |---|---|---|
//! | 0, 1 | position | thrust, fire: 0 or 1 |
//! | 2 | velocity, x | turn |
//! | 3 | velocity, y | |
//! | 4 | heading | |
//! | 5 | ticks until the gun can fire again | |
//! | 6 | what the gun did: 0 nothing, 1 fired a bullet, 2 fired into a wall | |
//! | 7 to 10 | the bullet's position and velocity; 0 where there is none | |
//!
//! The first six are what a step goes on from, and all of those the pilot is sent exactly.

use tickwire_rules::Rules;

use crate::{
    bullet::{is_inside, launch},
    gun::{Gun, RELOAD_TICKS, step_gun},
    motion::{ANGLES, Heading, Motion},
    ship::{Controls, TURN_MAX, step_ship},
    world::POSITION_MAX,
};

/// What a tick does to a ship, where nothing is in its way.
#[derive(Clone, Copy, Debug)]
pub struct ArenaRules;

impl Rules for ArenaRules {
    const STATE_WORDS: usize = 11;
    const INPUT_WORDS: usize = 3;

    fn step(state: &mut [i32], input: &[i32]) {
        let [ship @ .., fired, bullet_x, bullet_y, bullet_velocity_x, bullet_velocity_y] = state
        else {
            return;
        };
        let [x, y, velocity_x, velocity_y, angle, reload_ticks] = ship else { return };
        let [thrust, fire, turn] = *input else { return };
        let mut motion = Motion::new(
            [*x, *y].map(|axis| axis.clamp(0, POSITION_MAX)),
            [*velocity_x, *velocity_y],
        );
        let mut heading = Heading { angle: within(*angle, 0, ANGLES - 1) };
        let mut gun = Gun { reload_ticks: within(*reload_ticks, 0, RELOAD_TICKS) };
        let turn = within(turn, -TURN_MAX, TURN_MAX);
        let controls = Controls { thrust: thrust != 0, fire: fire != 0, turn };

        step_ship(&mut motion, &mut heading, &controls);
        let is_fired = step_gun(&mut gun, controls.fire);
        let launched = Some(launch(&motion, heading)).filter(|_| is_fired);
        let flying = launched.filter(|bullet| is_inside(bullet.position));

        [*x, *y] = motion.position;
        [*velocity_x, *velocity_y] = motion.velocity();
        *angle = i32::from(heading.angle);
        *reload_ticks = i32::from(gun.reload_ticks);
        *fired = match (is_fired, flying) {
            (false, _) => 0,
            (true, Some(_)) => 1,
            (true, None) => 2,
        };
        let flying = flying.unwrap_or_default();
        [*bullet_x, *bullet_y] = flying.position;
        [*bullet_velocity_x, *bullet_velocity_y] = flying.velocity();
    }
}

/// A word as what it stands for; one that stands for nothing as the nearest.
fn within<T: Into<i32> + TryFrom<i32> + Copy>(word: i32, least: T, most: T) -> T {
    T::try_from(word.clamp(least.into(), most.into())).unwrap_or(least)
}
