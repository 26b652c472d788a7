//! Worlds of every size, and what becomes of a client whose view fills all at once.

use tickwire_server::replication::{Area, View};

use crate::{Client, UNLIMITED, worlds::Zookeeper};

/// What a server allows a frame.
const FRAME_BYTES: usize = 4096;

/// The most that a session may take at 500 entities in view; the load tool's test weighs all of it.
const SESSION_BYTES_MAX: usize = 64 * 1024;

fn around(center: [u32; 2], half: u32) -> View {
    View { team: Some(1), ..View::of(Area::Rect { center, half: [half, half], margin: 50 }) }
}

/// Takes frames of a world at rest until nothing is missing. Returns their sizes.
fn catch_up(zoo: &mut Zookeeper, client: &mut Client, view: &View, budget: usize) -> Vec<usize> {
    let mut sizes = Vec::new();
    for _ in 0..200 {
        zoo.step();
        let mut frame = Vec::new();
        let composed = client.view.compose(&zoo.history, view, client.id, None, budget, &mut frame);
        if composed.is_frame {
            sizes.push(frame.len());
            let info = client.replica.apply(&frame).expect("a frame that was just composed");
            assert_ne!(info.checksum, Some(false), "both ends believe the same");
            if composed.deferred == 0 {
                break;
            }
        }
    }
    client.assert_equals_world(zoo, view, "once nothing is deferred");
    sizes
}

#[test]
fn an_empty_world_and_one_of_a_single_entity_are_worlds_too() {
    for crowd in [0, 1] {
        let mut zoo = Zookeeper::new(200, crowd);
        let mut client = Client::new(0);
        for _ in 0..60 {
            zoo.step();
            let view = View { team: Some(1), rules: 1 << 3, ..View::everything() };
            client.take(&zoo, &view, UNLIMITED);
            client.assert_equals_world(&zoo, &view, "nearly nothing");
        }
    }
}

#[test]
fn five_thousand_entities_that_spawn_at_once_arrive_in_frames_of_their_budget() {
    let mut zoo = Zookeeper::new(201, 0);
    let mut client = Client::new(2);
    let view = View { team: Some(1), ..View::everything() };
    client.take(&zoo, &view, FRAME_BYTES);
    zoo.crowd = 5_000;
    zoo.step();
    zoo.is_frozen = true;
    let sizes = catch_up(&mut zoo, &mut client, &view, FRAME_BYTES);
    assert!(sizes.len() > 10, "spread over frames: {sizes:?}");
    let longest = sizes.iter().max();
    assert!(longest.is_some_and(|bytes| *bytes < FRAME_BYTES * 11 / 10), "in budget: {sizes:?}");
}

#[test]
fn frames_keep_to_their_budget_where_thousands_move() {
    // Only what refers to others can surprise a frame: it is as much, about, as in the one before.
    let worlds =
        [(204, 2_000, FRAME_BYTES, 110), (205, 5_000, FRAME_BYTES, 110), (206, 1_000, 800, 120)];
    for (seed, crowd, budget, most_percent) in worlds {
        let mut zoo = Zookeeper::new(seed, crowd);
        let mut client = Client::new(2);
        let view = View { team: Some(1), ..View::everything() };
        for _ in 0..2 {
            zoo.step();
            client.take(&zoo, &view, UNLIMITED);
        }
        let sizes: Vec<usize> = (0..60)
            .filter_map(|_| {
                zoo.step();
                client.take(&zoo, &view, budget).map(|frame| frame.len())
            })
            .collect();
        let mean = sizes.iter().sum::<usize>() / sizes.len();
        let most = sizes.iter().max().copied().unwrap_or_default();
        println!("{crowd} in view, {budget} bytes: {mean} on average, {most} at most");
        assert!(mean > budget * 9 / 10, "what there is is used: {sizes:?}");
        assert!(mean <= budget * 102 / 100, "{mean} of {budget} bytes on average");
        assert!(most < budget * most_percent / 100, "{most} of {budget} bytes at most");
    }
}

#[test]
fn a_view_that_jumps_fills_up_nearest_first() {
    let mut zoo = Zookeeper::new(202, 1_500);
    zoo.is_frozen = true;
    let mut client = Client::new(2);
    let [here, there] = [around([800, 800], 700), around([3_000, 3_000], 700)];
    catch_up(&mut zoo, &mut client, &here, FRAME_BYTES);
    zoo.step();
    let mut frame = Vec::new();
    let composed = client.view.compose(&zoo.history, &there, client.id, None, 600, &mut frame);
    client.replica.apply(&frame).expect("a frame that was just composed");
    assert!(composed.entered > 0 && composed.deferred > composed.entered, "{composed:?}");
    assert!(frame.len() < 900, "a jump keeps to its budget: {}", frame.len());
    let distance = |position: &[u32]| {
        let codes = position.iter().zip([3_000u32, 3_000]);
        codes.map(|(code, center)| code.abs_diff(center)).max().unwrap_or(0)
    };
    let schema = zoo.capture.schema();
    let mut arrived: Vec<u32> = client
        .replica
        .entities()
        .filter_map(|entity| entity.component(0, &schema.components[0].record))
        .map(|(codes, _)| distance(&codes[..2]))
        .collect();
    arrived.sort_unstable();
    let middle = arrived[arrived.len() / 2];
    assert!(middle < 350, "what is near is there first: half of it within {middle} of 700");
    catch_up(&mut zoo, &mut client, &there, 600);
}

#[test]
fn a_client_with_five_hundred_entities_in_view_takes_little_memory() {
    let mut zoo = Zookeeper::new(203, 520);
    let mut client = Client::new(2);
    let view = View { team: Some(1), rules: 1 << 3, ..View::everything() };
    for _ in 0..60 {
        zoo.step();
        client.take(&zoo, &view, UNLIMITED);
    }
    let visible = client.replica.entities().count();
    let bytes = client.view.memory_bytes();
    println!("{bytes} bytes at {visible} entities in view");
    assert!(visible >= 500, "{visible} in view");
    assert!(bytes < SESSION_BYTES_MAX, "{bytes} bytes at {visible} in view");
}
