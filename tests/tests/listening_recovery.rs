//! Whoever is cut off and comes back to `/listen/` by its cursor hears everything once and in
//! order, by every way of listening, or is told where something is missing.

use std::{net::SocketAddr, path::Path, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use arena::{Arena, ArenaOptions};
use futures_util::StreamExt as _;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use reqwest::{Client, Response, header};
use serde_json::Value;
use tickwire_server::Server;
use tickwire_tests::{issuer::key_file, local_server};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{self, Message},
};

/// How a listener listens, and remembers where it was.
#[derive(Clone, Copy, Debug)]
enum Way {
    Socket,
    Events,
    Frame,
    Poll,
}

const WAYS: [Way; 4] = [Way::Socket, Way::Events, Way::Frame, Way::Poll];

/// What a listener was told, in its order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Told {
    /// The publication of this number; they count through all lives of the server.
    Number(u64),
    /// Something is missing here.
    Missed,
}

/// Somebody who listens, is cut off, and comes back.
struct Listener {
    way: Way,
    address: watch::Receiver<SocketAddr>,
    random: StdRng,
    since: String,
    told: Vec<Told>,
    cuts: u32,
}

impl Listener {
    /// Listens until it has heard of this number.
    async fn until(mut self, last: u64) -> Result<Self> {
        while self.told.last() != Some(&Told::Number(last)) {
            let patience = Duration::from_millis(self.random.random_range(5..300));
            // Whatever it had heard by then stays heard; the rest is lost with the connection.
            match timeout(patience, self.listen(last)).await {
                Ok(Err(error)) if is_away(&error) => sleep(Duration::from_millis(5)).await,
                Ok(heard) => heard?,
                Err(_) => self.cuts += 1,
            }
        }
        Ok(self)
    }

    /// Connects once, and listens until the connection or everything is over.
    async fn listen(&mut self, last: u64) -> Result<()> {
        let address = *self.address.borrow();
        let path = format!("{address}/listen?cid=feed:x&since={}", self.since);
        match self.way {
            Way::Socket => {
                let (mut socket, _) = connect_async(format!("ws://{path}")).await?;
                while self.told.last() != Some(&Told::Number(last)) {
                    match socket.next().await.transpose()? {
                        Some(Message::Text(text)) => {
                            self.hear_object(&serde_json::from_str(&text)?)?
                        }
                        Some(_) => {}
                        None => break,
                    }
                }
            }
            Way::Poll => {
                let answer = Client::new().get(format!("http://{path}")).send().await?;
                ensure!(answer.status().is_success(), "{}", answer.status());
                let is_missed = answer.headers().contains_key("tickwire-incomplete");
                let messages: Vec<Value> = serde_json::from_str(&answer.text().await?)?;
                if is_missed {
                    self.told.push(Told::Missed);
                }
                for message in &messages {
                    self.hear_object(message)?;
                }
            }
            Way::Events => {
                let mut answer = ask(&path, "text/event-stream").await?;
                while let Some(event) = next_part(&mut answer, "\n\n").await? {
                    self.hear_event(&event)?;
                }
            }
            Way::Frame => {
                let mut answer = ask(&path, "text/html").await?;
                while let Some(script) = next_part(&mut answer, "</script>").await? {
                    self.hear_script(&script)?;
                }
            }
        }
        Ok(())
    }

    fn hear_object(&mut self, object: &Value) -> Result<()> {
        if object.get("missed").is_some() {
            self.told.push(Told::Missed);
            return Ok(());
        }
        let word = |name: &str| object.get(name).and_then(Value::as_str);
        let (id, text) = word("Id").zip(word("Text")).with_context(|| object.to_string())?;
        self.hear(id, text)
    }

    fn hear_event(&mut self, event: &str) -> Result<()> {
        let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
        match (field("id: "), field("data: ")) {
            (Some(id), Some(text)) => self.hear(id, text)?,
            (Some(id), None) => self.since = String::from(id),
            _ => {}
        }
        if event.contains("event: missed") {
            self.told.push(Told::Missed);
        }
        Ok(())
    }

    fn hear_script(&mut self, script: &str) -> Result<()> {
        let Some((_, call)) = script.rsplit_once('>') else { bail!("no script in {script:?}") };
        if let Some(since) = call.strip_prefix("l(") {
            self.told.push(Told::Missed);
            if let Some((_, since)) = since.trim_end_matches(')').split_once('"') {
                self.since = String::from(since.trim_end_matches('"'));
            }
        } else if let Some(arguments) = call.strip_prefix("m(\"") {
            let (text, id) = arguments.split_once("\",\"").context("two arguments")?;
            self.hear(id.trim_end_matches("\")"), text)?;
        } else if let Some(rest) = call.strip_prefix("var since=\"") {
            let (since, _) = rest.split_once('"').context("a string")?;
            self.since = String::from(since);
        }
        Ok(())
    }

    fn hear(&mut self, id: &str, text: &str) -> Result<()> {
        self.since = String::from(id);
        self.told.push(Told::Number(text.parse()?));
        Ok(())
    }

