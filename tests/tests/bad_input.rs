//! Bad input of every kind ends in its own close code and counter, and nobody else notices.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use arena::{Arena, ArenaOptions};
use arena_shared::{ArenaProtocol, Controls};
use futures_util::{SinkExt as _, StreamExt as _};
use tickwire_server::Server;
use tickwire_shared::{
    CloseReason, Schema,
    codec::{decode_server, encode},
    messages::{ClientFrame, ClientUpdate, Hello, ServerFrame},
    record::encode_record,
};
use tickwire_tests::{
    local_server::{counter, start},
    pilot::Pilot,
    swarm::{Plan, run},
};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest as _, http::HeaderValue},
};
use word_chain::{Introduction, WordChain, WordChainProtocol};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A misdeed: frames that follow each other, the last of which is not taken.
struct Misdeed {
    what: &'static str,
    messages: Vec<Message>,
    expected: CloseReason,
}

fn misdeeds(server_tick: u32) -> Vec<Misdeed> {
    let update = |first_input: u32, input: Vec<u8>| {
        let inputs = vec![input];
        frame(&ClientFrame::Update(ClientUpdate { first_input, inputs, ..ClientUpdate::default() }))
    };
    let neutral = encode_record(&Controls::default(), &Schema::of::<ArenaProtocol>().input);
    let near = server_tick + 2;
    let misdeed = |what, messages, expected| Misdeed { what, messages, expected };
    vec![
        misdeed(
            "bytes that are no frame",
            vec![Message::binary(vec![0xff; 20])],
            CloseReason::MalformedFrame,
        ),
        misdeed("text", vec![Message::text("hello?")], CloseReason::MalformedFrame),
        misdeed(
            "a giant frame",
            vec![Message::binary(vec![0; 100_000])],
            CloseReason::FrameTooLarge,
        ),
        misdeed(
            "a page of another version",
            vec![frame(&ClientFrame::Hello(Hello { protocol: 1, ..hello() }))],
            CloseReason::ProtocolMismatch,
        ),
        misdeed(
            "a room that is not there",
            vec![frame(&ClientFrame::Hello(Hello { room: String::from("attic"), ..hello() }))],
            CloseReason::UnknownRoom,
        ),
        misdeed(
            "a join request that is none",
            vec![frame(&ClientFrame::Hello(Hello { join: vec![0xff; 3], ..hello() }))],
            CloseReason::MalformedFrame,
        ),
        misdeed(
            "an update before the hello",
            vec![update(near, neutral.clone())],
            CloseReason::UnexpectedFrame,
        ),
        misdeed(
            "a second hello",
            vec![frame(&ClientFrame::Hello(hello())), frame(&ClientFrame::Hello(hello()))],
            CloseReason::UnexpectedFrame,
        ),
        misdeed(
            "a turn faster than any ship's",
            // Two flags, then the turn's code: 127 of at most 80.
            vec![frame(&ClientFrame::Hello(hello())), update(near, vec![0xfc, 0x01])],
            CloseReason::InputOutOfRange,
        ),
        misdeed(
            "an input for the far future",
            vec![frame(&ClientFrame::Hello(hello())), update(near + 100_000, neutral)],
            CloseReason::InputTickOutOfRange,
        ),
        misdeed(
            "a leave",
            vec![frame(&ClientFrame::Hello(hello())), frame(&ClientFrame::Leave)],
            CloseReason::Left,
        ),
        misdeed(
            "a flood",
            std::iter::once(frame(&ClientFrame::Hello(hello())))
                .chain((0..4_000).map(|_| frame(&ClientFrame::Update(ClientUpdate::default()))))
                .collect(),
            CloseReason::TooFast,
        ),
    ]
}

fn hello() -> Hello {
    let schema = Schema::of::<ArenaProtocol>();
    Hello {
        protocol: schema.hash(),
        room: String::new(),
        token: String::new(),
        join: Pilot::join(&schema, 0),
        session: Vec::new(),
        acknowledged: 0,
    }
}

fn frame(frame: &ClientFrame) -> Message {
    Message::binary(encode(frame))
}

async fn connect(server: &Server) -> Result<Socket> {
    let url = format!("ws://{}/play", server.public_address());
    Ok(connect_async(url).await.context("connecting")?.0)
}

/// Reads on until the server says why it closes; the frame and the WebSocket's code must agree.
async fn closing(socket: &mut Socket) -> Result<(CloseReason, String)> {
    let reading = async {
        let mut said = None;
        while let Some(message) = socket.next().await {
            match message {
                Ok(Message::Binary(bytes)) => {
                    if let ServerFrame::Close(close) = decode_server(&bytes)? {
                        said = Some(close);
                    }
                }
                Ok(Message::Close(Some(close))) => {
                    let said = said.context("a close frame without a reason before it")?;
                    assert_eq!(u16::from(close.code), said.reason.code(), "both say the same");
                    return Ok((said.reason, close.reason.to_string()));
                }
                Ok(_) => {}
                Err(error) => bail!("the socket broke before the reason came: {error}"),
            }
        }
        bail!("the server hung up without a word")
    };
    timeout(Duration::from_secs(10), reading).await.context("the server stays silent")?
}

