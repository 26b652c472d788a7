//! The minimap's coarse picture of where ships are, the same for everybody.

use arena_shared::{
    Motion, Radar, Ship,
    components::{RADAR_CELL_UNITS, RADAR_CELLS},
    world::steps,
};
use bevy_ecs::{
    query::With,
    system::{Query, Res},
    world::World,
};
use tickwire_server::replication::NetIds;
use tickwire_shared::Tick;

/// Switches the radar on.
pub fn switch_on(world: &mut World) {
    let net_id = world.resource_mut::<NetIds>().allocate();
    world.spawn((net_id, Radar::default()));
}

/// Looks around, once a second.
pub fn sweep(
    tick: Res<'_, Tick>,
    ships: Query<'_, '_, &Motion, With<Ship>>,
    mut radars: Query<'_, '_, &mut Radar>,
) {
    if !tick.get().is_multiple_of(SWEEP_TICKS) {
        return;
    }
    let mut cells: Vec<u16> = ships.iter().map(|motion| cell_of(motion.position)).collect();
    cells.sort_unstable();
    cells.dedup();
    cells.truncate(CELLS_MAX);
    for mut radar in &mut radars {
        radar.cells.clone_from(&cells);
    }
}

fn cell_of(position: [i32; 2]) -> u16 {
    let [column, row] = position.map(|axis| {
        let cell = u16::try_from(axis / steps(RADAR_CELL_UNITS)).unwrap_or(0);
        cell.min(RADAR_CELLS - 1)
    });
    row * RADAR_CELLS + column
}

/// Ticks between two looks.
const SWEEP_TICKS: u32 = 20;

/// Most cells that travel; in a fuller world the last rows go without.
const CELLS_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use arena_shared::world::POSITION_MAX;

    #[test]
    fn cells_cover_the_world_row_by_row() {
        assert_eq!(cell_of([0, 0]), 0);
        assert_eq!(cell_of([steps(64), 0]), 1);
        assert_eq!(cell_of([0, steps(64)]), 64);
        assert_eq!(cell_of([POSITION_MAX, POSITION_MAX]), 64 * 64 - 1);
    }
}
