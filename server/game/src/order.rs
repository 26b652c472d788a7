//! Going through entities in the one order that a replay repeats.
//!
//! Queries yield entities archetype by archetype, which depends on how each came to its
//! components. Wherever order matters (draws of chance, ids given out, who is hit first, whose
//! blow is the last), systems go by `NetId` instead.

use tickwire_shared::NetId;

/// The items of a query, sorted by the `NetId` that each holds.
pub fn by_net_id<T>(items: impl IntoIterator<Item = T>, net_id: impl Fn(&T) -> NetId) -> Vec<T> {
    let mut sorted: Vec<T> = items.into_iter().collect();
    sorted.sort_unstable_by_key(net_id);
    sorted
}
