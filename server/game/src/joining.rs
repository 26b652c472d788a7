//! How a client becomes a pilot.

use arena_shared::{JoinRequest, components::NAME_BYTES_MAX};
use bevy_ecs::world::World;
use tickwire_shared::ClientId;

use crate::{
    launching::launch_ship,
    seats::{Pilot, Roster, add_seat},
};

/// Gives a client a seat and a ship.
pub fn join(world: &mut World, client: ClientId, request: &JoinRequest) {
    let number = world.resource_mut::<Roster>().next_number();
    let mut name = tidy_name(&request.name);
    if name.is_empty() {
        name = format!("pilot-{number}");
    }
    let pilot = Pilot { name, colour: request.colour, is_ai: false, ship: None, place: [0, 0] };
    let seat = add_seat(world, pilot, Some(client));
    launch_ship(world, seat);
}

/// A name fit to be read by others: no control or invisible characters, no runs of spaces, no
/// longer than travels.
fn tidy_name(name: &str) -> String {
    let visible: String =
        name.chars().map(|letter| if is_visible(letter) { letter } else { ' ' }).collect();
    let mut tidy = String::new();
    for word in visible.split_whitespace() {
        if !tidy.is_empty() {
            tidy.push(' ');
        }
        tidy.push_str(word);
    }
    while tidy.len() > usize::from(NAME_BYTES_MAX) {
        tidy.pop();
    }
    tidy.truncate(tidy.trim_end().len());
    tidy
}

/// Whether a character may stand in a name. Those that change the direction of text would let
/// one pilot rewrite another's line on the scoreboard.
fn is_visible(letter: char) -> bool {
    let is_format = matches!(
        letter,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    );
    !letter.is_control() && !is_format
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tidied() {
        let cases = [
            ("  Ada   Lovelace  ", "Ada Lovelace"),
            ("tab\tand\nline", "tab and line"),
            ("\u{202e}reversed", "reversed"),
            ("\u{200b}\u{feff}", ""),
            ("an-uncommonly-long-name", "an-uncommonly-lo"),
            ("fifteen letters é", "fifteen letters"),
            ("żółw", "żółw"),
        ];
        for (name, tidy) in cases {
            assert_eq!(tidy_name(name), tidy, "{name:?}");
        }
    }
}