#[tokio::test(flavor = "multi_thread")]
async fn each_misdeed_has_its_close_code_and_counter_and_others_play_on() -> Result<()> {
    let server = start(Arena::new(ArenaOptions::default()), &[]).await?;
    let url = format!("http://{}", server.public_address());
    let plan = Plan::playing(url, 3, Duration::from_secs(6));
    let bystanders = tokio::spawn(async move { run(&plan, || {}).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    for Misdeed { what, messages, expected } in misdeeds(10) {
        let name = format!("tickwire_closes_total{{reason=\"{}\"}}", expected.name());
        let before = counter(&server, &name).await?;
        let mut socket = connect(&server).await?;
        let count = messages.len();
        for (at, message) in messages.into_iter().enumerate() {
            // The server may have had enough before the last of them.
            let _ = socket.send(message).await;
            if at == 0 && count > 1 {
                socket.next().await.context("a welcome is due")??;
            }
        }
        let (reason, sentence) = closing(&mut socket).await.with_context(|| what.to_owned())?;
        assert_eq!(reason, expected, "{what}");
        assert_eq!(sentence, expected.sentence(), "{what}");
        assert!(counter(&server, &name).await? >= before + 1.0, "{what} is counted");
    }
    let summary = bystanders.await??;
    assert!(summary.is_good(), "bystanders are not bothered: {:?}", summary.errors);
    assert!(summary.checksums > 0, "their worlds were compared");
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_foreign_page_hears_why_it_may_not_play() -> Result<()> {
    let server = start(Arena::new(ArenaOptions::default()), &[]).await?;
    let mut request = format!("ws://{}/play", server.public_address()).into_client_request()?;
    request.headers_mut().insert("Origin", HeaderValue::from_static("https://evil.example"));
    let (mut socket, _) = connect_async(request).await?;
    assert_eq!(closing(&mut socket).await?.0, CloseReason::OriginRefused);
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_rebound_name_is_answered_by_neither_door() -> Result<()> {
    let server = start(Arena::new(ArenaOptions::default()), &[]).await?;
    let name = "tickwire_closes_total{reason=\"HostRefused\"}";
    let before = counter(&server, name).await?;
    let client = reqwest::Client::new();
    for (address, path, status) in
        [(server.public_address(), "healthz", 421), (server.internal_address(), "metrics", 403)]
    {
        let request = client.get(format!("http://{address}/{path}"));
        let response = request.header("Host", "evil.example").send().await?;
        assert_eq!(response.status().as_u16(), status, "{path}");
    }
    assert!(counter(&server, name).await? >= before + 1.0, "it is counted");
    server.stop().await;
    Ok(())
}

/// Tries to join until the server has a place.
async fn wait_for_place(server: &Server) -> Result<()> {
    let trying = async {
        loop {
            let mut socket = connect(server).await?;
            socket.send(frame(&ClientFrame::Hello(hello()))).await?;
            let answer = socket.next().await.context("an answer")??;
            if matches!(decode_server(&answer.into_data())?, ServerFrame::Welcome(_)) {
                return Ok(());
            }
        }
    };
    timeout(Duration::from_secs(10), trying).await.context("there is no place")?
}

#[tokio::test]
async fn a_full_server_says_so_and_has_room_again_when_somebody_leaves() -> Result<()> {
    let server = start(Arena::new(ArenaOptions::default()), &["--clients-max", "1"]).await?;
    let mut first = connect(&server).await?;
    first.send(frame(&ClientFrame::Hello(hello()))).await?;
    first.next().await.context("the welcome")??;
    let mut second = connect(&server).await?;
    second.send(frame(&ClientFrame::Hello(hello()))).await?;
    assert_eq!(closing(&mut second).await?.0, CloseReason::ServerFull);
    first.send(frame(&ClientFrame::Leave)).await?;
    assert_eq!(closing(&mut first).await?.0, CloseReason::Left);
    wait_for_place(&server).await?;
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_client_that_was_sent_off_loses_its_place_even_if_it_stays_on_the_line() -> Result<()> {
    let server = start(Arena::new(ArenaOptions::default()), &["--clients-max", "1"]).await?;
    let mut first = connect(&server).await?;
    for message in [frame(&ClientFrame::Hello(hello())), Message::text("hello?")] {
        first.send(message).await?;
    }
    // It never reads, so it neither hears the farewell nor hangs up.
    wait_for_place(&server).await?;
    drop(first);
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_game_refuses_with_its_own_sentence() -> Result<()> {
    let server = start(WordChain, &[]).await?;
    let schema = Schema::of::<WordChainProtocol>();
    let join = encode_record(&Introduction { name: String::new() }, &schema.join);
    let mut socket = connect(&server).await?;
    let hello = Hello { protocol: schema.hash(), join, ..hello() };
    socket.send(frame(&ClientFrame::Hello(hello))).await?;
    let (reason, sentence) = closing(&mut socket).await?;
    assert_eq!(reason, CloseReason::JoinRefused);
    assert_eq!(sentence, "Everybody at this table has a name.");
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_stopping_server_says_when_to_come_back() -> Result<()> {
    let server = start(Arena::new(ArenaOptions::default()), &[]).await?;
    let mut socket = connect(&server).await?;
    socket.send(frame(&ClientFrame::Hello(hello()))).await?;
    socket.next().await.context("the welcome")??;
    let (_, said) = tokio::join!(server.stop(), closing(&mut socket));
    assert_eq!(said?.0, CloseReason::ServerStopping);
    Ok(())
}

#[tokio::test]
async fn what_a_client_says_before_it_is_welcomed_is_taken_in_its_order() -> Result<()> {
    let server = start(Arena::new(ArenaOptions::default()), &[]).await?;
    let mut socket = connect(&server).await?;
    let update = ClientFrame::Update(ClientUpdate::default());
    for said in [ClientFrame::Hello(hello()), update, ClientFrame::Leave] {
        socket.feed(frame(&said)).await?;
    }
    socket.flush().await?;
    let answer = socket.next().await.context("an answer")??;
    assert!(matches!(decode_server(&answer.into_data())?, ServerFrame::Welcome(_)));
    assert_eq!(closing(&mut socket).await?.0, CloseReason::Left);
    server.stop().await;
    Ok(())
}
