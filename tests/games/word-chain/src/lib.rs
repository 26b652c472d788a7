//! A tiny game that is nothing like the arena: players take turns to name a word that begins
//! with the last letter of the word before. No space, no motion; text and lists.

use bevy_ecs::prelude::*;
use tickwire_server::{Claims, EventQueue, Game, NetIds, Owner, Reach, Refusal, RoomInfo};
use tickwire_shared::{ClientId, NetId, Protocol, Record, Replicated};

/// What both ends agree on.
#[derive(Debug)]
pub struct WordChainProtocol;

impl Protocol for WordChainProtocol {
    const NAME: &'static str = "word-chain";
    const TICK_RATE: u16 = 10;
    type Components = (Table, Player, Hand);
    type Events = (Refused,);
    type Input = Say;
    type Join = Introduction;
}

/// The one table: the chain so far, and whose turn it is.
#[derive(Component, Replicated, Clone, Debug)]
pub struct Table {
    /// The word that was said last.
    #[field(max_len = 24)]
    pub word: String,
    /// Lengths of all words so far.
    #[field(min = 0, max = 24, max_len = 32)]
    pub lengths: Vec<u8>,
    /// Who says the next one.
    pub turn: NetId,
}

/// Somebody at the table.
#[derive(Component, Replicated, Clone, Debug)]
pub struct Player {
    /// What the others call them.
    #[field(max_len = 16, static)]
    pub name: String,
    /// Letters said so far.
    pub score: u16,
}

/// What only the player knows.
#[derive(Component, Replicated, Clone, Debug)]
#[replicated(audience = "owner")]
pub struct Hand {
    /// A letter that counts double.
    #[field(min = 97, max = 122)]
    pub letter: u8,
}

/// Says a word; none when it is empty.
#[derive(Record, Clone, Default, Debug)]
pub struct Say {
    /// The word.
    #[field(max_len = 24)]
    pub word: String,
}

/// Joins the table.
#[derive(Record, Clone, Debug)]
pub struct Introduction {
    /// A name.
    #[field(max_len = 16)]
    pub name: String,
}

/// Tells a player that a word does not fit.
#[derive(Record, Clone, Debug)]
pub struct Refused {
    /// The word.
    #[field(max_len = 24)]
    pub word: String,
}

/// The game. It has no settings.
#[derive(Debug)]
pub struct WordChain;

impl Game for WordChain {
    type Protocol = WordChainProtocol;

    fn setup(&self, world: &mut World, _: &mut Schedule, _: &RoomInfo) {
        let id = world.resource_mut::<NetIds>().allocate();
        let table = Table { word: String::from("tick"), lengths: vec![4], turn: NetId::NONE };
        world.spawn((id, table));
    }

    fn join(
        &self,
        world: &mut World,
        client: ClientId,
        join: Introduction,
        _: &Claims,
    ) -> Result<(), Refusal> {
        if join.name.is_empty() {
            return Err(Refusal::because("Everybody at this table has a name."));
        }
        let id = world.resource_mut::<NetIds>().allocate();
        let hand = Hand { letter: b'a' + (client.get() % 26) as u8 };
        world.spawn((id, Owner(client), Player { name: join.name, score: 0 }, hand));
        pass_turn_to_somebody(world);
        Ok(())
    }

    fn leave(&self, world: &mut World, client: ClientId) {
        if let Some((entity, _)) = seat(world, client) {
            world.despawn(entity);
        }
        pass_turn_to_somebody(world);
    }

    fn input(&self, world: &mut World, client: ClientId, input: &Say) {
        let Some((entity, id)) = seat(world, client) else { return };
        let Ok(mut table) = world.query::<&mut Table>().single_mut(world) else { return };
        if table.turn != id || input.word.is_empty() {
            return;
        }
        if !input.word.starts_with(|first| table.word.ends_with(first)) {
            let refused = Refused { word: input.word.clone() };
            world.resource_mut::<EventQueue>().send(&refused, Reach::Client(client));
            return;
        }
        table.word.clone_from(&input.word);
        table.lengths.push(input.word.len() as u8);
        let newest = table.lengths.len().saturating_sub(32);
        table.lengths.drain(..newest);
        let mut seat = world.entity_mut(entity);
        if let Ok((mut player, hand)) = seat.get_components_mut::<(&mut Player, &Hand)>() {
            let doubled = input.word.bytes().filter(|letter| *letter == hand.letter).count();
            player.score += (input.word.len() + doubled) as u16;
        }
        pass_turn(world, id);
    }
}

/// A client's entity and its name.
fn seat(world: &mut World, client: ClientId) -> Option<(Entity, NetId)> {
    let mut seats = world.query::<(Entity, &NetId, &Owner)>();
    let (entity, id, _) = seats.iter(world).find(|(_, _, owner)| owner.0 == client)?;
    Some((entity, *id))
}

/// The turn goes round in order of names, which is the order of joining while nobody leaves.
fn pass_turn(world: &mut World, from: NetId) {
    let mut ids: Vec<NetId> =
        world.query_filtered::<&NetId, With<Player>>().iter(world).copied().collect();
    ids.sort_unstable();
    let next = ids.iter().find(|id| **id > from).or_else(|| ids.first()).copied();
    if let Ok(mut table) = world.query::<&mut Table>().single_mut(world) {
        table.turn = next.unwrap_or(NetId::NONE);
    }
}

fn pass_turn_to_somebody(world: &mut World) {
    let players: Vec<NetId> =
        world.query_filtered::<&NetId, With<Player>>().iter(world).copied().collect();
    let Ok(table) = world.query::<&Table>().single(world) else { return };
    let turn = table.turn;
    if !players.contains(&turn) {
        pass_turn(world, turn);
    }
}
