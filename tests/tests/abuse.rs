//! Those who mean ill: each is bounded and refused with a reason, and whoever plays does not
//! notice.

use std::{
    net::SocketAddr,
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use arena::{Arena, ArenaOptions};
use arena_shared::{ArenaProtocol, Controls};
use tickwire_server::{
    Server,
    session_token::{SessionKeys, SessionToken},
};
use tickwire_shared::{
    CloseReason, Replica, Schema,
    codec::{decode_server, encode},
    exchange::{Request, RequestKind, encode_request, frames::FrameReader},
    limits::{MESSAGES_PER_FRAME_MAX, REQUEST_BYTES_MAX},
    messages::{ClientFrame, Hello, ServerFrame},
    record::encode_record,
};
use tickwire_tests::{
    chatty::{Chatty, Log},
    client::Shared,
    local_server::{counter, start},
    pilot::Pilot,
    scrape::Scrape,
    socket::{Bot, Closed},
    swarm::{Plan, run},
    transport::Rung,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

/// The server's patience with headers and bodies, and some.
const PATIENCE: Duration = Duration::from_secs(20);

async fn silent(address: SocketAddr) -> Result<()> {
    let mut socket = TcpStream::connect(address).await?;
    let mut byte = [0];
    // The server hangs up, with or without a word.
    let _ = timeout(PATIENCE, socket.read(&mut byte)).await.context("it may stay for ever")?;
    Ok(())
}

async fn slow_header(address: SocketAddr) -> Result<()> {
    let mut socket = TcpStream::connect(address).await?;
    socket.write_all(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ").await?;
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        sleep(Duration::from_millis(500)).await;
        if socket.write_all(b"a").await.is_err() {
            return Ok(());
        }
    }
    bail!("it may go on for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_who_never_speak_are_hung_up_on_and_players_keep_their_rhythm() -> Result<()> {
    let server = start(Arena::new(ArenaOptions::default()), &[]).await?;
    let address = server.public_address();
    let metrics = format!("http://{}/metrics", server.internal_address());
    let url = format!("http://{address}");
    let plan = Plan::playing(url.clone(), 10, Duration::from_secs(16));
    let players = tokio::spawn(async move { run(&plan, || {}).await });
    sleep(Duration::from_secs(1)).await;
    let before = Scrape::take(&metrics).await?;
    let began = Instant::now();
    let mut bad = JoinSet::new();
    for number in 0..6_000 {
        if number < 5_000 {
            bad.spawn(silent(address));
        } else {
            bad.spawn(slow_header(address));
        }
        if number % 200 == 0 {
            // More at once and the kernel, not the server, lets some of them wait.
            sleep(Duration::from_millis(50)).await;
        }
    }
    // Somebody new gets in while they are all there.
    sleep(Duration::from_secs(1)).await;
    let newcomer = run(&Plan::playing(url, 1, Duration::from_secs(2)), || {}).await?;
    ensure!(newcomer.is_good(), "{:?}", newcomer.errors);
    while let Some(ended) = bad.join_next().await {
        ended??;
    }
    let during = Scrape::take(&metrics).await?.since(&before, began.elapsed().as_secs_f64());
    let players = players.await??;
    eprintln!(
        "all hung up on after {:?}; players: {:.1} frames a second, world's age p99 {:.1} ms; {}",
        began.elapsed(),
        players.frames_per_bot_s(),
        players.age_us.value_at_quantile(0.99) as f64 / 1e3,
        serde_json::to_string(&during)?,
    );
    ensure!(players.is_good(), "{:?}", players.errors);
    server.stop().await;
    Ok(())
}

/// Sends a request as it is, and returns the answer's first line.
async fn answer_to(address: SocketAddr, request: &[u8]) -> Result<String> {
    let mut socket = TcpStream::connect(address).await?;
    // The server may answer, and hang up, before it has all of it.
    let _ = socket.write_all(request).await;
    let mut answer = Vec::new();
    let mut piece = [0; 1024];
    timeout(PATIENCE, async {
        while !answer.contains(&b'\n') {
            match socket.read(&mut piece).await? {
                0 => break,
                count => answer.extend(piece.get(..count).unwrap_or_default()),
            }
        }
        anyhow::Ok(())
    })
    .await
    .context("no answer")??;
    let line = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
    Ok(String::from_utf8_lossy(line).into_owned())
}

fn post(headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut request = format!(
        "POST /play HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Content-Length: {length}\r\n\r\n"
    )
    .into_bytes();
    request.extend(body);
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_and_requests_that_are_none_of_ours_are_refused_with_a_status() -> Result<()> {
    let server = start(Arena::new(ArenaOptions::default()), &[]).await?;
    let address = server.public_address();
    let giant = vec![0; REQUEST_BYTES_MAX * 2];
    let claimed = b"POST /play HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n".to_vec();
    let claimed = [claimed, vec![7; 100]].concat();
    let claimed = String::from_utf8_lossy(&claimed).replace("Host: a", "Host: 127.0.0.1");
    let mut endless =
        b"POST /play HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..200 {
        endless.extend(b"1000\r\n");
        endless.extend([0; 0x1000]);
        endless.extend(b"\r\n");
    }
    let request = |kind, number| {
        encode_request(&Request { attachment: [1; 16], kind, number, frames: Vec::new() })
    };
    let cases = [
        ("a giant body", post("", &giant), "413"),
        ("a body that says it is giant", claimed.into_bytes(), "413"),
        ("a body without an end", endless, "413"),
        ("a body that is nothing", post("", b""), "400"),
        ("a body of noise", post("", &[0, 255, 255, 255]), "400"),
        ("a body that is no base64", post("", b"!!!!"), "400"),
        ("a send to nowhere", post("", &request(RequestKind::Send, 1)), "404"),
        ("a poll from nowhere", post("", &request(RequestKind::HeldPoll, 7)), "404"),
        (
            "a page from elsewhere",
            post("Origin: https://evil.example\r\n", &request(RequestKind::Poll, 1)),
            "403",
        ),
        (
            "a name that was rebound",
            b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n".to_vec(),
            "421",
        ),
        ("no name at all", b"GET / HTTP/1.1\r\n\r\n".to_vec(), "421"),
        ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(), "400"),
    ];
    for (what, request, status) in cases {
        let line = answer_to(address, &request).await.with_context(|| what.to_owned())?;
        ensure!(line.contains(status), "{what} is answered by {line:?}");
    }
    let url = format!("http://{address}");
    let player = run(&Plan::playing(url, 2, Duration::from_secs(1)), || {}).await?;
    ensure!(player.is_good(), "players play on: {:?}", player.errors);
    server.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_trickles_in_is_not_waited_for_without_end() -> Result<()> {
    let server = start(Arena::new(ArenaOptions::default()), &[]).await?;
    let mut socket = TcpStream::connect(server.public_address()).await?;
    let head = "POST /play HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n";
    socket.write_all(head.as_bytes()).await?;
    let mut answer = vec![0; 100];
    let began = Instant::now();
    loop {
        ensure!(began.elapsed() < PATIENCE, "it may go on for ever");
        tokio::select! {
            read = socket.read(&mut answer) => {
                let count = read?;
                let answer = String::from_utf8_lossy(answer.get(..count).unwrap_or_default());
                ensure!(answer.contains("408"), "{answer:?}");
                break;
            }
            () = sleep(Duration::from_millis(300)) => {
                let _ = socket.write_all(b"a").await;
            }
        }
    }
    server.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_messages_is_refused_and_neither_the_client_nor_others_lose_any() -> Result<()> {
    const MESSAGES: u32 = 5_000;
    let log = Log::default();
    let server = start(Chatty::new(0, 0).with_log(&log), &[]).await?;
    let url = format!("http://{}", server.public_address());
    let plan = Plan::playing(url.clone(), 10, Duration::from_secs(5));
    let others = tokio::spawn(async move { run(&plan, || {}).await });
    let shared = Shared::of::<ArenaProtocol>();
    let neutral = |_: &Replica, _| encode_record(&Controls::default(), &shared.schema().input);
    let mut bot = Bot::join(&url, &shared, "", Pilot::join(shared.schema(), 0)).await?;
    let before = counter(&server, "tickwire_closes_total{reason=\"TooFast\"}").await?;
    for number in 0..MESSAGES {
        bot.client().send(number.to_le_bytes().to_vec())?;
    }
    // As many frames as its rate allows: what is too much is what they hold.
    for _ in 0..MESSAGES as usize / MESSAGES_PER_FRAME_MAX {
        bot.speak(neutral);
    }
    let refused = bot.play_until(PATIENCE, neutral, |_| false).await;
    let refused = refused.err().context("a flood was taken")?.downcast::<Closed>()?;
    ensure!(refused.0.reason == CloseReason::TooFast, "{refused}");
    let after = counter(&server, "tickwire_closes_total{reason=\"TooFast\"}").await?;
    ensure!(after > before, "it is counted");

    // The reason tells clients to back off; the room's next tick makes place.
    sleep(Duration::from_millis(500)).await;
    bot.move_to(&url, Rung::WebSocket).await?;
    ensure!(bot.client().is_resumed(), "it keeps its place");
    let client = bot.client().id().context("it has joined")?;
    let heard = || log.lock().map(|log| log.get(&client).cloned().unwrap_or_default());
    let has_all = || heard().is_ok_and(|heard| heard.len() >= MESSAGES as usize);
    bot.play_until(PATIENCE, neutral, |_| has_all()).await?;
    let heard = heard().map_err(|_| anyhow!("a room broke"))?;
    ensure!(heard.iter().copied().eq(0..MESSAGES), "each once, in order: {heard:?}");
    let others = others.await??;
    ensure!(others.is_good(), "players play on: {:?}", others.errors);
    server.stop().await;
    Ok(())
}

/// Says hello with this session token by a poll, and returns the first frame of the answer.
async fn hello_with(server: &Server, session: Vec<u8>, attachment: u8) -> Result<ServerFrame> {
    let schema = Schema::of::<ArenaProtocol>();
    let hello = ClientFrame::Hello(Hello {
        protocol: schema.hash(),
        room: String::new(),
        token: String::new(),
        join: Pilot::join(&schema, 0),
        session,
        acknowledged: 0,
    });
    let body = encode_request(&Request {
        attachment: [attachment; 16],
        kind: RequestKind::Poll,
        number: 1,
        frames: vec![encode(&hello)],
    });
    let url = format!("http://{}/play", server.public_address());
    let answer = reqwest::Client::new().post(url).body(body).send().await?;
    let mut reader = FrameReader::default();
    reader.push(&answer.bytes().await?);
    Ok(decode_server(&reader.poll_frame()?.context("an empty answer")?)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_are_forged_altered_out_of_date_or_overtaken_are_refused() -> Result<()> {
    let folder = std::env::temp_dir().join(format!("tickwire-abuse-{}", std::process::id()));
    let file = folder.join("secret");
    let flags = ["--secret-file", file.to_str().context("a path of letters")?];
    let server = start(Arena::new(ArenaOptions::default()), &flags).await?;
    let keys = SessionKeys::load(&file)?;
    let ServerFrame::Welcome(welcome) = hello_with(&server, Vec::new(), 1).await? else {
        bail!("no welcome")
    };
    let now = SystemTime::now();
    let token = keys.verify(&welcome.session, now)?;
    let mut altered = welcome.session.clone();
    altered[5] ^= 1;
    let long_ago = now - Duration::from_secs(8 * 24 * 60 * 60);
    let refused = [
        ("forged", SessionKeys::ephemeral().sign(token, now)),
        ("altered", altered),
        ("too short", welcome.session[..9].to_vec()),
        ("out of date", keys.sign(token, long_ago)),
        ("ahead of its time", keys.sign(SessionToken { generation: 9, ..token }, now)),
    ];
    for (at, (what, session)) in (2..).zip(refused) {
        let before = counter(&server, "tickwire_closes_total{reason=\"SessionRefused\"}").await?;
        match hello_with(&server, session, at).await? {
            ServerFrame::Close(close) if close.reason == CloseReason::SessionRefused => {}
            other => bail!("{what}: {other:?}"),
        }
        let after = counter(&server, "tickwire_closes_total{reason=\"SessionRefused\"}").await?;
        ensure!(after > before, "{what} is counted");
    }
    // The right one still is right, once: whoever copied it comes too late.
    let ServerFrame::Welcome(again) = hello_with(&server, welcome.session.clone(), 20).await?
    else {
        bail!("the right token is refused")
    };
    ensure!(again.is_resumed && again.client == welcome.client);
    let ServerFrame::Welcome(_) = hello_with(&server, again.session, 21).await? else {
        bail!("the next token is refused")
    };
    match hello_with(&server, welcome.session, 22).await? {
        ServerFrame::Close(close) if close.reason == CloseReason::SessionRefused => {}
        other => bail!("an old copy: {other:?}"),
    }
    server.stop().await;
    std::fs::remove_dir_all(folder)?;
    Ok(())
}
