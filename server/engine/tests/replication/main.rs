//! Every client's replica equals what it may see of the world, and nothing else.

#![allow(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "tests may panic")]

mod golden;
mod sizes;
mod worlds;

use std::sync::Arc;

use rand::{RngExt, SeedableRng, rngs::StdRng};
use tickwire_server::replication::{Area, ClientView, View};
use tickwire_shared::{ClientId, Replica, Schema};
use worlds::{Bang, Whisper, Zoo, Zookeeper, expected, shown, trained_schema};

const UNLIMITED: usize = usize::MAX;

/// A client that takes a frame when it likes to.
struct Client {
    id: ClientId,
    view: ClientView,
    replica: Replica,
    events: usize,
}

impl Client {
    fn new(number: u32) -> Self {
        Self {
            id: ClientId::new(number),
            view: ClientView::new(),
            replica: Replica::of::<Zoo>(),
            events: 0,
        }
    }

    /// One that knows the zoo's tables.
    fn in_zoo(number: u32, zoo: &Zookeeper) -> Self {
        let (schema, model) = (Arc::clone(zoo.capture.schema()), Arc::clone(zoo.capture.model()));
        Self { replica: Replica::with_model(schema, model), ..Self::new(number) }
    }

    /// Takes the newest frame; `None` where there is none.
    fn take(&mut self, zoo: &Zookeeper, view: &View, budget: usize) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let input = Some(zoo.tick.minus(3));
        let composed = self.view.compose(&zoo.history, view, self.id, input, budget, &mut bytes);
        if !composed.is_frame {
            return None;
        }
        let info = self.replica.apply(&bytes).expect("a frame that was just composed");
        assert_eq!(info.tick, zoo.tick);
        assert_eq!(info.input_applied, input);
        assert_ne!(info.checksum, Some(false), "both ends believe the same at {}", zoo.tick);
        self.events += self.replica.events::<Bang>().count();
        self.events += self.replica.events::<Whisper>().count();
        Some(bytes)
    }

    fn assert_equals_world(&self, zoo: &Zookeeper, view: &View, why: &str) {
        let snapshot = zoo.history.newest().expect("the zoo has been stepped");
        let wanted = expected(snapshot, &zoo.world, view, self.id);
        let has = shown(&self.replica, snapshot.schema());
        let differing = wanted.iter().find(|(net_id, state)| has.get(net_id) != Some(state));
        assert_eq!(
            has.keys().collect::<Vec<_>>(),
            wanted.keys().collect::<Vec<_>>(),
            "{why}: {} sees the right entities at {}",
            self.id,
            zoo.tick
        );
        if let Some((net_id, state)) = differing {
            panic!(
                "{why}: {} has {:?}\nof {net_id} instead of {state:?} at {}",
                self.id,
                has.get(net_id),
                zoo.tick
            );
        }
    }
}

#[test]
fn every_client_equals_its_view_of_the_world_at_every_tick() {
    for seed in 0..12 {
        let mut zoo = Zookeeper::new(seed, 5 + 15 * (seed as usize % 4));
        let mut clients: Vec<Client> = (0..5).map(Client::new).collect();
        for _ in 0..120 {
            zoo.step();
            for (number, client) in clients.iter_mut().enumerate() {
                let view = zoo.view(number as u32);
                client.take(&zoo, &view, UNLIMITED);
                client.assert_equals_world(&zoo, &view, "every tick");
            }
        }
        assert!(clients.iter().all(|client| client.events > 0), "events arrive");
    }
}

#[test]
fn a_client_that_skips_frames_equals_the_world_whenever_it_takes_one() {
    for seed in 20..32 {
        let mut zoo = Zookeeper::new(seed, 30);
        let mut clients: Vec<Client> = (0..4).map(Client::new).collect();
        let mut rng = StdRng::seed_from_u64(seed);
        let mut waits = [0u32; 4];
        for _ in 0..300 {
            zoo.step();
            for (number, client) in clients.iter_mut().enumerate() {
                if waits[number] > 0 {
                    waits[number] -= 1;
                    continue;
                }
                // Short and long stalls, some of them longer than the history.
                waits[number] = [0, 1, 4, rng.random_range(0..12), rng.random_range(0..50)]
                    [rng.random_range(0..5)];
                let view = zoo.view(number as u32);
                client.take(&zoo, &view, UNLIMITED);
                client.assert_equals_world(&zoo, &view, "after a pause");
            }
        }
    }
}

