//! Components by which a game says who sees an entity.

use bevy_ecs::component::Component;
use tickwire_shared::ClientId;

/// Whose entity it is: components with the audience `owner` go to this client alone.
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Owner(pub ClientId);

/// Which side it is on: components with the audience `team` go to clients of this team.
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Team(pub u8);

/// Narrows the whole entity to clients whose view has one of these bits in its mask.
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug)]
pub struct VisibleTo(pub u64);
