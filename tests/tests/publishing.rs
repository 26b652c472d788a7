//! Who may publish, and what it answers: backends at the internal door, or with a key; nobody
//! else, whatever they pretend to be.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use arena::{Arena, ArenaOptions};
use reqwest::{Client, RequestBuilder, StatusCode, header};
use serde_json::Value;
use tickwire_server::Server;
use tickwire_tests::{issuer::key_file, local_server};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};

const KEY: &str = "0123456789abcdef0123456789abcdef";

async fn start(flags: &[&str]) -> Result<Server> {
    local_server::start(Arena::new(ArenaOptions { pilots: 0, asteroids: 0 }), flags).await
}

fn post(address: SocketAddr) -> RequestBuilder {
    Client::new().post(format!("http://{address}/publish/?cid=5")).body("hello")
}

async fn published(server: &Server) -> Result<u64> {
    let url = format!("http://{}/publish/?cid=5", server.internal_address());
    let figures: Value = serde_json::from_str(&reqwest::get(url).await?.text().await?)?;
    figures.get("published").and_then(Value::as_u64).context("a number")
}

/// Passes connections on to `address`, as a proxy on the same machine does.
async fn proxy(address: SocketAddr) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let own = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut server = TcpStream::connect(address).await?;
                copy_bidirectional(&mut client, &mut server).await
            });
        }
    });
    Ok(own)
}

#[tokio::test]
async fn a_backend_publishes_at_the_internal_door_or_with_a_key() -> Result<()> {
    let keys = key_file(KEY)?;
    let server = start(&["--api-key-file", keys.to_str().context("a path")?]).await?;
    let (public, internal) = (server.public_address(), server.internal_address());
    for request in [
        post(internal),
        post(public).header("x-api-key", KEY),
        post(public).bearer_auth(KEY),
        post(public).header(header::AUTHORIZATION, format!("apikey {KEY}")),
        post(internal).header("x-forwarded-for", "192.0.2.1").header("x-api-key", KEY),
    ] {
        let answer = request.send().await?;
        assert_eq!(answer.status(), StatusCode::OK);
        let answer: Value = serde_json::from_str(&answer.text().await?)?;
        assert_eq!(answer["listeners"], 0);
    }
    assert_eq!(published(&server).await?, 5);
    let once = || post(internal).header("idempotency-key", "order 66");
    let (first, again) = (once().send().await?.text().await?, once().send().await?.text().await?);
    assert_eq!(first, again);
    assert_eq!(published(&server).await?, 6, "the same key is the same publication");
    let all = reqwest::get(format!("http://{internal}/publish/")).await?.text().await?;
    let all: Vec<Value> = serde_json::from_str(&all)?;
    assert_eq!((all.len(), &all[0]["channel"]), (1, &Value::from("5")));
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn nobody_else_publishes_and_nothing_of_it_is_delivered() -> Result<()> {
    let server = start(&[]).await?;
    let (public, internal) = (server.public_address(), server.internal_address());
    let to_public = proxy(public).await?;
    let forbidden = [
        ("a stranger", post(public)),
        ("a stranger with a key that is none", post(public).bearer_auth(KEY)),
        ("through a proxy on this machine", post(to_public)),
        ("a proxy that says for whom", post(internal).header("x-forwarded-for", "192.0.2.1")),
        ("a proxy that says that it is one", post(internal).header(header::VIA, "1.1 nginx")),
        ("a page", post(internal).header(header::ORIGIN, "https://evil.example")),
        ("a page of this machine", post(internal).header(header::ORIGIN, "http://127.0.0.1:8080")),
        ("a page without an origin", post(internal).header(header::ORIGIN, "null")),
        ("a rebound name", post(internal).header(header::HOST, "evil.example:8081")),
    ];
    for (who, request) in forbidden {
        let answer = request.send().await?;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{who}");
        ensure!(!answer.text().await?.is_empty(), "{who} hears why");
    }
    let figures = reqwest::get(format!("http://{public}/publish/?cid=5")).await?;
    assert_eq!(figures.status(), StatusCode::FORBIDDEN, "figures are for backends too");
    let internal = |path: &str| Client::new().post(format!("http://{internal}{path}"));
    let bad = [
        ("/publish/", "x".into(), StatusCode::BAD_REQUEST),
        ("/publish/?cid=", "x".into(), StatusCode::BAD_REQUEST),
        ("/publish/?cid=5", String::new(), StatusCode::BAD_REQUEST),
        ("/publish/?cid=unknown:5", "x".into(), StatusCode::NOT_FOUND),
        ("/publish/?cid=5", "x".repeat(5_000), StatusCode::PAYLOAD_TOO_LARGE),
        ("/publish/?cid=5", "x".repeat(70_000), StatusCode::PAYLOAD_TOO_LARGE),
    ];
    for (path, body, expected) in bad {
        assert_eq!(internal(path).body(body).send().await?.status(), expected, "{path}");
    }
    let not_text = internal("/publish/?cid=5").body(&b"\xc3\x28"[..]).send().await?;
    assert_eq!(not_text.status(), StatusCode::BAD_REQUEST);
    let json = header::HeaderValue::from_static("application/json");
    let not_json = internal("/publish/?cid=5").header(header::CONTENT_TYPE, json).body("{");
    assert_eq!(not_json.send().await?.status(), StatusCode::BAD_REQUEST);
    assert_eq!(published(&server).await?, 0, "nothing of all that was published");
    server.stop().await;
    Ok(())
}