#[test]
fn a_client_on_a_budget_catches_up_once_the_world_rests() {
    for seed in 40..48 {
        let mut zoo = Zookeeper::new(seed, 60);
        let mut clients: Vec<Client> = (0..4).map(Client::new).collect();
        let mut sizes = Vec::new();
        for _ in 0..100 {
            zoo.step();
            for (number, client) in clients.iter_mut().enumerate() {
                let view = zoo.view(number as u32);
                sizes.extend(client.take(&zoo, &view, 60).map(|bytes| bytes.len()));
            }
        }
        let mean = sizes.iter().sum::<usize>() / sizes.len();
        assert!(mean <= 75, "frames keep about to their budget of 60 bytes: {mean}");
        let views: Vec<View> = (0..4).map(|number| zoo.view(number)).collect();
        zoo.is_frozen = true;
        for _ in 0..250 {
            zoo.step();
            for (client, view) in clients.iter_mut().zip(&views) {
                client.take(&zoo, view, 60);
            }
        }
        for (client, view) in clients.iter().zip(&views) {
            client.assert_equals_world(&zoo, view, "at rest");
        }
    }
}

#[test]
fn worlds_that_differ_in_what_is_hidden_send_the_same_bytes() {
    use tickwire_server::replication::{EventQueue, NetIds, Owner, Reach, VisibleTo};
    use worlds::{Link, Motion, Orders, Rumour, Secret};
    for seed in 60..70 {
        let mut zoos = [Zookeeper::new(seed, 25), Zookeeper::new(seed, 25)];
        let mut rng = StdRng::seed_from_u64(seed);
        let mut clients = [Client::new(1), Client::new(1)];
        for _ in 0..100 {
            let mut frames = Vec::new();
            for (at, (zoo, client)) in zoos.iter_mut().zip(&mut clients).enumerate() {
                // Client 1 sees neither orders nor rumours nor what is others' or far away.
                if at == 1 {
                    let mut query = zoo.world.query::<&mut Orders>();
                    for mut orders in query.iter_mut(&mut zoo.world) {
                        orders.text = format!("{}", rng.random_range(0..999));
                    }
                    let mut query = zoo.world.query::<&mut Rumour>();
                    for mut rumour in query.iter_mut(&mut zoo.world) {
                        rumour.strength = rng.random_range(-5.0..5.0);
                    }
                    let mut query = zoo.world.query::<(&mut Secret, &Owner)>();
                    for (mut secret, owner) in query.iter_mut(&mut zoo.world) {
                        if owner.0 != ClientId::new(1) {
                            secret.ammo = rng.random();
                        }
                    }
                    let mut queue = zoo.world.resource_mut::<EventQueue>();
                    let text = String::from("psst");
                    queue.send(&Whisper { text }, Reach::Client(ClientId::new(2)));
                }
                zoo.step();
                if at == 1 && zoo.tick.get().is_multiple_of(7) {
                    // A whole entity that only others may see, and that refers to others.
                    let net_id = zoo.world.resource_mut::<NetIds>().allocate();
                    let motion = Motion { position: [600, 600], velocity: [1, 2] };
                    let link = Link { target: net_id };
                    let hidden = zoo.world.spawn((net_id, motion, link, VisibleTo(1 << 5))).id();
                    zoo.step();
                    zoo.world.despawn(hidden);
                } else if zoo.tick.get().is_multiple_of(7) {
                    zoo.step();
                }
                let view = zoo.view(1);
                frames.push(client.take(zoo, &view, 200));
            }
            assert_eq!(frames[0], frames[1], "at {}", zoos[0].tick);
        }
    }
}

#[test]
fn hysteresis_keeps_what_is_near_the_edge_and_lets_in_only_what_is_inside() {
    let mut zoo = Zookeeper::new(80, 80);
    let mut client = Client::new(1);
    let area = |margin| View::of(Area::Rect { center: [2000, 2000], half: [800, 800], margin });
    for _ in 0..200 {
        zoo.step();
        let before = shown(&client.replica, &Schema::of::<Zoo>());
        client.take(&zoo, &area(300), UNLIMITED);
        let snapshot = zoo.history.newest().expect("stepped");
        let inside = expected(snapshot, &zoo.world, &area(0), client.id);
        let wide = View::of(Area::Rect { center: [2000, 2000], half: [1100, 1100], margin: 0 });
        let near = expected(snapshot, &zoo.world, &wide, client.id);
        let has = shown(&client.replica, snapshot.schema());
        assert!(inside.keys().all(|net_id| has.contains_key(net_id)), "all inside is there");
        for net_id in has.keys() {
            assert!(near.contains_key(net_id), "nothing is there from beyond the margin");
            assert!(
                inside.contains_key(net_id) || before.contains_key(net_id),
                "what is in the margin was there before"
            );
        }
    }
}

