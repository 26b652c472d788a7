//! Who a player is, by tokens that somebody else signs: the good ones get in and reach the game,
//! all others are refused with a reason.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context as _, Result};
use arena::{Arena, ArenaOptions};
use arena_shared::{ArenaProtocol, Controls};
use bevy_ecs::{schedule::Schedule, world::World};
use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};
use tickwire_server::{
    Claims, Game, JoinOf, Refusal, RoomInfo,
    connection_token::{KeyError, KeySet, TokenError, TokenRules},
};
use tickwire_shared::{ClientId, CloseReason, Schema, record::encode_record};
use tickwire_tests::{
    client::{Client, Shared},
    issuer::{Issuer, in_seconds, key_file, key_set, write_key_file},
    local_server::start,
    pilot::Pilot,
    socket::{Bot, Closed},
    transport::Rung,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    time::{interval, sleep},
};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

const PAIRS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

fn verify(keys: &KeySet, token: &str) -> Result<Claims, TokenError> {
    let token = TokenRules::default().verify(keys, token, SystemTime::now());
    token.map(|token| token.claims)
}

#[test]
fn each_algorithm_is_accepted_from_its_own_key_alone() -> Result<()> {
    let mut issuers = vec![Issuer::with_secret(SECRET)];
    for algorithm in PAIRS {
        issuers.push(Issuer::with_pair(algorithm)?);
    }
    let claims = json!({ "sub": "42", "name": "Ada", "info": { "level": 7 }, "rooms": ["main"] });
    for (at, issuer) in issuers.iter().enumerate() {
        let token = issuer.sign(&claims)?;
        for (other, keys) in issuers.iter().enumerate() {
            let verified = verify(&KeySet::parse(&keys.verifying)?, &token);
            if at == other {
                let claims = verified?;
                assert_eq!((claims.subject.as_str(), claims.name.as_str()), ("42", "Ada"));
                assert_eq!(claims.info, r#"{"level":7}"#);
                assert!(claims.allows_room("main") && !claims.allows_room("other"));
            } else {
                assert_eq!(verified, Err(TokenError::Forged), "{at} by the key of {other}");
            }
        }
    }
    // All of them side by side in one set, as another form of the same.
    let all: Vec<_> = issuers.iter().collect();
    let set = KeySet::parse(&key_set(&all)?)?;
    for issuer in &issuers {
        assert!(verify(&set, &issuer.sign(&claims)?).is_ok());
    }
    Ok(())
}

#[test]
fn what_a_token_says_of_its_keys_changes_nothing() -> Result<()> {
    let honest = Issuer::with_pair(Algorithm::RS256)?.named("a");
    let keys = KeySet::parse(&key_set(&[&honest])?)?;
    let claims = json!({ "sub": "42" });

    // The public key as a secret: everybody has it.
    for public in [honest.verifying.clone(), honest.jwk()?.to_string()] {
        let forger = Issuer::with_secret(&public).named("a");
        assert_eq!(verify(&keys, &forger.sign(&claims)?), Err(TokenError::Forged));
    }
    // A key of the forger's own, in the token or at an address that the token names.
    let forger = Issuer::with_pair(Algorithm::RS256)?;
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some(String::from("a"));
    header.jku = Some(String::from("https://evil.example/keys.json"));
    header.x5u = Some(String::from("https://evil.example/chain.pem"));
    header.jwk = Some(serde_json::from_value(forger.jwk()?)?);
    assert_eq!(verify(&keys, &forger.sign_as(&header, &claims)?), Err(TokenError::Forged));
    assert!(
        verify(&keys, &honest.sign_as(&header, &claims)?).is_ok(),
        "they are just not looked at"
    );
    // Extensions that have to be understood are not.
    header.crit = Some(vec![String::from("b64")]);
    let token = honest.sign_as(&header, &claims)?;
    assert!(matches!(verify(&keys, &token), Err(TokenError::Malformed(_))));
    // Another name than the key's.
    let other = Issuer::with_pair(Algorithm::RS256)?.named("b");
    assert_eq!(verify(&keys, &other.sign(&claims)?), Err(TokenError::Forged));
    // No signature, or a changed one.
    let token = honest.sign(&claims)?;
    let (signed, _) = token.rsplit_once('.').context("three parts")?;
    for bad in ["", "a", "a.b", "a.b.c", signed, &format!("{signed}."), &format!("{signed}.AAAA")] {
        assert!(verify(&keys, bad).is_err(), "{bad}");
    }
    let none = "eyJhbGciOiJub25lIn0.eyJzdWIiOiI0MiJ9.";
    assert!(matches!(verify(&keys, none), Err(TokenError::Malformed(_))));
    Ok(())
}

#[test]
fn times_audience_and_issuer_are_checked() -> Result<()> {
    let issuer = Issuer::with_secret(SECRET);
    let keys = KeySet::parse(SECRET)?;
    let rules = TokenRules {
        audiences: vec![String::from("tickwire")],
        issuers: vec![String::from("https://example.org")],
    };
    let good = json!({ "aud": "tickwire", "iss": "https://example.org" });
    let cases = [
        (json!({}), None),
        (json!({ "exp": in_seconds(60) }), None),
        (json!({ "exp": in_seconds(-2) }), None),
        (json!({ "exp": in_seconds(-10) }), Some(TokenError::Expired)),
        (json!({ "nbf": in_seconds(2) }), None),
        (json!({ "nbf": in_seconds(10) }), Some(TokenError::NotYet)),
        (json!({ "aud": ["other", "tickwire"] }), None),
        (json!({ "aud": "other" }), Some(TokenError::WrongAudience)),
        (json!({ "aud": null }), Some(TokenError::WrongAudience)),
        (json!({ "iss": "https://evil.example" }), Some(TokenError::WrongIssuer)),
        (json!({ "iss": null }), Some(TokenError::WrongIssuer)),
    ];
    for (change, refusal) in cases {
        let mut claims = good.clone();
        for (name, value) in change.as_object().context("an object")? {
            claims[name] = value.clone();
        }
        let verified = rules.verify(&keys, &issuer.sign(&claims)?, SystemTime::now());
        assert_eq!(verified.err(), refusal, "{change}");
    }
    let unread = [
        json!({ "sub": 42 }),
        json!({ "exp": "soon" }),
        json!({ "exp": 1e300 }),
        json!({ "exp": -1 }),
        json!({ "rooms": "main" }),
        json!({ "sub": "x".repeat(129) }),
        json!({ "info": "x".repeat(2000) }),
    ];
    for claims in unread {
        let verified = verify(&keys, &issuer.sign(&claims)?);
        assert!(matches!(verified, Err(TokenError::Malformed(_))), "{claims}: {verified:?}");
    }
    let audience = verify(&keys, &issuer.sign(&json!({ "aud": "somebody else" }))?);
    assert_eq!(audience, Err(TokenError::WrongAudience), "a server without a name is nobody's");
    Ok(())
}

#[test]
fn key_sets_that_are_none_are_refused_with_a_reason() -> Result<()> {
    assert_eq!(KeySet::parse("short").err(), Some(KeyError::Short));
    assert_eq!(KeySet::parse("").err(), Some(KeyError::Empty));
    assert_eq!(KeySet::parse(r#"{"keys":[{"kty":"new"}]}"#).err(), Some(KeyError::Empty));
    assert!(matches!(KeySet::parse("{").err(), Some(KeyError::Malformed(_))));
    let private = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    assert_eq!(KeySet::parse(private).err(), Some(KeyError::Private));
    let many = format!("{SECRET}\n").repeat(33);
    assert_eq!(KeySet::parse(&many).err(), Some(KeyError::TooMany));
    let short = json!({ "keys": [{ "kty": "oct", "k": "c2hvcnQ" }] }).to_string();
    assert_eq!(KeySet::parse(&short).err(), Some(KeyError::Short));
    let mut encrypting = Issuer::with_pair(Algorithm::RS256)?.jwk()?;
    encrypting["use"] = json!("enc");
    let set = json!({ "keys": [encrypting] }).to_string();
    assert_eq!(KeySet::parse(&set).err(), Some(KeyError::Empty), "that key signs nothing");
    Ok(())
}

/// The arena, and who joined it.
#[derive(Clone)]
struct Watched {
    arena: Arena,
    joined: Arc<Mutex<Vec<Claims>>>,
}

impl Watched {
    fn new() -> Self {
        let arena = Arena::new(ArenaOptions { pilots: 0, asteroids: 0 });
        Self { arena, joined: Arc::default() }
    }

    fn joined(&self) -> Vec<Claims> {
        self.joined.lock().expect("no test panics with it").clone()
    }
}

impl Game for Watched {
    type Protocol = ArenaProtocol;

    fn setup(&self, world: &mut World, schedule: &mut Schedule, room: &RoomInfo) {
        self.arena.setup(world, schedule, room);
    }

    fn join(
        &self,
        world: &mut World,
        client: ClientId,
        join: JoinOf<Self>,
        claims: &Claims,
    ) -> Result<(), Refusal> {
        self.joined.lock().expect("no test panics with it").push(claims.clone());
        self.arena.join(world, client, join, claims)
    }

    fn leave(&self, world: &mut World, client: ClientId) {
        self.arena.leave(world, client);
    }

    fn input(&self, world: &mut World, client: ClientId, input: &Controls) {
        self.arena.input(world, client, input);
    }
}

async fn join(address: SocketAddr, room: &str, token: &str) -> Result<Bot> {
    let shared = Shared::of::<ArenaProtocol>();
    let mut client = Client::new(&shared, Instant::now());
    client.set_token(token);
    let request = Pilot::join(shared.schema(), 1);
    Bot::join_with(&format!("http://{address}"), Rung::WebSocket, client, room, request).await
}

/// Why it was not let in, or had to go.
fn reason(refused: Result<Bot>) -> Option<CloseReason> {
    refused.err()?.downcast_ref::<Closed>().map(|closed| closed.0.reason)
}

/// Plays for so long.
async fn play(bot: &mut Bot, seconds: u64) -> Result<()> {
    let schema = Schema::of::<ArenaProtocol>();
    let mut ticks = interval(Duration::from_millis(50));
    let until = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < until {
        bot.step(&mut ticks, |_, _| encode_record(&Controls::default(), &schema.input)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn claims_reach_the_game_and_wrong_tokens_do_not() -> Result<()> {
    let issuer = Issuer::with_pair(Algorithm::ES256)?;
    let game = Watched::new();
    let keys = key_file(&issuer.verifying)?;
    let keys = keys.to_str().context("a plain path")?;
    let flags = ["--token-keys", keys, "--allow-anonymous=false", "--rooms", "main,other"];
    let server = start(game.clone(), &flags).await?;
    let address = server.public_address();
    let forger = Issuer::with_pair(Algorithm::ES256)?;
    let who = json!({ "sub": "42", "name": "Ada", "rooms": ["other"], "exp": in_seconds(3600) });
    let expired = json!({ "sub": "42", "exp": in_seconds(-60) });
    let cases = [
        ("main", String::new(), CloseReason::TokenMissing),
        ("other", forger.sign(&who)?, CloseReason::TokenRefused),
        ("other", String::from("nonsense"), CloseReason::TokenRefused),
        ("other", issuer.sign(&expired)?, CloseReason::TokenExpired),
        ("main", issuer.sign(&who)?, CloseReason::RoomRefused),
    ];
    for (room, token, expected) in cases {
        assert_eq!(reason(join(address, room, &token).await), Some(expected), "{expected}");
    }
    assert_eq!(game.joined(), [], "the game has not heard of any of them");
    let mut bot = join(address, "other", &issuer.sign(&who)?).await?;
    play(&mut bot, 1).await?;
    let [claims] = &game.joined()[..] else { panic!("one has joined") };
    assert_eq!((claims.subject.as_str(), claims.name.as_str()), ("42", "Ada"));
    assert!(bot.client().token_seconds().is_some_and(|seconds| (3590..=3600).contains(&seconds)));
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_player_refreshes_its_token_while_it_plays_or_goes() -> Result<()> {
    let issuer = Issuer::with_secret(SECRET);
    let keys = key_file(SECRET)?;
    let server = start(Watched::new(), &["--token-keys", keys.to_str().context("a path")?]).await?;
    let address = server.public_address();
    let token = |subject: &str, seconds: i64| {
        issuer.sign(&json!({ "sub": subject, "exp": in_seconds(seconds) }))
    };
    let mut refreshing = join(address, "", &token("1", 3)?).await?;
    let mut silent = join(address, "", &token("2", 3)?).await?;
    let mut changing = join(address, "", &token("3", 60)?).await?;
    play(&mut refreshing, 1).await?;
    assert!(refreshing.client().token_seconds().is_some_and(|seconds| seconds <= 3));
    refreshing.client().refresh_token(&token("1", 600)?)?;
    play(&mut refreshing, 1).await?;
    assert!(refreshing.client().token_seconds().is_some_and(|seconds| seconds > 500));
    // Nobody becomes somebody else.
    changing.client().refresh_token(&token("4", 600)?)?;
    let refused = play(&mut changing, 10).await.map(|()| changing);
    assert_eq!(reason(refused), Some(CloseReason::TokenRefused));
    // The grace time has to go by before the server lets go.
    let began = Instant::now();
    let (silent, refreshing) = tokio::join!(
        async { play(&mut silent, 40).await.map(|()| silent) },
        play(&mut refreshing, 30),
    );
    assert_eq!(reason(silent), Some(CloseReason::TokenExpired));
    assert!(began.elapsed() > Duration::from_secs(20), "after {:?}", began.elapsed());
    refreshing?;
    server.stop().await;
    Ok(())
}

/// Serves whatever `body` holds, to everybody who asks.
async fn serve_keys(body: Arc<Mutex<String>>) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let _ = socket.read(&mut [0; 4096]).await;
            let body = body.lock().expect("no test panics with it").clone();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            let _ = socket.write_all(format!("{head}{body}").as_bytes()).await;
        }
    });
    Ok(address)
}

#[tokio::test]
async fn keys_are_rotated_in_files_and_at_addresses_without_a_restart() -> Result<()> {
    let (old, new) = (Issuer::with_pair(Algorithm::EdDSA)?, Issuer::with_pair(Algorithm::EdDSA)?);
    let (old, new) = (old.named("old"), new.named("new"));
    let file_old = Issuer::with_secret(SECRET);
    let file_new = Issuer::with_secret("another secret, which is as long");
    let body = Arc::new(Mutex::new(key_set(&[&old])?));
    let keys = serve_keys(Arc::clone(&body)).await?;
    let file = key_file(SECRET)?;
    let sources = format!("{},http://{keys}/jwks.json", file.display());
    let server = start(Watched::new(), &["--token-keys", &sources]).await?;
    let address = server.public_address();
    let who: Value = json!({ "sub": "42" });
    for issuer in [&old, &file_old] {
        join(address, "", &issuer.sign(&who)?).await?;
    }
    for issuer in [&new, &file_new] {
        let refused = reason(join(address, "", &issuer.sign(&who)?).await);
        assert_eq!(refused, Some(CloseReason::TokenRefused));
    }
    *body.lock().expect("no test panics with it") = key_set(&[&old, &new])?;
    write_key_file(&file, &file_new.verifying)?;
    // The server does not ask again at once: forged tokens are free to make.
    sleep(Duration::from_secs(11)).await;
    for issuer in [&old, &new, &file_new] {
        join(address, "", &issuer.sign(&who)?).await?;
    }
    let refused = reason(join(address, "", &file_old.sign(&who)?).await);
    assert_eq!(refused, Some(CloseReason::TokenRefused), "the old secret is gone");
    server.stop().await;
    Ok(())
}
