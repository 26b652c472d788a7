//! The second game, played by two bots: text, lists, turns and secrets, and no space at all.

use std::{cell::RefCell, collections::BTreeSet, rc::Rc};

use tickwire_server::RoomInfo;
use tickwire_shared::{CloseReason, Replica, Schema, Tick, record::encode_record};
use tickwire_tests::memory::{Behaviour, Match, Network};
use word_chain::{Hand, Introduction, Player, Refused, Say, Table, WordChain, WordChainProtocol};

const WORDS: [&str; 8] = ["kite", "echo", "otter", "river", "rabbit", "tick", "karma", "apple"];

fn table() -> Match<WordChain> {
    let info = RoomInfo { name: String::from("table"), seed: 1, tick_rate: 10 };
    Match::new(WordChain, info, Network::CLEAR)
}

fn introduction(name: &str) -> Vec<u8> {
    let introduction = Introduction { name: String::from(name) };
    encode_record(&introduction, &Schema::of::<WordChainProtocol>().join)
}

/// Says a fitting word whenever it is its turn, after trying `first`. What it was refused goes
/// into `refused`.
fn speaker(first: &'static str, refused: &Rc<RefCell<BTreeSet<String>>>) -> Behaviour {
    let schema = Schema::of::<WordChainProtocol>();
    let refused = Rc::clone(refused);
    Box::new(move |world: &Replica, _: Tick| {
        refused.borrow_mut().extend(world.events::<Refused>().map(|(_, event)| event.word));
        let word = word_for(world, first, &refused.borrow());
        encode_record(&Say { word }, &schema.input)
    })
}

fn word_for(world: &Replica, first: &str, refused: &BTreeSet<String>) -> String {
    // Who has a hand to look into is oneself: hands are shown to their owners alone.
    let own = world.entities().find(|entity| entity.get::<Hand>().is_some());
    let own = own.and_then(|entity| entity.net_id());
    let table = world.entities().find_map(|entity| entity.get::<Table>());
    let Some(table) = table.filter(|table| Some(table.turn) == own) else { return String::new() };
    if !refused.contains(first) {
        return String::from(first);
    }
    let fits = |word: &&&str| word.starts_with(|letter| table.word.ends_with(letter));
    WORDS.iter().find(fits).map(|word| String::from(*word)).unwrap_or_default()
}

#[test]
fn two_bots_play_word_chains() {
    let mut game = table();
    let refused = [(); 2].map(|()| Rc::default());
    game.add(introduction("Ada"), speaker("zebra", &refused[0]));
    game.add(introduction("Grace"), speaker("xylophone", &refused[1]));
    game.run(100);
    for (bot, player) in game.players().iter().enumerate() {
        let seen = player.seen();
        assert_eq!((&seen.error, seen.mismatches), (&None, 0), "bot {bot}");
        assert!(seen.matches > 0, "worlds without space are compared as well");
        let world = player.replica();
        let table = world.entities().find_map(|entity| entity.get::<Table>());
        let table = table.expect("everybody sees the table");
        assert!(table.lengths.len() >= 10, "words were said: {:?}", table.lengths);
        let scores: Vec<_> = world.entities().filter_map(|entity| entity.get::<Player>()).collect();
        assert_eq!(scores.len(), 2, "both see both");
        assert!(scores.iter().all(|player| player.score > 0), "{scores:?}");
        let hands = world.entities().filter(|entity| entity.get::<Hand>().is_some()).count();
        assert_eq!(hands, 1, "nobody looks into the other's hand");
    }
    let heard = refused.map(|refused: Rc<RefCell<BTreeSet<String>>>| refused.take());
    assert_eq!(heard[0], BTreeSet::from([String::from("zebra")]), "only its own refusals");
    assert_eq!(heard[1], BTreeSet::from([String::from("xylophone")]));
}

#[test]
fn a_guest_without_a_name_hears_why_it_may_not_sit_down() {
    let mut game = table();
    let nothing = Rc::default();
    game.add(introduction(""), speaker("zebra", &nothing));
    game.run(10);
    let closed = game.players()[0].seen().closed.clone().expect("the table refuses");
    assert_eq!(closed.reason, CloseReason::JoinRefused);
    assert_eq!(closed.sentence, "Everybody at this table has a name.");
}

#[test]
fn the_turn_passes_on_when_its_player_leaves() {
    let mut game = table();
    let refused = [(); 2].map(|()| Rc::default());
    game.add(introduction("Ada"), speaker("zebra", &refused[0]));
    game.add(introduction("Grace"), speaker("xylophone", &refused[1]));
    game.run(30);
    // Comes back as somebody new; the other's word is next either way.
    game.cut(0);
    let before = words(&game);
    game.run(50);
    assert!(words(&game) > before + 5, "the chain goes on");
}

fn words(game: &Match<WordChain>) -> usize {
    let grace = game.players().last().expect("Grace sits at the table");
    let table = grace.replica().entities().find_map(|entity| entity.get::<Table>());
    table.map_or(0, |table| table.lengths.len())
}