#[test]
fn a_replica_gone_astray_is_noticed_named_and_healed() {
    let mut named = 0;
    for seed in 90..110 {
        let mut zoo = Zookeeper::new(seed, 20);
        let mut client = Client::new(0);
        let view = View::everything();
        for _ in 0..15 {
            zoo.step();
            client.take(&zoo, &view, UNLIMITED);
        }
        zoo.is_frozen = true;
        assert!(client.replica.corrupt(seed as usize), "there is something to corrupt");
        let mut is_noticed = false;
        for _ in 0..12 {
            zoo.step();
            let mut bytes = Vec::new();
            client.view.compose(&zoo.history, &view, client.id, None, UNLIMITED, &mut bytes);
            if bytes.is_empty() {
                continue;
            }
            let result = client.replica.apply(&bytes);
            // A change to a wrong value may leave its range: that is noticed at once.
            if result.is_ok_and(|info| info.checksum != Some(false)) {
                continue;
            }
            is_noticed = true;
            let report = client.replica.report();
            if let Some(desync) = client.view.handle_report(&report, &zoo.history) {
                assert_ne!(desync.server, desync.client);
                assert!(desync.to_string().contains(desync.field), "{desync}");
                named += 1;
            }
            break;
        }
        assert!(is_noticed, "a checksum comes within ten ticks (seed {seed})");
        zoo.step();
        client.take(&zoo, &view, UNLIMITED);
        client.assert_equals_world(&zoo, &view, "healed");
    }
    assert!(named >= 15, "most differences are named: {named} of 20");
}

#[test]
fn any_bytes_end_in_a_state_or_an_error() {
    let mut zoo = Zookeeper::new(140, 12);
    let mut client = Client::new(0);
    let mut rng = StdRng::seed_from_u64(140);
    let mut before = client.replica.clone();
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..40 {
        zoo.step();
        let frame = client.take(&zoo, &View::everything(), UNLIMITED);
        for round in 0..100 {
            let mut bytes = frame.clone().unwrap_or_default();
            match round % 4 {
                0 => bytes = (0..rng.random_range(0..200)).map(|_| rng.random()).collect(),
                1 => bytes.truncate(rng.random_range(0..=bytes.len())),
                _ => {
                    for _ in 0..rng.random_range(1..4) {
                        let at = rng.random_range(0..bytes.len().max(1));
                        if let Some(byte) = bytes.get_mut(at) {
                            *byte ^= 1 << rng.random_range(0..8);
                        }
                    }
                }
            }
            let mut replica = before.clone();
            match replica.apply(&bytes) {
                Ok(_) => taken += 1,
                Err(_) => refused += 1,
            }
            let _ = client.view.clone().handle_report(&replica.report(), &zoo.history);
            let _ = client.view.clone().handle_report(&bytes, &zoo.history);
        }
        before = client.replica.clone();
    }
    assert!(refused > 3000, "the check refuses nearly all of {taken} + {refused}");
}

#[test]
fn trained_tables_survive_as_text_and_take_fewer_bytes() {
    let (schema, trained) = (Arc::new(Schema::of::<Zoo>()), trained_schema());
    assert_ne!(trained.hash(), schema.hash(), "tables are part of the protocol");

    let sizes = [schema, trained].map(|schema| {
        let mut zoo = Zookeeper::with_schema(151, 30, &schema);
        let mut client = Client::in_zoo(2, &zoo);
        let mut bytes = 0;
        for _ in 0..100 {
            zoo.step();
            let view = zoo.view(2);
            bytes += client.take(&zoo, &view, UNLIMITED).map_or(0, |frame| frame.len());
            client.assert_equals_world(&zoo, &view, "with these tables");
        }
        bytes
    });
    assert!(sizes[1] * 10 < sizes[0] * 9, "training saves more than a tenth: {sizes:?}");
}

#[test]
fn values_off_their_grid_are_counted_by_field() {
    let mut zoo = Zookeeper::new(120, 60);
    for _ in 0..50 {
        zoo.step();
    }
    let clamped: Vec<_> = zoo.capture.clamped().collect();
    assert!(
        clamped.iter().any(|field| field.component == "Heading" && field.field == "tilt"),
        "NaN and infinity are counted: {clamped:?}"
    );
    let known = ["tilt", "strength", "speed"];
    assert!(clamped.iter().all(|field| known.contains(&field.field)), "and nothing else");
}

#[test]
fn nothing_is_sent_of_a_world_at_rest() {
    let mut zoo = Zookeeper::new(130, 10);
    let mut client = Client::new(0);
    let view = zoo.view(3);
    zoo.is_frozen = true;
    let mut frames = 0;
    for _ in 0..40 {
        zoo.step();
        frames += usize::from(client.take(&zoo, &view, UNLIMITED).is_some());
        client.assert_equals_world(&zoo, &view, "at rest");
    }
    assert!(frames <= 8, "a sign of life now and then is enough: {frames} frames in 40 ticks");
}
