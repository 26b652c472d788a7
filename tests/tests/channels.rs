//! Players in channels, over real sockets.

use std::time::Duration;

use anyhow::Result;
use tickwire_shared::{
    Schema,
    messages::channels::{
        ChannelAction, ChannelData, ChannelMessage, ChannelPosition, ChannelRefusal, ChannelStart,
    },
    record::encode_record,
};
use tickwire_tests::{client::Shared, local_server::start, socket::Bot, transport::Rung};
use tokio::time::{interval, timeout};
use word_chain::{Introduction, Say, WordChain, WordChainProtocol};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A player of the smallest game there is.
struct Talker {
    bot: Bot,
    waiting: Vec<ChannelMessage>,
}

impl Talker {
    async fn join(url: &str, rung: Rung, name: &str) -> Result<Self> {
        let shared = Shared::of::<WordChainProtocol>();
        let join = Introduction { name: String::from(name) };
        let join = encode_record(&join, &Schema::of::<WordChainProtocol>().join);
        let bot = Bot::join_on(url, rung, &shared, "", join).await?;
        Ok(Self { bot, waiting: Vec::new() })
    }

    fn ask(&mut self, channel: &str, action: ChannelAction) -> Result<()> {
        Ok(self.bot.client().ask_channel(1, channel, action)?)
    }

    fn say(&mut self, channel: &str, text: &str) -> Result<()> {
        let data = ChannelData::Text(String::from(text));
        self.ask(channel, ChannelAction::Publish { key: None, data })
    }

    /// The next that is said of channels.
    async fn hear(&mut self) -> Result<ChannelMessage> {
        let mut ticks = interval(Duration::from_millis(20));
        let silence = encode_record(&Say::default(), &Schema::of::<WordChainProtocol>().input);
        timeout(PATIENCE, async {
            while self.waiting.is_empty() {
                self.bot.step(&mut ticks, |_, _| silence.clone()).await?;
                self.waiting = self.bot.client().take_channel_messages();
            }
            Ok(self.waiting.remove(0))
        })
        .await?
    }

    /// The next that is said of channels, as far as it has a text.
    async fn hear_text(&mut self) -> Result<String> {
        loop {
            if let ChannelMessage::Publication(publication) = self.hear().await?
                && let ChannelData::Text(text) = publication.data
            {
                return Ok(text);
            }
        }
    }

    async fn subscribe(&mut self, channel: &str, start: ChannelStart) -> Result<ChannelMessage> {
        self.ask(channel, ChannelAction::Subscribe(start))?;
        self.hear().await
    }
}

#[tokio::test]
async fn players_talk_to_each_other_on_every_rung() -> Result<()> {
    let server = start(WordChain, &[]).await?;
    let url = format!("http://{}", server.public_address());
    let mut alice = Talker::join(&url, Rung::WebSocket, "alice").await?;
    let mut bob = Talker::join(&url, Rung::LongPoll, "bob").await?;
    alice.subscribe("chat:x", ChannelStart::Live).await?;
    bob.subscribe("chat:x", ChannelStart::Live).await?;
    // Who does not listen does not speak either: a bot moves only while it is waited for.
    alice.say("chat:x", "hello")?;
    assert_eq!(alice.hear_text().await?, "hello", "who talks hears it as well");
    assert_eq!(bob.hear_text().await?, "hello");
    bob.say("chat:x", "<b>hi</b>")?;
    assert_eq!(bob.hear_text().await?, "<b>hi</b>");
    assert_eq!(alice.hear_text().await?, "<b>hi</b>");
    alice.say("5", "psst")?;
    let refused = loop {
        if let ChannelMessage::Refused { reason, .. } = alice.hear().await? {
            break reason;
        }
    };
    assert_eq!(refused, ChannelRefusal::NotAllowed);
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_player_misses_nothing_over_a_cut_and_recovers_in_a_new_session() -> Result<()> {
    let server = start(WordChain, &[]).await?;
    let url = format!("http://{}", server.public_address());
    let mut alice = Talker::join(&url, Rung::WebSocket, "alice").await?;
    let mut bob = Talker::join(&url, Rung::WebSocket, "bob").await?;
    alice.subscribe("chat:x", ChannelStart::Live).await?;
    let ChannelMessage::Subscribed { position, .. } =
        bob.subscribe("chat:x", ChannelStart::Live).await?
    else {
        panic!("chat is open")
    };
    for (at, rung) in [Rung::Stream, Rung::WebSocket, Rung::LongPoll].into_iter().enumerate() {
        alice.say("chat:x", &format!("{at}"))?;
        assert_eq!(alice.hear_text().await?, format!("{at}"));
        bob.bot.move_to(&url, rung).await?;
        assert!(bob.bot.client().is_resumed());
        assert_eq!(bob.hear_text().await?, format!("{at}"), "once and in order");
    }
    drop(bob);
    alice.say("chat:x", "3")?;
    assert_eq!(alice.hear_text().await?, "3");
    let mut bob = Talker::join(&url, Rung::WebSocket, "bob").await?;
    let after = ChannelPosition { offset: position.offset + 2, ..position };
    let begun = bob.subscribe("chat:x", ChannelStart::After(after)).await?;
    let ChannelMessage::Subscribed { recovered: 2, is_complete: true, .. } = begun else {
        panic!("{begun:?}")
    };
    assert_eq!([bob.hear_text().await?, bob.hear_text().await?], ["2", "3"]);
    server.stop().await;
    Ok(())
}
