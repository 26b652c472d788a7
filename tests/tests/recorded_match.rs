//! A match that was recorded can be played again, and nobody can tamper with the recording.

use std::{
    io::{Cursor, Write},
    sync::{Arc, Mutex},
    time::Instant,
};

use arena::{Arena, ArenaOptions};
use arena_shared::{ArenaProtocol, Controls, JoinRequest};
use bevy_ecs::{schedule::Schedule, world::World};
use tickwire_server::{
    Claims, Game, Refusal, Room, RoomInfo,
    channels::{ChannelName, Grants},
    recording::{Recorder, Recording, ReplayError},
    replication::Delay,
};
use tickwire_shared::{ClientId, Schema, record::encode_record};
use tickwire_tests::pilot::Pilot;

/// A file in memory.
#[derive(Clone, Default)]
struct Tape(Arc<Mutex<Vec<u8>>>);

impl Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panics with the tape").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A match of 20 bots who come one after the other; one leaves and one comes back. The name of
/// the room is also its seed's.
fn record(ticks: u32) -> Vec<u8> {
    let schema = Schema::of::<ArenaProtocol>();
    let game = Arena::new(ArenaOptions::default());
    let info = RoomInfo { name: String::from("match"), seed: 11, tick_rate: 20 };
    let tape = Tape::default();
    let recorder = Recorder::new(&game, &info, tape.clone()).expect("memory can be written to");
    let mut room = Room::new(Arc::new(game), info);
    room.record(recorder);
    let mut pilots: Vec<(ClientId, Pilot)> = Vec::new();
    for tick in 1..=ticks {
        let number = pilots.len();
        if tick % 5 == 0 && number < 20 {
            let client = ClientId::new(1 + number as u32);
            let request = Pilot::join(&schema, number);
            room.join(client, &request, &Claims::default()).expect("there is a place");
            pilots.push((client, Pilot::new(number as u64)));
        }
        if tick == 600 {
            room.leave(ClientId::new(3));
        }
        for (number, (client, pilot)) in (0..).zip(&mut pilots) {
            // Each sees others so far in the past, a little more or less from tick to tick, and
            // some say nothing of it.
            let parts = number * 300 + i64::from(tick % 50);
            let delay = (number % 4 > 0).then(|| Delay::of_parts(parts, 20));
            let input = encode_record(&pilot.controls(), &schema.input);
            let ahead = room.tick().plus(1);
            room.push_input(*client, ahead, &input, delay).expect("the next tick is near");
        }
        room.step(Instant::now());
    }
    drop(room);
    std::mem::take(&mut *tape.0.lock().expect("nobody panics with the tape"))
}

fn replay(bytes: &[u8]) -> Result<u32, ReplayError> {
    let recording = Recording::open(Cursor::new(bytes))?;
    let options = ArenaOptions::from_line(&recording.header().settings).unwrap_or_default();
    recording.replay(Arena::new(options)).map(|report| report.ticks)
}

#[test]
fn a_two_minute_match_of_twenty_replays_to_the_same_worlds() {
    let bytes = record(2400);
    assert_eq!(replay(&bytes).expect("every tick is as recorded"), 2400);
}

#[test]
fn every_changed_byte_is_noticed() {
    let bytes = record(60);
    for at in (0..bytes.len()).step_by(1 + bytes.len() / 200) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let result = replay(&changed);
        // A line that lost its end is a recording that was cut off there.
        let is_noticed = result.is_err() || result.is_ok_and(|ticks| ticks < 60);
        assert!(is_noticed, "byte {at} of {} was changed", bytes.len());
    }
}

#[test]
fn another_course_of_the_world_is_found_at_its_first_tick() {
    let bytes = record(40);
    let text = String::from_utf8(bytes).expect("recordings are text");
    let recording = Recording::open(Cursor::new(text.as_bytes())).expect("the header is whole");
    // Another game setting: the worlds part at once.
    let options = ArenaOptions { pilots: 3, ..ArenaOptions::default() };
    let result = recording.replay(Arena::new(options));
    assert!(matches!(result, Err(ReplayError::Differs { tick: 1, .. })), "{result:?}");
}

/// The arena for its moderators, and only where their token opens this room and no other.
struct StaffOnly(Arena);

impl Game for StaffOnly {
    type Protocol = ArenaProtocol;

    fn setup(&self, world: &mut World, schedule: &mut Schedule, room: &RoomInfo) {
        self.0.setup(world, schedule, room);
    }

    fn join(
        &self,
        world: &mut World,
        client: ClientId,
        join: JoinRequest,
        claims: &Claims,
    ) -> Result<(), Refusal> {
        let chat = ChannelName::new("room:match").expect("a channel's name");
        let is_staff = claims.grants.moderates(&chat);
        if !is_staff || !claims.allows_room("match") || claims.allows_room("attic") {
            return Err(Refusal::because("staff only"));
        }
        self.0.join(world, client, join, claims)
    }

    fn leave(&self, world: &mut World, client: ClientId) {
        self.0.leave(world, client);
    }

    fn input(&self, world: &mut World, client: ClientId, input: &Controls) {
        self.0.input(world, client, input);
    }
}

fn staff_only() -> StaffOnly {
    StaffOnly(Arena::new(ArenaOptions::default()))
}

#[test]
fn a_replay_knows_what_each_client_s_token_opened() {
    let info = RoomInfo { name: String::from("match"), seed: 12, tick_rate: 20 };
    let tape = Tape::default();
    let recorder = Recorder::new(&staff_only(), &info, tape.clone());
    let mut room = Room::new(Arc::new(staff_only()), info);
    room.record(recorder.expect("memory can be written to"));
    let grants = Grants { moderate: vec![String::from("room:*")], ..Grants::default() };
    let claims = Claims { rooms: Some(vec![String::from("match")]), grants, ..Claims::default() };
    let request = Pilot::join(&Schema::of::<ArenaProtocol>(), 0);
    room.join(ClientId::new(1), &request, &claims).expect("it is of the staff");
    let refused = room.join(ClientId::new(2), &request, &Claims::default());
    assert!(refused.is_err(), "nobody else gets in");
    room.step(Instant::now());
    drop(room);
    let bytes = std::mem::take(&mut *tape.0.lock().expect("nobody panics with the tape"));
    let recording = Recording::open(Cursor::new(&bytes)).expect("the header is whole");
    let report = recording.replay(staff_only()).expect("who got in then gets in now");
    assert_eq!(report.ticks, 1);
}

#[test]
fn a_recording_from_before_tokens_were_written_down_is_read_as_one_without() {
    let text = String::from_utf8(record(60)).expect("recordings are text");
    for later in ["grants", "rooms"] {
        assert!(!text.contains(later), "it looks the same as one from then");
    }
    assert_eq!(replay(text.as_bytes()).expect("every tick is as recorded"), 60);
}
