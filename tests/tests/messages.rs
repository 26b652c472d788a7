//! Bytes of messages, in a file that TypeScript reads as well: the format does not drift.
//!
//! `TICKWIRE_BLESS=1 cargo test -p tickwire-tests --test messages` writes
//! `tests/golden/messages.json` anew, after the format was changed on purpose.

use std::{fs, path::PathBuf};

use arena_shared::{ArenaProtocol, Controls, JoinRequest};
use serde_json::{Value, json};
use tickwire_shared::{
    CloseReason, Schema,
    codec::{decode_client, decode_server, encode},
    exchange::{self, Pending, RequestKind, Requester},
    messages::{
        ClientFrame, ClientMessage, ClientUpdate, ClockEcho, Close, Hello, ServerFrame,
        ServerMessage, ServerUpdate, Welcome,
        channels::{
            ChannelAction, ChannelData, ChannelEnd, ChannelMember, ChannelMessage, ChannelPosition,
            ChannelPublication, ChannelRefusal, ChannelRequest, ChannelStart,
        },
    },
    record::encode_record,
};

fn client_frames() -> Vec<(Value, ClientFrame)> {
    let hello = Hello {
        protocol: 0x0123_4567_89ab_cdef,
        room: String::from("main"),
        token: String::from("tøken"),
        join: vec![1, 2, 3],
        session: vec![200; 3],
        acknowledged: 70_000,
    };
    let update = ClientUpdate {
        acknowledged: 250,
        seen: 251,
        shown: 248,
        shown_fraction: 255,
        stamp_ms: Some(u32::MAX),
        first_input: 65_536,
        inputs: vec![vec![], vec![9; 300]],
        first_message: 1,
        messages: vec![b"hi".to_vec()],
        report: vec![7],
    };
    vec![
        (
            json!({
                "type": "hello", "protocol": format!("{:016x}", hello.protocol), "room": hello.room,
                "token": hello.token, "join": hello.join, "session": hello.session,
                "acknowledged": hello.acknowledged,
            }),
            ClientFrame::Hello(hello),
        ),
        (
            json!({
                "type": "update", "acknowledged": 250, "seen": 251, "shown": 248, "shownFraction": 255,
                "stampMs": u32::MAX,
                "firstInput": 65_536, "inputs": update.inputs, "firstMessage": 1,
                "messages": update.messages, "report": update.report,
            }),
            ClientFrame::Update(update),
        ),
        (
            json!({
                "type": "update", "acknowledged": 0, "seen": 0, "shown": 0, "shownFraction": 0,
                "stampMs": null, "firstInput": 0, "inputs": [], "firstMessage": 0, "messages": [], "report": [],
            }),
            ClientFrame::Update(ClientUpdate::default()),
        ),
        (json!({ "type": "leave" }), ClientFrame::Leave),
        (json!({ "type": "probe", "number": 300 }), ClientFrame::Probe(300)),
        (json!({ "type": "away" }), ClientFrame::Away),
    ]
}

fn server_frames() -> Vec<(Value, ServerFrame)> {
    let welcome = Welcome {
        client: 3,
        tick_rate: 20,
        tick: 70_000,
        room: String::from("main"),
        session: vec![9, 8, 7],
        is_resumed: true,
        acknowledged: 12,
    };
    let clock = ClockEcho { stamp_ms: 1, held_ms: 2, tick: 3, tick_fraction: u16::MAX };
    let update = ServerUpdate {
        acknowledged: 7,
        clock: Some(clock),
        first_message: 5,
        messages: vec![vec![1], vec![]],
        state: vec![8; 260],
    };
    let mut frames = vec![
        (
            json!({
                "type": "welcome", "client": 3, "tickRate": 20, "tick": 70_000, "room": "main",
                "session": [9, 8, 7], "isResumed": true, "acknowledged": 12,
            }),
            ServerFrame::Welcome(welcome),
        ),
        (
            json!({
                "type": "update", "acknowledged": 7,
                "clock": { "stampMs": 1, "heldMs": 2, "tick": 3, "tickFraction": 65_535 },
                "firstMessage": 5, "messages": update.messages, "state": update.state,
            }),
            ServerFrame::Update(update),
        ),
    ];
    frames.extend(CloseReason::ALL.iter().map(|reason| {
        let close = Close { sentence: String::from("so"), ..Close::because(*reason) };
        let reason = json!({
            "name": reason.name(), "code": reason.code(), "sentence": reason.sentence(),
        });
        (
            json!({ "type": "close", "reason": reason, "sentence": "so", "retryAfterMs": 0 }),
            ServerFrame::Close(close),
        )
    }));
    frames
}

