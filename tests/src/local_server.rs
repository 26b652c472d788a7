//! A real server on free ports, for one test.

use anyhow::Result;
use clap::Parser;
use tickwire_server::{Config, Game, Page, Server};

/// The flags of a server, as its binary takes them.
#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    config: Config,
}

/// Starts a server of `game` on free loopback ports, with further `flags`.
pub async fn start<G: Game>(game: G, flags: &[&str]) -> Result<Server> {
    let ports = ["server", "--listen", "127.0.0.1:0", "--internal", "127.0.0.1:0"];
    let flags = ports.iter().chain(flags);
    Server::start(game, Flags::try_parse_from(flags)?.config, Page::none()).await
}

/// The value of a counter on the server's metrics page; 0 where it is not there so far. `name`
/// is the whole name with labels.
pub async fn counter(server: &Server, name: &str) -> Result<f64> {
    let url = format!("http://{}/metrics", server.internal_address());
    let page = reqwest::get(url).await?.text().await?;
    let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    Ok(value.map_or(Ok(0.0), str::parse)?)
}
