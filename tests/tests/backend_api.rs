//! Calls of backends in JSON: what they answer, and which field is wrong where they do not.

use anyhow::{Context as _, Result, ensure};
use arena::{Arena, ArenaOptions};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tickwire_server::Server;
use tickwire_tests::local_server;

async fn start() -> Result<Server> {
    local_server::start(Arena::new(ArenaOptions { pilots: 0, asteroids: 0 }), &[]).await
}

async fn call(server: &Server, path: &str, body: &str) -> Result<(StatusCode, Value)> {
    let url = format!("http://{}{path}", server.internal_address());
    let answer = Client::new().post(url).body(String::from(body)).send().await?;
    Ok((answer.status(), serde_json::from_str(&answer.text().await?)?))
}

#[tokio::test]
async fn what_is_published_can_be_read_back_whichever_call_it_came_by() -> Result<()> {
    let server = start().await?;
    let publish = json!({ "channel": "5", "data": { "a": 1 }, "tags": { "lang": "en" } });
    let (status, answer) = call(&server, "/api/publish", &publish.to_string()).await?;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["result"]["offset"], 1);
    let named = json!({ "method": "publish", "params": { "channel": "5", "data": "two" } });
    assert_eq!(call(&server, "/api", &named.to_string()).await?.1["result"]["offset"], 2);
    let broadcast = json!({ "channels": ["5", "6", "unknown:1"], "data": [3] });
    let (_, answer) = call(&server, "/api/broadcast", &broadcast.to_string()).await?;
    let responses = &answer["result"]["responses"];
    assert_eq!(
        (&responses[0]["result"]["offset"], &responses[1]["result"]["offset"]),
        (&json!(3), &json!(1))
    );
    assert_eq!(responses[2]["error"]["code"], 102);
    assert_eq!(responses[2]["error"]["field"], "channels[2]");

    let read = json!({ "channel": "5", "limit": -1 });
    let (_, answer) = call(&server, "/api/history", &read.to_string()).await?;
    let publications = answer["result"]["publications"].as_array().context("a list")?;
    let data: Vec<_> = publications.iter().map(|one| &one["data"]).collect();
    assert_eq!(data, [&json!({ "a": 1 }), &json!("two"), &json!([3])]);
    assert_eq!(publications[0]["tags"]["lang"], "en");
    let epoch = answer["result"]["epoch"].as_str().context("an epoch")?;
    let since = json!({ "channel": "5", "limit": 1, "since": { "offset": 1, "epoch": epoch } });
    let (_, answer) = call(&server, "/api/history", &since.to_string()).await?;
    assert_eq!(answer["result"]["publications"][0]["data"], "two");
    let newest = json!({ "channel": "5", "limit": 1, "reverse": true });
    let (_, answer) = call(&server, "/api/history", &newest.to_string()).await?;
    assert_eq!(answer["result"]["publications"][0]["offset"], 3);

    let (_, answer) = call(&server, "/api/rooms", "{}").await?;
    assert_eq!(answer["result"]["rooms"][0]["name"], "main");
    let (_, answer) = call(&server, "/api/presence_stats", r#"{"channel":"chat:a"}"#).await?;
    assert_eq!(answer["result"], json!({ "num_clients": 0, "num_users": 0 }));
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_batch_is_carried_out_in_order_and_a_key_publishes_once() -> Result<()> {
    let server = start().await?;
    let once = json!({ "channel": "5", "data": "x", "idempotency_key": "k" });
    let batch = json!({ "commands": [
        { "publish": once }, { "publish": once }, { "history": { "channel": "5" } },
        { "publish": { "channel": "5" } }, { "nonsense": {} }, {},
    ] });
    let (status, answer) = call(&server, "/api/batch", &batch.to_string()).await?;
    assert_eq!(status, StatusCode::OK);
    let replies = answer["replies"].as_array().context("a list")?;
    assert_eq!(replies[0], replies[1], "the same key is the same publication");
    assert_eq!(replies[2]["history"]["offset"], 1);
    assert_eq!(replies[3]["error"]["field"], "commands[3].publish.data");
    assert_eq!(replies[4]["error"]["code"], 104);
    assert_eq!(replies[5]["error"]["field"], "commands[5]");
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn an_error_names_the_field_that_it_is_about() -> Result<()> {
    let server = start().await?;
    let long = format!(r#"{{"channel":"5","data":"{}"}}"#, "x".repeat(5_000));
    let key = format!(r#"{{"channel":"5","data":1,"idempotency_key":"{}"}}"#, "x".repeat(300));
    let cases = [
        ("publish", "", StatusCode::BAD_REQUEST, ""),
        ("publish", "[]", StatusCode::BAD_REQUEST, ""),
        ("publish", "{} {}", StatusCode::BAD_REQUEST, "channel"),
        ("publish", r#"{"data":1}"#, StatusCode::BAD_REQUEST, "channel"),
        ("publish", r#"{"channel":5,"data":1}"#, StatusCode::BAD_REQUEST, "channel"),
        ("publish", r#"{"channel":"","data":1}"#, StatusCode::BAD_REQUEST, "channel"),
        ("publish", r#"{"channel":"5"}"#, StatusCode::BAD_REQUEST, "data"),
        ("publish", r#"{"channel":"5","b64data":"*"}"#, StatusCode::BAD_REQUEST, "b64data"),
        (
            "publish",
            r#"{"channel":"5","data":1,"tags":{"a":1}}"#,
            StatusCode::BAD_REQUEST,
            "tags.a",
        ),
        ("publish", &key, StatusCode::BAD_REQUEST, "idempotency_key"),
        ("publish", &long, StatusCode::PAYLOAD_TOO_LARGE, "channel"),
        ("publish", r#"{"channel":"no:5","data":1}"#, StatusCode::NOT_FOUND, "channel"),
        ("broadcast", r#"{"channels":["5",6],"data":1}"#, StatusCode::BAD_REQUEST, "channels[1]"),
        (
            "history",
            r#"{"channel":"5","since":{"epoch":"1"}}"#,
            StatusCode::BAD_REQUEST,
            "since.offset",
        ),
        ("presence", r#"{"channel":"5"}"#, StatusCode::NOT_FOUND, "channel"),
        ("disconnect", r#"{"user":""}"#, StatusCode::BAD_REQUEST, "user"),
        ("nonsense", "{}", StatusCode::NOT_FOUND, ""),
    ];
    for (name, body, expected, field) in cases {
        let (status, answer) = call(&server, &format!("/api/{name}"), body).await?;
        assert_eq!(status, expected, "{name} {body}");
        assert_eq!(answer["error"]["field"].as_str().unwrap_or_default(), field, "{name} {body}");
        ensure!(answer["error"]["message"].is_string() && answer["error"]["code"].is_u64());
    }
    let much = "x".repeat(2 * 1024 * 1024);
    assert_eq!(call(&server, "/api/publish", &much).await?.0, StatusCode::PAYLOAD_TOO_LARGE);
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn calls_are_for_backends_and_described() -> Result<()> {
    let server = start().await?;
    let (public, internal) = (server.public_address(), server.internal_address());
    let url = format!("http://{public}/api/publish");
    let answer = Client::new().post(url).body(r#"{"channel":"5","data":1}"#).send().await?;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    let description = reqwest::get(format!("http://{internal}/api/openapi.json")).await?;
    let description: Value = serde_json::from_str(&description.text().await?)?;
    let paths = description["paths"].as_object().context("paths")?;
    assert_eq!(paths.len(), 10);
    for path in paths.keys() {
        // None of them is unknown.
        let (status, _) = call(&server, path, "[]").await?;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}");
    }
    server.stop().await;
    Ok(())
}
