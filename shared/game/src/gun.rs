//! Guns: when they fire.

#[cfg(feature = "protocol")]
use bevy_ecs::component::Component;
#[cfg(feature = "protocol")]
use tickwire_shared::Replicated;

/// Ticks from one shot of a ship to its next.
pub const RELOAD_TICKS: u8 = 5;

/// A ship's gun. Only its pilot sees it, and needs to: what can fire is predicted.
#[cfg_attr(feature = "protocol", derive(Component, Replicated))]
#[cfg_attr(feature = "protocol", replicated(audience = "owner"))]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Gun {
    /// Ticks until it can fire again.
    #[cfg_attr(feature = "protocol", field(min = 0, max = RELOAD_TICKS))]
    pub reload_ticks: u8,
}

/// Steps a gun by one tick. `true`: it fires, since it is loaded and the trigger is held.
pub const fn step_gun(gun: &mut Gun, trigger: bool) -> bool {
    gun.reload_ticks = gun.reload_ticks.saturating_sub(1);
    if !trigger || gun.reload_ticks > 0 {
        return false;
    }
    gun.reload_ticks = RELOAD_TICKS;
    true
}