/// What a client asks for over HTTP, step by step, and the bodies that come of it.
fn requests() -> Vec<Value> {
    let key = [7; 16];
    let kinds = [
        ("stream", RequestKind::Stream),
        ("held poll", RequestKind::HeldPoll),
        ("poll", RequestKind::Poll),
    ];
    let kinds = kinds.into_iter().map(|(name, kind)| {
        let mut requester = Requester::new(key, kind);
        requester.push(vec![1, 2]);
        let first = requester.poll_poll().expect("the first carries the hello");
        requester.push(vec![3; 300]);
        requester.push(vec![4]);
        let send = requester.poll_send();
        let frames = requester.handle_poll_answered(1, &[0, 0, 1, 9, 0]);
        assert_eq!(frames, Ok(vec![vec![9]]));
        let second = requester.poll_poll();
        let body = |pending: Option<Pending>| pending.map(|pending| pending.body);
        json!({ "bytes": first.body, "kind": name, "send": body(send), "second": body(second) })
    });
    kinds.collect()
}

/// Frames one after the other, as answers carry them.
fn answer() -> Value {
    let frames = [vec![1; 1], vec![2; 250], vec![3; 251], vec![4; 70_000]];
    let mut body = vec![0; 3];
    for frame in &frames {
        exchange::frames::write(frame, &mut body);
    }
    let lengths: Vec<usize> = frames.iter().map(Vec::len).collect();
    json!({ "bytes": body.get(..700), "lengths": lengths, "length": body.len() })
}

fn reliable_messages() -> Value {
    let from_client = encode(&ClientMessage::Game(vec![5, 6]));
    let token = encode(&ClientMessage::Token(String::from("tøken")));
    let from_server = encode(&ServerMessage::Game { tick: 300, body: vec![7] });
    let expiry = encode(&ServerMessage::Token { seconds: 70_000 });
    json!({ "client": from_client, "token": token, "server": from_server, "expiry": expiry })
}

fn channel_data() -> [(Value, ChannelData); 3] {
    [
        (json!({ "type": "json", "text": "{}" }), ChannelData::Json(String::from("{}"))),
        (json!({ "type": "text", "text": "schön" }), ChannelData::Text(String::from("schön"))),
        (json!({ "type": "binary", "bytes": [1, 255] }), ChannelData::Binary(vec![1, 255])),
    ]
}

/// What a client asks of a channel.
fn channel_requests() -> Vec<Value> {
    let position = ChannelPosition { epoch: (1 << 53) - 1, offset: 70_000 };
    let place = json!({ "epoch": position.epoch, "offset": position.offset });
    let subscribe = |start, value: Value| {
        (json!({ "type": "subscribe", "start": value }), ChannelAction::Subscribe(start))
    };
    let mut actions = vec![
        subscribe(ChannelStart::Live, json!({ "type": "live" })),
        subscribe(ChannelStart::Last(300), json!({ "type": "last", "count": 300 })),
        subscribe(ChannelStart::After(position), json!({ "type": "after", "position": place })),
        (json!({ "type": "unsubscribe" }), ChannelAction::Unsubscribe),
        (json!({ "type": "presence" }), ChannelAction::Presence),
        (
            json!({ "type": "history", "after": place, "limit": 10, "newestFirst": true }),
            ChannelAction::History { after: Some(position), limit: 10, newest_first: true },
        ),
        (
            json!({ "type": "history", "after": null, "limit": 10, "newestFirst": false }),
            ChannelAction::History { after: None, limit: 10, newest_first: false },
        ),
    ];
    for (at, (value, data)) in channel_data().into_iter().enumerate() {
        let key = (at == 0).then(|| String::from("k"));
        let value = json!({ "type": "publish", "key": key, "data": value });
        actions.push((value, ChannelAction::Publish { key, data }));
    }
    let requests = actions.into_iter().map(|(value, action)| {
        let asked = ChannelRequest { request: 7, channel: String::from("chat:x"), action };
        let bytes = encode(&ClientMessage::Channel(asked));
        json!({ "bytes": bytes, "request": 7, "channel": "chat:x", "action": value })
    });
    requests.collect()
}

