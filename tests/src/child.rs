//! A server in a process of its own, so that its figures hold nothing of its clients'.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result};
use arena_shared::{ArenaProtocol, Asteroid, Controls, JoinRequest, Motion};
use bevy_ecs::{schedule::Schedule, world::World};
use tickwire_server::{
    Claims, Config, Game, Page, Refusal, RoomInfo, Server,
    replication::{Area, NetIds, View},
};
use tickwire_shared::ClientId;

/// This program again, in another role. Dropping it ends it.
#[derive(Debug)]
pub struct ChildServer {
    child: Child,
    /// Where clients go.
    pub public: String,
    /// Where backends go.
    pub internal: String,
}

impl ChildServer {
    /// Starts it, and waits for the line with its two addresses.
    pub fn start(arguments: &[&str]) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the server")?;
        let mut line = String::new();
        let out = child.stdout.take().context("the server's words")?;
        BufReader::new(out).read_line(&mut line)?;
        let (public, internal) = line.trim().split_once(' ').context("the server's addresses")?;
        Ok(Self { child, public: String::from(public), internal: String::from(internal) })
    }

    /// What it has taken of the processor so far.
    pub fn cpu_seconds(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The command's name is in brackets and may hold spaces; fields count from after it.
        let (_, fields) = stat.rsplit_once(')').context("the process's figures")?;
        let times = fields.split_ascii_whitespace().skip(11).take(2);
        let ticks = times.map(str::parse::<f64>).sum::<Result<f64, _>>()?;
        Ok(ticks / CLOCK_TICKS_PER_SECOND)
    }
}

impl Drop for ChildServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the child does in its role: serves a room in which so many things lie, until it is ended.
pub async fn serve(config: Config, things: u16) -> Result<()> {
    let server = Server::start(Still { things }, config, Page::none()).await?;
    println!("{} {}", server.public_address(), server.internal_address());
    std::future::pending().await
}

/// A room in which nothing moves, and everybody sees all there is.
struct Still {
    things: u16,
}

impl Game for Still {
    type Protocol = ArenaProtocol;

    fn setup(&self, world: &mut World, _: &mut Schedule, _: &RoomInfo) {
        for number in 0..self.things {
            let net_id = world.resource_mut::<NetIds>().allocate();
            let motion = Motion { position: [i32::from(number); 2], velocity: [0; 2] };
            world.spawn((net_id, motion, Asteroid { size: 1, shape: 0 }));
        }
    }

    fn join(&self, _: &mut World, _: ClientId, _: JoinRequest, _: &Claims) -> Result<(), Refusal> {
        Ok(())
    }

    fn leave(&self, _: &mut World, _: ClientId) {}

    fn input(&self, _: &mut World, _: ClientId, _: &Controls) {}

    fn view(&self, _: &World, _: ClientId) -> View {
        let area = if self.things == 0 { Area::Nowhere } else { Area::Everything };
        View { area, ..View::everything() }
    }
}

/// `USER_HZ`, which Linux fixes for user space on every architecture we know.
const CLOCK_TICKS_PER_SECOND: f64 = 100.0;
