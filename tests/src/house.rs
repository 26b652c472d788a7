//! A real server for tests, on free ports of this machine.

use anyhow::Result;
use clap::Parser;
use tickwire_server::{Config, Game, Page, Server};

#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    config: Config,
}

/// A running server.
#[derive(Debug)]
pub struct House {
    server: Server,
}

impl House {
    /// Opens a server of `game`; `flags` are those of its binary.
    pub async fn open<G: Game>(game: G, flags: &[&str]) -> Result<Self> {
        let doors = ["tests", "--listen", "127.0.0.1:0", "--internal", "127.0.0.1:0"];
        let config = Flags::try_parse_from([&doors, flags].concat())?.config;
        Ok(Self { server: Server::start(game, config, Page::none()).await? })
    }

    /// The public door.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.public_address())
    }

    /// The metrics on the internal door.
    pub fn metrics_url(&self) -> String {
        format!("http://{}/metrics", self.server.internal_address())
    }

    /// Where the public door is.
    pub fn address(&self) -> std::net::SocketAddr {
        self.server.public_address()
    }

    /// Stops as on SIGTERM.
    pub async fn close(self) {
        self.server.stop().await;
    }
}