    /// Every number once and in order, and no hole that it was not told of. Returns how often it
    /// was told.
    fn check(&self) -> Result<usize> {
        let mut before = None;
        let mut is_told = false;
        for told in &self.told {
            let Told::Number(number) = *told else {
                is_told = true;
                continue;
            };
            if let Some(before) = before {
                ensure!(number > before, "{number} comes after {before}");
                ensure!(is_told || number == before + 1, "a silent hole: {before}, {number}");
            }
            before = Some(number);
            is_told = false;
        }
        Ok(self.told.iter().filter(|told| **told == Told::Missed).count())
    }
}

/// Whether the server is down at the moment, rather than at fault.
fn is_away(error: &anyhow::Error) -> bool {
    error.is::<reqwest::Error>() || error.is::<tungstenite::Error>()
}

/// An endless answer, and what of it was read beyond the last part.
struct Endless {
    answer: Response,
    rest: String,
}

async fn ask(path: &str, kind: &str) -> Result<Endless> {
    let request = Client::new().get(format!("http://{path}")).header(header::ACCEPT, kind);
    let answer = request.send().await?;
    ensure!(answer.status().is_success(), "{}", answer.status());
    Ok(Endless { answer, rest: String::new() })
}

/// What comes until the next `end`; `None` where nothing more does.
async fn next_part(endless: &mut Endless, end: &str) -> Result<Option<String>> {
    loop {
        if let Some((part, rest)) = endless.rest.split_once(end) {
            let (part, rest) = (String::from(part), String::from(rest));
            endless.rest = rest;
            return Ok(Some(part));
        }
        let Some(piece) = endless.answer.chunk().await? else { return Ok(None) };
        endless.rest.push_str(std::str::from_utf8(&piece)?);
    }
}

async fn start(channels: &Path) -> Result<Server> {
    let arena = Arena::new(ArenaOptions { pilots: 0, asteroids: 0 });
    let channels = channels.to_str().context("a path")?;
    // Whoever is cut off all the time knocks more often than people do.
    local_server::start(arena, &["--channels", channels, "--handshakes-per-second", "0"]).await
}

/// A server whose history holds so many, listeners of each way, bursts, cuts and restarts.
/// Returns how often the listeners were cut off and how often they were told of a loss.
async fn run(seed: u64, history: usize, restarts: u64) -> Result<(u32, usize)> {
    let channels = key_file("")?.with_file_name("channels.toml");
    let options = format!("[namespaces.feed]\nlisten = \"anyone\"\nhistory.count = {history}\n");
    std::fs::write(&channels, options)?;
    let mut server = start(&channels).await?;
    let (address, addresses) = watch::channel(server.public_address());
    let mut random = StdRng::seed_from_u64(seed);
    let listeners = WAYS.map(|way| {
        let listener = Listener {
            way,
            address: addresses.clone(),
            random: StdRng::seed_from_u64(random.random()),
            // From the beginning.
            since: String::from("0"),
            told: Vec::new(),
            cuts: 0,
        };
        tokio::spawn(listener.until(PUBLICATIONS))
    });
    let client = Client::new();
    for number in 1..=PUBLICATIONS {
        if random.random_bool(0.1) {
            sleep(Duration::from_millis(random.random_range(0..100))).await;
        }
        if restarts > 0 && number % (PUBLICATIONS / (restarts + 1)) == 0 {
            server.stop().await;
            server = start(&channels).await?;
            address.send_replace(server.public_address());
        }
        let url = format!("http://{}/publish/?cid=feed:x", server.internal_address());
        let answer = client.post(url).body(number.to_string()).send().await?;
        ensure!(answer.status().is_success(), "{}", answer.text().await?);
    }
    let (mut cuts, mut told) = (0, 0);
    for (listener, way) in listeners.into_iter().zip(WAYS) {
        let listener = timeout(Duration::from_secs(30), listener).await;
        let listener = listener.with_context(|| format!("{way:?} never hears the last"))???;
        told += listener.check().with_context(|| format!("{way:?}"))?;
        cuts += listener.cuts;
    }
    server.stop().await;
    Ok((cuts, told))
}

const PUBLICATIONS: u64 = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_cut_off_hears_all_that_the_history_holds() -> Result<()> {
    let mut cuts = 0;
    for seed in 0..10 {
        let (cut, told) = run(seed, 1_000, 0).await.with_context(|| format!("seed {seed}"))?;
        ensure!(told == 0, "seed {seed}: nothing was lost, and yet they were told so");
        cuts += cut;
    }
    eprintln!("{cuts} cuts");
    ensure!(cuts > 100, "there was no chaos");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_comes_back_too_late_or_to_another_life_is_told() -> Result<()> {
    let (mut cuts, mut told) = (0, 0);
    for seed in 100..110 {
        let (cut, one) = run(seed, 20, 2).await.with_context(|| format!("seed {seed}"))?;
        cuts += cut;
        told += one;
    }
    eprintln!("{cuts} cuts, told of a loss {told} times");
    ensure!(cuts > 100 && told > 50, "there was no chaos");
    Ok(())
}