/// What a server says of a channel.
fn channel_messages() -> Vec<Value> {
    let position = ChannelPosition { epoch: (1 << 53) - 1, offset: 70_000 };
    let place = json!({ "epoch": position.epoch, "offset": position.offset });
    let channel = || String::from("chat:x");
    let member = ChannelMember {
        client: String::from("3"),
        user: String::from("zoe"),
        name: String::from("Zoë"),
        info: String::from("{}"),
    };
    let who = json!({ "client": "3", "user": "zoe", "name": "Zoë", "info": "{}" });
    let [(value, data), ..] = channel_data();
    let publication = ChannelPublication {
        channel: channel(),
        offset: 70_000,
        unix_ms: 1_800_000_000_000,
        publisher: Some(member.clone()),
        key: None,
        data,
    };
    let published_by = |publisher: Value| {
        json!({
            "channel": "chat:x", "offset": 70_000, "unixMs": 1_800_000_000_000_u64,
            "publisher": publisher, "key": null, "data": value,
        })
    };
    let (published, from_server) = (published_by(who.clone()), published_by(Value::Null));
    let messages = [
        (
            json!({ "type": "subscribed", "request": 7, "position": place, "recovered": 3,
                "isComplete": true }),
            ChannelMessage::Subscribed { request: 7, position, recovered: 3, is_complete: true },
        ),
        (
            json!({ "type": "unsubscribed", "request": 7 }),
            ChannelMessage::Unsubscribed { request: 7 },
        ),
        (
            json!({ "type": "published", "request": 7, "position": place }),
            ChannelMessage::Published { request: 7, position },
        ),
        (
            json!({ "type": "presence", "request": 7, "clients": 2, "users": 1,
                "members": [who] }),
            ChannelMessage::Presence {
                request: 7,
                clients: 2,
                users: 1,
                members: vec![member.clone()],
            },
        ),
        (
            json!({ "type": "history", "request": 7, "position": place, "isComplete": false,
                "publications": [from_server] }),
            ChannelMessage::History {
                request: 7,
                position,
                is_complete: false,
                publications: vec![ChannelPublication { publisher: None, ..publication.clone() }],
            },
        ),
        (
            json!({ "type": "refused", "request": 7, "reason": "BadData", "sentence": "no",
                "retryAfterMs": 5 }),
            ChannelMessage::Refused {
                request: 7,
                reason: ChannelRefusal::BadData,
                sentence: String::from("no"),
                retry_after_ms: 5,
            },
        ),
        (
            json!({ "type": "publication", "publication": published }),
            ChannelMessage::Publication(publication),
        ),
        (
            json!({ "type": "joined", "channel": "chat:x", "member": who }),
            ChannelMessage::Joined { channel: channel(), member: member.clone() },
        ),
        (
            json!({ "type": "left", "channel": "chat:x", "member": who }),
            ChannelMessage::Left { channel: channel(), member },
        ),
        (
            json!({ "type": "missed", "channel": "chat:x", "count": 300 }),
            ChannelMessage::Missed { channel: channel(), count: 300 },
        ),
        (
            json!({ "type": "ended", "channel": "chat:x", "reason": "NotAllowed" }),
            ChannelMessage::Ended { channel: channel(), reason: ChannelEnd::NotAllowed },
        ),
    ];
    let messages = messages.into_iter().map(|(value, message)| {
        let bytes = encode(&ServerMessage::Channel(message));
        json!({ "bytes": bytes, "message": value })
    });
    messages.collect()
}

/// Records of the arena, as a page sends them.
fn records() -> Vec<Value> {
    let schema = Schema::of::<ArenaProtocol>();
    let controls = [(true, false, 40), (false, true, -40), (true, true, 0)];
    let controls = controls.into_iter().map(|(thrust, fire, turn)| {
        let bytes = encode_record(&Controls { thrust, fire, turn }, &schema.input);
        json!({ "record": "input", "bytes": bytes,
            "value": { "thrust": thrust, "fire": fire, "turn": turn } })
    });
    let joins = [("", 0u8), ("Zoë", 11), ("a-name-much-too-long-é", 5)];
    let joins = joins.into_iter().map(|(name, colour)| {
        let request = JoinRequest { name: String::from(name), colour };
        let bytes = encode_record(&request, &schema.join);
        json!({ "record": "join", "bytes": bytes, "value": { "name": name, "colour": colour } })
    });
    controls.chain(joins).collect()
}

#[test]
fn messages_are_the_bytes_they_have_always_been() {
    let client = client_frames().into_iter().map(|(value, frame)| {
        let bytes = encode(&frame);
        assert_eq!(decode_client::<ClientFrame>(&bytes), Ok(frame), "it reads back");
        json!({ "bytes": bytes, "frame": value })
    });
    let server = server_frames().into_iter().map(|(value, frame)| {
        let bytes = encode(&frame);
        assert_eq!(decode_server::<ServerFrame>(&bytes), Ok(frame), "it reads back");
        json!({ "bytes": bytes, "frame": value })
    });
    let golden = json!({
        "client": client.collect::<Vec<_>>(),
        "server": server.collect::<Vec<_>>(),
        "records": records(),
        "requests": requests(),
        "answer": answer(),
        "messages": reliable_messages(),
        "channelRequests": channel_requests(),
        "channelMessages": channel_messages(),
    });
    let text = golden.to_string().replace("{\"bytes\"", "\n{\"bytes\"") + "\n";
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden/messages.json");
    if std::env::var_os("TICKWIRE_BLESS").is_some() {
        fs::write(&path, &text).expect("tests/golden can be written to");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "the message format has changed; see the head of this test");
}

#[test]
fn any_bytes_end_in_a_frame_or_an_error() {
    use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
    let mut rng = StdRng::seed_from_u64(1);
    let frames: Vec<Vec<u8>> = client_frames().iter().map(|(_, frame)| encode(frame)).collect();
    let mut refused = 0;
    for _ in 0..200_000 {
        let mut bytes = frames[rng.random_range(0..frames.len())].clone();
        for _ in 0..rng.random_range(1..4) {
            let at = rng.random_range(0..bytes.len());
            bytes[at] = rng.random();
        }
        refused += u32::from(decode_client::<ClientFrame>(&bytes).is_err());
    }
    assert!(refused > 50_000, "damage is mostly noticed, here {refused} times of 200,000");
}
