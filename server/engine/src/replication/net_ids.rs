//! Names for replicated entities.

use std::{cmp::Reverse, collections::BinaryHeap};

use bevy_ecs::{lifecycle::HookContext, resource::Resource, world::DeferredWorld, world::World};
use tickwire_shared::{NetId, limits::ENTITIES_MAX};

/// Gives out `NetId`s, lowest free row first; takes them back when the component goes.
#[derive(Resource, Debug, Default)]
pub struct NetIds {
    /// Generation of each row's present or next tenant.
    generations: Vec<u16>,
    free: BinaryHeap<Reverse<u16>>,
}

impl NetIds {
    /// Puts the resource into a world, and the hook that takes names back.
    pub fn install(world: &mut World) {
        world.insert_resource(Self::default());
        world.register_component_hooks::<NetId>().on_remove(take_back);
    }

    /// A name that no entity has. Give it to an entity, or it is lost. Panics when the room is
    /// full ([`ENTITIES_MAX`]); [`NetIds::try_allocate`] does not.
    pub fn allocate(&mut self) -> NetId {
        self.try_allocate().expect("a room has at most 65,535 replicated entities")
    }

    /// A name that no entity has; `None` when the room is full.
    pub fn try_allocate(&mut self) -> Option<NetId> {
        if let Some(Reverse(index)) = self.free.pop() {
            let generation = self.generations.get(usize::from(index)).copied().unwrap_or(0);
            return Some(NetId::new(index, generation));
        }
        let index = u16::try_from(self.generations.len()).ok()?;
        if usize::from(index) >= ENTITIES_MAX {
            return None;
        }
        self.generations.push(0);
        Some(NetId::new(index, 0))
    }

    /// How many names are in use.
    pub fn len(&self) -> usize {
        self.generations.len() - self.free.len()
    }

    /// Whether no name is in use.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn release(&mut self, net_id: NetId) {
        let Some(generation) = self.generations.get_mut(usize::from(net_id.index())) else {
            return;
        };
        if *generation == net_id.generation() {
            *generation = generation.wrapping_add(1);
            self.free.push(Reverse(net_id.index()));
        }
    }
}

fn take_back(mut world: DeferredWorld<'_>, context: HookContext) {
    let Some(net_id) = world.get::<NetId>(context.entity).copied() else { return };
    if let Some(mut net_ids) = world.get_resource_mut::<NetIds>() {
        net_ids.release(net_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_free_row_is_given_out_with_the_next_generation() {
        let mut world = World::new();
        NetIds::install(&mut world);
        let spawn = |world: &mut World| {
            let net_id = world.resource_mut::<NetIds>().allocate();
            (world.spawn(net_id).id(), net_id)
        };
        let spawned: Vec<_> = (0..4).map(|_| spawn(&mut world)).collect();
        world.despawn(spawned[2].0);
        world.despawn(spawned[1].0);
        assert_eq!(world.resource::<NetIds>().len(), 2);
        assert_eq!(spawn(&mut world).1, NetId::new(1, 1));
        assert_eq!(spawn(&mut world).1, NetId::new(2, 1));
        assert_eq!(spawn(&mut world).1, NetId::new(4, 0));
    }
}
