//! Every way to listen at one address, by plain HTTP clients: each hears everything once and in
//! order, and text stays text.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use arena::{Arena, ArenaOptions};
use futures_util::{SinkExt as _, StreamExt as _};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use reqwest::{Client, Response, StatusCode, header};
use serde_json::{Value, json};
use tickwire_server::Server;
use tickwire_tests::{
    issuer::{Issuer, in_seconds, key_file},
    local_server,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest as _},
};

/// How long anything may take that is to come at once.
const SOON: Duration = Duration::from_secs(10);

async fn start(flags: &[&str]) -> Result<Server> {
    local_server::start(Arena::new(ArenaOptions { pilots: 0, asteroids: 0 }), flags).await
}

async fn publish(server: &Server, channel: &str, text: &str) -> Result<Value> {
    let url = format!("http://{}/publish/", server.internal_address());
    let request = Client::new().post(url).query(&[("cid", channel)]).body(String::from(text));
    let answer = request.send().await?;
    ensure!(answer.status() == StatusCode::OK, "{}", answer.text().await?);
    Ok(serde_json::from_str(&answer.text().await?)?)
}

/// Waits until so many listen to a channel.
async fn wait_for_listeners(server: &Server, channel: &str, count: u64) -> Result<()> {
    let url = format!("http://{}/publish/?cid={channel}", server.internal_address());
    timeout(SOON, async {
        loop {
            let figures: Value = serde_json::from_str(&reqwest::get(&url).await?.text().await?)?;
            if figures.get("listeners") == Some(&json!(count)) {
                return Ok(());
            }
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .context("they never came")?
}

fn texts(answer: &str) -> Result<Vec<String>> {
    let messages: Vec<Value> = serde_json::from_str(answer)?;
    let texts = messages.iter().map(|message| message.get("Text")?.as_str().map(String::from));
    texts.collect::<Option<_>>().context("each has a text")
}

/// The next so many pieces of an endless answer, as they come, until `is_enough`.
async fn read_until(answer: &mut Response, is_enough: impl Fn(&str) -> bool) -> Result<String> {
    let mut text = String::new();
    timeout(SOON, async {
        while !is_enough(&text) {
            let piece = answer.chunk().await?.context("it ends")?;
            text.push_str(std::str::from_utf8(&piece)?);
        }
        anyhow::Ok(())
    })
    .await
    .with_context(|| format!("it stays at {text:?}"))??;
    Ok(text)
}

#[tokio::test]
async fn one_address_tells_ways_apart_by_what_a_request_asks_for() -> Result<()> {
    let server = start(&[]).await?;
    let url = format!("http://{}/listen/?cid=5", server.public_address());
    let client = Client::new();
    let (mut socket, _) = connect_async(url.replace("http", "ws").replace("/?", "?")).await?;
    let mut events = client.get(&url).header(header::ACCEPT, "text/event-stream").send().await?;
    assert_eq!(events.headers()[header::CONTENT_TYPE], "text/event-stream; charset=utf-8");
    let mut frame = client.get(&url).header(header::ACCEPT, "text/html,*/*").send().await?;
    assert_eq!(frame.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
    let poll = tokio::spawn(client.get(&url).send());
    wait_for_listeners(&server, "5", 4).await?;

    let hostile = "</script><b>é\u{2028}\"'\\&\r\nid: 7";
    let published = publish(&server, "5", hostile).await?;
    assert_eq!(published["listeners"], 4, "all of them are counted");

    let Some(Ok(Message::Text(heard))) = socket.next().await else { bail!("a text") };
    assert_eq!(heard.as_str(), hostile);
    let heard = read_until(&mut events, |text| text.ends_with("id: 7\n\n")).await?;
    let id = published["id"].as_str().context("an id")?;
    let event = "data: </script><b>é\u{2028}\"'\\&\ndata: id: 7\n\n";
    ensure!(heard.ends_with(&format!("id: {id}\n{event}")), "{heard}");
    let page = read_until(&mut frame, |text| text.contains("m(\"")).await?;
    ensure!(!page.contains("<b>") && !page.contains('\u{2028}'), "text stays text: {page}");
    let policy = frame.headers()[header::CONTENT_SECURITY_POLICY].to_str()?;
    let (_, nonce) = policy.split_once("'nonce-").context("a nonce")?;
    let (nonce, _) = nonce.split_once('\'').context("its end")?;
    assert_eq!(page.matches("<script").count(), page.matches(nonce).count(), "each has the nonce");
    ensure!(policy.contains("frame-ancestors 'self'") && policy.contains("default-src 'none'"));
    let poll = poll.await??;
    for answer in [events.headers(), frame.headers(), poll.headers()] {
        assert_eq!(answer[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        ensure!(answer[header::CACHE_CONTROL].to_str()?.contains("no-store"));
    }
    assert_eq!(texts(&poll.text().await?)?, [hostile]);

    let messages = format!("http://{}/messages/?cid=5&since=0", server.public_address());
    publish(&server, "5", "second").await?;
    let answer = reqwest::get(&messages).await?.text().await?;
    assert_eq!(texts(&answer)?, ["second", hostile], "newest first");
    let newest: Vec<Value> = serde_json::from_str(&answer)?;
    assert_eq!(newest[0]["Cid"], "5");
    let since = newest[0]["Id"].as_str().context("an id")?;
    let later = messages.replace("since=0", &format!("since={since}"));
    assert_eq!(reqwest::get(&later).await?.text().await?, "[]");
    drop((socket, events, frame));
    wait_for_listeners(&server, "5", 0).await?;
    server.stop().await;
    Ok(())
}

/// How a client that polls says where it was.
#[derive(Clone, Copy, Debug)]
enum Memory {
    Cookie,
    EntityTag,
    Since,
    Date,
}

async fn poll_until(url: &str, memory: Memory, last: &str) -> Result<Vec<String>> {
    let client = Client::new();
    let mut heard: Vec<String> = Vec::new();
    let (mut kept, mut since) = (None::<(header::HeaderName, String)>, String::new());
    while heard.last().is_none_or(|text| text != last) {
        let mut request = client.get(format!("{url}{since}"));
        if let Some((name, value)) = &kept {
            request = request.header(name, value);
        }
        let answer = timeout(Duration::from_secs(60), request.send()).await??;
        let text = |name: header::HeaderName| {
            answer.headers().get(name).and_then(|value| value.to_str().ok()).map(String::from)
        };
        kept = match memory {
            Memory::Cookie => {
                let cookie = text(header::SET_COOKIE).context("a cookie")?;
                ensure!(cookie.contains("Path=/listen;"), "{cookie}");
                cookie.split_once(';').map(|(pair, _)| (header::COOKIE, String::from(pair)))
            }
            Memory::EntityTag => text(header::ETAG).map(|tag| (header::IF_NONE_MATCH, tag)),
            Memory::Date => {
                text(header::LAST_MODIFIED).map(|date| (header::IF_MODIFIED_SINCE, date))
            }
            Memory::Since => None,
        };
        ensure!(!answer.headers().contains_key("tickwire-incomplete"), "it was complete");
        if answer.status() == StatusCode::NOT_MODIFIED {
            continue;
        }
        let body = answer.text().await?;
        if matches!(memory, Memory::Since)
            && let Some(newest) = serde_json::from_str::<Vec<Value>>(&body)?.last()
        {
            let id = newest.get("Id").and_then(Value::as_str);
            since = format!("&since={}", id.context("an id")?);
        }
        heard.extend(texts(&body)?);
    }
    Ok(heard)
}

#[tokio::test]
async fn polls_miss_none_of_100_messages_at_random_moments_however_they_remember() -> Result<()> {
    let server = start(&[]).await?;
    let url = format!("http://{}/listen/?cid=5", server.public_address());
    let memories = [Memory::Cookie, Memory::EntityTag, Memory::Since, Memory::Date];
    let polls = memories.map(|memory| {
        let url = url.clone();
        tokio::spawn(async move { poll_until(&url, memory, "last").await })
    });
    wait_for_listeners(&server, "5", 4).await?;
    let mut rng = StdRng::seed_from_u64(7);
    let mut sent = Vec::new();
    for number in 0..100 {
        // Bursts within a millisecond, and pauses.
        if rng.random_bool(0.5) {
            sleep(Duration::from_millis(rng.random_range(0..60))).await;
        }
        sent.push(format!("message {number}"));
        publish(&server, "5", &format!("message {number}")).await?;
    }
    sleep(Duration::from_millis(1_500)).await;
    publish(&server, "5", "last").await?;
    sent.push(String::from("last"));
    for (poll, memory) in polls.into_iter().zip(memories) {
        let heard = timeout(SOON, poll).await.with_context(|| format!("{memory:?}"))???;
        match memory {
            // It knows whole seconds only, and gets the first of them again.
            Memory::Date => {
                let heard: BTreeSet<_> = heard.into_iter().collect();
                assert_eq!(heard, sent.iter().cloned().collect(), "{memory:?}");
            }
            _ => assert_eq!(heard, sent, "{memory:?}"),
        }
    }
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn whoever_comes_back_goes_on_where_it_was_or_hears_that_it_cannot() -> Result<()> {
    let folder = key_file("")?;
    let channels = folder.with_file_name("channels.toml");
    std::fs::write(
        &channels,
        "[namespaces.short]\nlisten = \"anyone\"\nhistory = { count = 3 }\n",
    )?;
    let server = start(&["--channels", channels.to_str().context("a path")?]).await?;
    let url = format!("http://{}/listen/?cid=short:1", server.public_address());
    let client = Client::new();
    let events = |last: &str| {
        let request = client.get(&url).header(header::ACCEPT, "text/event-stream");
        request.header("last-event-id", last).send()
    };
    let first = publish(&server, "short:1", "one").await?;
    let first = first["id"].as_str().context("an id")?;
    publish(&server, "short:1", "two").await?;
    let mut answer = events(first).await?;
    let heard = read_until(&mut answer, |text| text.contains("two")).await?;
    ensure!(!heard.contains("data: one") && !heard.contains("event: missed"), "{heard}");
    // Cut off in the middle of that, a browser comes back with the last `id:` that it has got: until
    // something has come, that is the one it came with.
    let ids = |heard: &str| {
        let ids = heard.lines().filter_map(|line| line.strip_prefix("id: "));
        ids.map(String::from).collect::<Vec<_>>()
    };
    assert_eq!(ids(&heard).first().map(String::as_str), Some(first));
    let page = client.get(format!("{url}&since={first}")).header(header::ACCEPT, "text/html");
    let page = read_until(&mut page.send().await?, |text| text.contains("m(\"two\"")).await?;
    ensure!(page.contains(&format!("var since=\"{first}\";")), "{page}");
    for text in ["three", "four", "five"] {
        publish(&server, "short:1", text).await?;
    }
    let mut answer = events(first).await?;
    let heard = read_until(&mut answer, |text| text.contains("five")).await?;
    ensure!(heard.contains("event: missed") && !heard.contains("two"), "{heard}");
    // Whoever was told of a loss is not told of it again.
    let (epoch, _) = first.split_once('-').context("a cursor")?;
    let expected = [first, &format!("{epoch}-2"), &format!("{epoch}-3")];
    assert_eq!(ids(&heard).iter().take(3).map(String::as_str).collect::<Vec<_>>(), expected);
    let poll = client.get(format!("{url}&since={first}")).send().await?;
    assert_eq!(poll.headers()["tickwire-incomplete"], "true");
    assert_eq!(texts(&poll.text().await?)?, ["three", "four", "five"]);
    let other = client.get(format!("{url}&since=1234-1")).send().await?;
    assert_eq!(other.headers()["tickwire-incomplete"], "true", "another life of the channel");
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_listener_publishes_where_its_namespace_lets_it_and_is_told_where_not() -> Result<()> {
    let server = start(&[]).await?;
    let open = async |channel: &str| {
        let url = format!("ws://{}/listen?cid={channel}", server.public_address());
        anyhow::Ok(connect_async(url).await?.0)
    };
    let said = json!({ "message": "hello" }).to_string();
    let (mut one, mut other) = (open("chat:a").await?, open("chat:a").await?);
    one.send(Message::text(&said)).await?;
    for socket in [&mut one, &mut other] {
        let Some(Ok(Message::Text(heard))) = socket.next().await else { bail!("a text") };
        assert_eq!(heard.as_str(), "hello");
    }
    let refused = async |socket: &mut tokio_tungstenite::WebSocketStream<_>, text: &str| {
        socket.send(Message::text(text)).await?;
        let Some(Ok(Message::Text(answer))) = timeout(SOON, socket.next()).await? else {
            bail!("a text")
        };
        let answer: Value = serde_json::from_str(&answer)?;
        anyhow::Ok(answer["error"]["code"].as_u64().context("a refusal")?)
    };
    let mut five = open("5").await?;
    assert_eq!(refused(&mut five, &said).await?, 103, "nobody may publish there");
    for bad in ["", "{", "[]", "{\"massage\":1}", "null"] {
        assert_eq!(refused(&mut one, bad).await?, 107, "{bad}");
    }
    let long = json!({ "message": "x".repeat(5_000) }).to_string();
    assert_eq!(refused(&mut one, &long).await?, 106, "longer than the namespace has it");
    // It still listens.
    publish(&server, "5", "news").await?;
    let Some(Ok(Message::Text(heard))) = five.next().await else { bail!("a text") };
    assert_eq!(heard.as_str(), "news");
    let mut fast = open("chat:b").await?;
    for _ in 0..20 {
        fast.send(Message::text(&said)).await?;
        fast.next().await.context("its own message")??;
    }
    assert_eq!(refused(&mut fast, &said).await?, 111, "more often than the namespace has it");
    // Only what was taken was delivered.
    publish(&server, "chat:a", "after").await?;
    let Some(Ok(Message::Text(heard))) = other.next().await else { bail!("a text") };
    assert_eq!(heard.as_str(), "after");
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn listeners_without_the_right_are_refused_with_a_reason() -> Result<()> {
    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    let keys = key_file(SECRET)?;
    let channels = keys.with_file_name("channels.toml");
    std::fs::write(&channels, "[namespaces.team]\n")?;
    let flags = ["--token-keys", keys.to_str().context("a path")?, "--channels"];
    let flags = [&flags[..], &[channels.to_str().context("a path")?]].concat();
    let server = start(&flags).await?;
    let base = format!("http://{}", server.public_address());
    let client = Client::new();
    let issuer = Issuer::with_secret(SECRET);
    let red = issuer.sign(&json!({ "sub": "1", "channels": ["team:red"] }))?;
    let expired = issuer.sign(&json!({ "sub": "1", "exp": in_seconds(-60) }))?;
    let forged = Issuer::with_secret("another secret, which is as long").sign(&json!({}))?;
    let cases = [
        ("/listen/", None, StatusCode::BAD_REQUEST),
        ("/listen/?cid=", None, StatusCode::BAD_REQUEST),
        ("/listen/?cid=a%0Ab", None, StatusCode::BAD_REQUEST),
        ("/listen/?cid=%ff", None, StatusCode::BAD_REQUEST),
        ("/listen/?cid=unknown:1", None, StatusCode::NOT_FOUND),
        ("/listen/?cid=team:red", None, StatusCode::FORBIDDEN),
        ("/messages/?cid=team:red", None, StatusCode::FORBIDDEN),
        ("/listen/?cid=team:blue", Some(&red), StatusCode::FORBIDDEN),
        ("/listen/?cid=team:red", Some(&expired), StatusCode::UNAUTHORIZED),
        ("/listen/?cid=team:red", Some(&forged), StatusCode::UNAUTHORIZED),
        ("/messages/?cid=team:red", Some(&red), StatusCode::OK),
    ];
    for (path, token, expected) in cases {
        for way in ["*/*", "text/event-stream", "text/html"] {
            let mut request = client.get(format!("{base}{path}")).header(header::ACCEPT, way);
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            let answer = timeout(SOON, request.send()).await??;
            assert_eq!(answer.status(), expected, "{path} for {way}");
            ensure!(!answer.text().await?.is_empty(), "with a reason");
        }
    }
    // A page's own cookie does as well as a header.
    let cookie = format!("tickwire-token={red}");
    let request = client.get(format!("{base}/messages/?cid=team:red"));
    let answer = request.header(header::COOKIE, cookie).send().await?;
    assert_eq!(answer.status(), StatusCode::OK);
    // Foreign pages hear nothing, by whichever way.
    for path in ["/listen/?cid=5", "/messages/?cid=5"] {
        let request = client.get(format!("{base}{path}"));
        let answer = request.header(header::ORIGIN, "https://evil.example").send().await?;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        ensure!(!answer.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
    }
    let mut request =
        format!("ws://{}/listen?cid=5", server.public_address()).into_client_request()?;
    request.headers_mut().insert("origin", "https://evil.example".parse()?);
    let Err(Error::Http(answer)) = connect_async(request).await else { bail!("it is refused") };
    assert_eq!(answer.status(), 403);
    let answer = client.get(format!("{base}/listen/?cid=5")).header(header::HOST, "evil.example");
    assert_eq!(answer.send().await?.status(), StatusCode::MISDIRECTED_REQUEST);
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn bytes_that_are_no_text_and_messages_without_end_close_a_socket() -> Result<()> {
    let server = start(&[]).await?;
    let url = format!("ws://{}/listen?cid=chat:a", server.public_address());
    let (mut listener, _) = connect_async(&url).await?;
    for (bytes, expected) in [
        // A text frame of two masked bytes that are no UTF-8.
        (vec![0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28], 1007_u16),
        // One that claims a gigabyte.
        (vec![0x81, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0], 1009),
        // A binary one.
        (vec![0x82, 0x81, 0, 0, 0, 0, 1], 1003),
    ] {
        let mut socket = TcpStream::connect(server.public_address()).await?;
        let head = "GET /listen?cid=chat:a HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        socket.write_all(head.as_bytes()).await?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(socket.read_u8().await?);
        }
        socket.write_all(&bytes).await?;
        let mut close = [0; 4];
        timeout(SOON, socket.read_exact(&mut close)).await??;
        assert_eq!(close[0], 0x88, "a close frame");
        assert_eq!(u16::from_be_bytes([close[2], close[3]]), expected);
    }
    publish(&server, "chat:a", "after").await?;
    let began = Instant::now();
    let Some(Ok(Message::Text(heard))) = listener.next().await else { bail!("a text") };
    assert_eq!(heard.as_str(), "after", "nothing of it was delivered");
    ensure!(began.elapsed() < SOON);
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn whoever_takes_too_little_in_is_told_what_it_misses_or_sent_back_for_it() -> Result<()> {
    let channels = key_file("")?.with_file_name("channels.toml");
    let big = "[namespaces.big]\nlisten = \"anyone\"\nmessage_bytes_max = 65536\n";
    std::fs::write(&channels, big)?;
    let server = start(&["--channels", channels.to_str().context("a path")?]).await?;
    let url = format!("ws://{}/listen?cid=big:a", server.public_address());
    let (mut texts, _) = connect_async(&url).await?;
    let (mut objects, _) = connect_async(format!("{url}&since=")).await?;
    // More than all buffers in between hold, while nobody reads.
    let publications = 400_u64;
    for number in 1..=publications {
        publish(&server, "big:a", &format!("{number} {}", "x".repeat(60_000))).await?;
    }
    let number_of = |text: &str| text.split(' ').next().and_then(|word| word.parse::<u64>().ok());
    let (mut before, mut is_told, mut holes) = (0, false, 0);
    while before < publications {
        let message = timeout(SOON, objects.next()).await?.context("it is over")??;
        let Message::Text(object) = message else { continue };
        let object: Value = serde_json::from_str(&object)?;
        if object.get("missed") == Some(&json!(true)) {
            is_told = true;
            continue;
        }
        ensure!(
            object["Id"].as_str().is_some_and(|id| id.contains('-')) && object["Cid"] == "big:a"
        );
        let number = object["Text"].as_str().and_then(number_of).context("a number")?;
        ensure!(number == before + 1 || is_told, "a silent hole: {before}, {number}");
        holes += u32::from(number != before + 1);
        (before, is_told) = (number, false);
    }
    ensure!(holes > 0, "everything went through: there was no need for a word");
    let mut before = 0;
    let code = loop {
        match timeout(SOON, texts.next()).await?.context("it is over")?? {
            Message::Text(text) => {
                let number = number_of(&text).context("a number")?;
                ensure!(number == before + 1, "a silent hole: {before}, {number}");
                before = number;
            }
            Message::Close(frame) => break frame.context("a reason")?.code,
            _ => {}
        }
    };
    assert_eq!(u16::from(code), 1013, "come again");
    ensure!(before < publications);
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn one_address_leaves_places_to_others() -> Result<()> {
    let server = start(&["--listeners-per-address-max", "2"]).await?;
    let url = format!("http://{}/listen/?cid=5", server.public_address());
    let client = Client::new();
    let poll = || client.get(&url).send();
    let polls = [tokio::spawn(poll()), tokio::spawn(poll())];
    wait_for_listeners(&server, "5", 2).await?;
    let refused = poll().await?;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    ensure!(refused.text().await?.contains("address"), "it says why");
    let centrifugo = format!("ws://{}/connection/websocket", server.public_address());
    let Err(Error::Http(answer)) = connect_async(centrifugo).await else { bail!("it is refused") };
    assert_eq!(answer.status(), 429, "whichever way it comes");
    publish(&server, "5", "news").await?;
    for poll in polls {
        assert_eq!(texts(&poll.await??.text().await?)?, ["news"]);
    }
    let again = tokio::spawn(poll());
    wait_for_listeners(&server, "5", 1).await?;
    publish(&server, "5", "more").await?;
    ensure!(again.await??.status().is_success(), "places come back");
    server.stop().await;
    Ok(())
}
