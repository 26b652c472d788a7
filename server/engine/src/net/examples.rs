//! What there is to see in the examples: quotes and a live text, both made up. Published only
//! while somebody listens.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use rand::{Rng, RngExt as _};
use serde_json::{Value, json};
use tokio::time::interval;

use crate::channels::{ChannelName, Channels, Data, Moment, Post};

/// Publishes until the channels are gone.
pub(crate) async fn publish(channels: Weak<Channels>) {
    let mut quotes = Quotes::new();
    let mut game = LiveText::default();
    let mut ticks = interval(PACE);
    for tick in 0_u64.. {
        ticks.tick().await;
        let Some(channels) = channels.upgrade() else { return };
        let now = Moment::now();
        let mut random = rand::rng();
        if is_heard(&channels, "quotes") {
            let quote = quotes.next(&mut random, now);
            say(
                &channels,
                "quotes",
                quote.get("symbol").and_then(Value::as_str).map(Arc::from),
                &quote,
                now,
            );
        }
        if tick % TICKS_PER_MINUTE == 0 && is_heard(&channels, "live") {
            say(&channels, "live", None, &game.next(&mut random, now), now);
        }
    }
}

/// Between two quotes.
const PACE: Duration = Duration::from_millis(250);

/// Of the match, not of the clock: it is over after a little more than four of the clock's.
const TICKS_PER_MINUTE: u64 = 12;

fn is_heard(channels: &Channels, channel: &str) -> bool {
    let channel = ChannelName::new(channel).ok();
    channel.and_then(|channel| channels.statistics(&channel)).is_some_and(|one| one.listeners > 0)
}

fn say(channels: &Channels, channel: &str, key: Option<Arc<str>>, said: &Value, now: Moment) {
    let Ok(channel) = ChannelName::new(channel) else { return };
    let post = Post { key, ..Post::of(Data::Json(said.to_string().into())) };
    // An operator may have described channels without a namespace otherwise: no examples then.
    let _ = channels.publish(&channel, post, now);
}

/// Prices that wander about.
struct Quotes {
    prices: Vec<(&'static str, f64, f64)>,
    next: usize,
}

impl Quotes {
    fn new() -> Self {
        let prices = [("ACME", 120.0), ("GLOBEX", 48.5), ("INITECH", 12.25), ("UMBRELLA", 310.0)];
        let more = [("WONKA", 77.7), ("STARK", 205.4), ("TYRELL", 33.3)];
        let prices = prices.into_iter().chain(more);
        Self { prices: prices.map(|(symbol, price)| (symbol, price, price)).collect(), next: 0 }
    }

    fn next(&mut self, random: &mut impl Rng, now: Moment) -> Value {
        self.next = (self.next + random.random_range(1..self.prices.len())) % self.prices.len();
        let Some((symbol, price, opening)) = self.prices.get_mut(self.next) else {
            return Value::Null;
        };
        *price = (*price * random.random_range(0.994..1.006)).max(0.01);
        let change = (*price / *opening - 1.0) * 100.0;
        let price = (*price * 100.0).round() / 100.0;
        json!({ "symbol": symbol, "price": price, "change": change, "at": now.unix_ms })
    }
}

/// A match that never took place, again and again.
#[derive(Default)]
struct LiveText {
    minute: u32,
    score: [u32; 2],
}

impl LiveText {
    fn next(&mut self, random: &mut impl Rng, now: Moment) -> Value {
        if self.minute >= 90 {
            *self = Self::default();
        }
        self.minute = (self.minute + random.random_range(1..5)).min(90);
        let (at, other) = if random.random_bool(0.5) { (0, 1) } else { (1, 0) };
        let [team, against] = [at, other].map(|at| TEAMS.get(at).copied().unwrap_or_default());
        let is_goal = self.minute < 90 && random.random_bool(0.12);
        let text = if is_goal {
            if let Some(goals) = self.score.get_mut(at) {
                *goals += 1;
            }
            format!("Goal for {team}! {}", self.standing())
        } else if self.minute == 90 {
            format!("The final whistle. {}", self.standing())
        } else {
            let line = LINES.get(random.random_range(0..LINES.len())).copied().unwrap_or_default();
            line.replace("{team}", team).replace("{against}", against)
        };
        let (minute, at) = (self.minute, now.unix_ms);
        json!({ "minute": minute, "text": text, "isGoal": is_goal, "at": at })
    }

    fn standing(&self) -> String {
        let [home, away] = self.score;
        let [one, other] = TEAMS;
        format!("{one} {home} : {away} {other}.")
    }
}

const TEAMS: [&str; 2] = ["Northport", "Eastfield"];

const LINES: [&str; 10] = [
    "A long ball by {team} finds nobody.",
    "Corner for {team}. The keeper punches it away.",
    "{team} keep the ball and wait for a gap.",
    "A fine save! {against} had seen that one in already.",
    "Free kick for {team}, thirty metres out.",
    "Over the bar. {team} should have done better there.",
    "Offside, says the flag. {team} see it otherwise.",
    "Yellow card for {against}.",
    "A change for {team}: fresh legs on the left.",
    "{team} hit the post!",
];
