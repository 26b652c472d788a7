//! The same game over each rung of the ladder, and from one to another, on real sockets.

use std::time::Duration;

use anyhow::{Result, ensure};
use arena::{Arena, ArenaOptions};
use arena_shared::ArenaProtocol;
use tickwire_shared::record::encode_record;
use tickwire_tests::{
    client::Shared,
    local_server::{counter, start},
    pilot::Pilot,
    socket::Bot,
    swarm::{Mix, Plan, run},
    transport::Rung,
};

const PATIENCE: Duration = Duration::from_secs(10);

fn controls(
    shared: &Shared,
) -> impl FnMut(&tickwire_shared::Replica, tickwire_shared::Tick) -> Vec<u8> + use<> {
    let mut pilot = Pilot::new(7);
    let schema = std::sync::Arc::clone(shared.schema());
    move |_, _| encode_record(&pilot.controls(), &schema.input)
}

#[tokio::test(flavor = "multi_thread")]
async fn bots_play_on_every_rung_and_see_what_the_server_has() -> Result<()> {
    let server = start(Arena::new(ArenaOptions::default()), &[]).await?;
    let url = format!("http://{}", server.public_address());
    for rung in Rung::ALL {
        let plan =
            Plan { mix: Mix::all(rung), ..Plan::playing(url.clone(), 4, Duration::from_secs(3)) };
        let playing = tokio::spawn(async move { run(&plan, || {}).await });
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let name = format!("tickwire_sessions{{transport=\"{rung}\"}}");
        ensure!(counter(&server, &name).await? >= 4.0, "the server knows of the {rung}");
        let summary = playing.await??;
        ensure!(summary.is_good(), "{rung}: {:?}", summary.errors);
        ensure!(summary.checksums > 0, "{rung}: worlds were compared");
        eprintln!("{rung}: {:.1} frames a second", summary.frames_per_bot_s());
    }
    server.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_moves_between_rungs_and_stays_who_it_is() -> Result<()> {
    let server = start(Arena::new(ArenaOptions::default()), &[]).await?;
    let url = format!("http://{}", server.public_address());
    let shared = Shared::of::<ArenaProtocol>();
    let mut bot = Bot::join(&url, &shared, "", Pilot::join(shared.schema(), 1)).await?;
    let id = bot.client().id();
    for rung in [Rung::LongPoll, Rung::Stream, Rung::Poll, Rung::WebSocket] {
        let before = bot.checksums;
        let mut frames = 0;
        bot.play_until(PATIENCE, controls(&shared), |_| {
            frames += 1;
            frames > 60
        })
        .await?;
        ensure!(bot.checksums[0] > before[0], "worlds were compared");
        let mut left = bot.move_to(&url, rung).await?;
        ensure!(bot.client().is_resumed() && bot.client().id() == id, "it is the same player");
        // What it has left hears why.
        let last = loop {
            match left.hear().await {
                Ok(frame) => {
                    if let Ok(tickwire_shared::messages::ServerFrame::Close(close)) =
                        tickwire_shared::codec::decode_server(&frame)
                    {
                        break Some(close.reason);
                    }
                }
                Err(_) => break None,
            }
        };
        ensure!(last == Some(tickwire_shared::CloseReason::TakenOver), "{rung}: {last:?}");
    }
    ensure!(bot.checksums[1] == 0, "no world differed");
    server.stop().await;
    Ok(())
}
