//! A running server: rooms, doors, and how they start and stop.

use std::{
    fs::{self, File},
    io::BufWriter,
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::Instant,
};

use anyhow::{Context as _, Result};
use rand::random;
use tickwire_shared::{Protocol as _, Schema};
use tokio::{net::TcpListener, task::JoinHandle, time::interval};
use tokio_util::sync::CancellationToken;

use crate::{
    bridge::{RoomHandle, bridge},
    channels::{Channels, Namespaces},
    config::{Config, LogFormat},
    game::{Game, RoomInfo},
    limits::{CHANNEL_SWEEP_INTERVAL, CONNECTIONS_BEYOND, CONNECTIONS_PER_CLIENT},
    metrics,
    net::{
        api_keys::ApiKeys,
        connections::Connections,
        doors::{self, House},
        examples,
        handshakes::Handshakes,
        listener,
        places::SharedPlaces,
        players::Players,
        queue::{Queue, Reading},
        tls::Tls,
        tokens::Tokens,
    },
    page::Page,
    recording::Recorder,
    room::Room,
    session_token::SessionKeys,
    tick_loop::TickLoop,
};

/// A running server.
#[derive(Debug)]
pub struct Server {
    public_address: SocketAddr,
    internal_address: SocketAddr,
    scheme: &'static str,
    players: Arc<Players>,
    rooms: Vec<TickLoop>,
    reading: Option<Reading>,
    doors: Vec<JoinHandle<()>>,
    closing: CancellationToken,
}

impl Server {
    /// Starts rooms of `game` and opens both doors. Needs a Tokio runtime.
    pub async fn start<G: Game>(game: G, config: Config, page: Page) -> Result<Self> {
        config.check()?;
        let handle = metrics::install().context("starting the metrics")?;
        let keys = load_keys(&config)?;
        let tokens = Tokens::start(&config)?;
        let api_keys = match &config.api_key_file {
            Some(path) => ApiKeys::load(path)?,
            None => ApiKeys::default(),
        };
        let queue = Queue::of(&config)?;
        let channels = start_channels(&config, game.namespaces())?;
        let tls = match (&config.tls_certificate, &config.tls_key) {
            (Some(certificate), Some(key)) => Some(Tls::load(certificate, key)?),
            _ => None,
        };
        let is_encrypted = tls.is_some();
        let public = bind(config.listen, "public").await?;
        let internal = bind(config.internal, "internal").await?;
        let public_address = public.local_addr().context("asking for the public address")?;
        let internal_address = internal.local_addr().context("asking for the internal address")?;
        let game = Arc::new(game);
        let mut rooms = Vec::new();
        let mut handles = Vec::new();
        for name in config.rooms.iter().filter(|name| !name.is_empty()) {
            let (room, handle) = start_room(&game, name, &config, &channels)?;
            rooms.push(room);
            handles.push(handle);
        }
        let schema = Arc::new(Schema::of::<G::Protocol>());
        let players = Players::new(
            schema,
            &config,
            Arc::clone(&tokens),
            keys,
            handles,
            Arc::clone(&channels),
        );
        let closing = CancellationToken::new();
        let reading = queue.as_ref().map(|queue| queue.start(Arc::clone(&channels)));
        let house = House {
            players: Arc::clone(&players),
            channels,
            queue,
            tokens,
            keys: Arc::new(api_keys),
            handshakes: Handshakes::new(config.handshakes_per_second, config.handshake_burst),
            listeners: SharedPlaces::new(config.listeners_max, config.listeners_per_address_max),
            connections: Connections::default(),
            page,
            since: Instant::now(),
        };
        let most =
            config.clients_max * CONNECTIONS_PER_CLIENT + config.listeners_max + CONNECTIONS_BEYOND;
        let router = doors::public(&house);
        let public = listener::listen(public, router, tls, most, closing.clone());
        let router = doors::internal(&house, handle);
        let internal = listener::listen(internal, router, None, most, closing.clone());
        let doors = vec![tokio::spawn(public), tokio::spawn(internal)];
        let scheme = if is_encrypted { "https" } else { "http" };
        Ok(Self {
            public_address,
            internal_address,
            scheme,
            players,
            rooms,
            reading,
            doors,
            closing,
        })
    }

    /// Address of the public door.
    pub const fn public_address(&self) -> SocketAddr {
        self.public_address
    }

    /// `https` where the public door is encrypted, else `http`.
    pub const fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// Address of the internal door.
    pub const fn internal_address(&self) -> SocketAddr {
        self.internal_address
    }

    /// Takes no more from the message queue, tells clients to come back later, stops the rooms and
    /// closes the doors.
    pub async fn stop(self) {
        // While there still is somebody to hear what it had.
        if let Some(reading) = self.reading {
            reading.stop().await;
        }
        self.players.stop().await;
        let rooms = self.rooms;
        // Waits for the ticks under way.
        let _ = tokio::task::spawn_blocking(move || drop(rooms)).await;
        self.closing.cancel();
        for door in self.doors {
            door.abort();
            let _ = door.await;
        }
    }
}

/// Runs a server until it is told to stop by SIGINT or SIGTERM: what a game's `main` calls.
pub fn run<G: Game>(game: G, config: Config, page: Page) -> Result<()> {
    start_log(config.log_format);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    runtime.block_on(async {
        let stop = stop_signal()?;
        let server = Server::start(game, config, page).await?;
        tracing::info!(
            internal = %server.internal_address(),
            "{} is up",
            G::Protocol::NAME
        );
        print_address(server.scheme(), server.public_address());
        stop.await;
        tracing::info!("stopping");
        server.stop().await;
        Ok(())
    })
}

#[expect(clippy::print_stdout, reason = "the address is what the command is run for")]
fn print_address(scheme: &str, address: SocketAddr) {
    let host = if address.ip().is_unspecified() { "localhost" } else { "" };
    if host.is_empty() {
        println!("Open {scheme}://{address}/ to play.");
    } else {
        println!("Open {scheme}://{host}:{}/ to play.", address.port());
    }
}

fn start_log(format: LogFormat) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second server in one process shares the first one's log.
    let _ = match format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().try_init(),
    };
}

fn stop_signal() -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

async fn bind(address: SocketAddr, door: &str) -> Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("opening the {door} door at {address}"))
}

/// The keys that sign session tokens, so that players survive a restart's reconnect.
fn load_keys(config: &Config) -> Result<SessionKeys> {
    let path = config.secret_file.clone();
    let is_loopback = config.listen.ip().is_loopback();
    match path.or_else(|| SessionKeys::default_path().filter(|_| is_loopback)) {
        Some(path) if is_loopback => SessionKeys::load_or_make(&path),
        Some(path) => SessionKeys::load(&path),
        None => Ok(SessionKeys::ephemeral()),
    }
}

/// The channels, which forget what is too old for as long as somebody has them.
fn start_channels(config: &Config, game: Namespaces) -> Result<Arc<Channels>> {
    let usual = if config.listen.ip().is_loopback() {
        Namespaces::for_loopback()
    } else {
        Namespaces::default()
    };
    let mut namespaces = usual.with_all(game);
    if let Some(path) = &config.channels {
        let described = Namespaces::load(path)
            .with_context(|| format!("reading the channels in {}", path.display()))?;
        namespaces = namespaces.with_all(described);
    }
    let channels = Channels::new(namespaces, random());
    let kept = Arc::downgrade(&channels);
    tokio::spawn(async move {
        let mut ticks = interval(CHANNEL_SWEEP_INTERVAL);
        loop {
            ticks.tick().await;
            let Some(channels) = kept.upgrade() else { return };
            channels.sweep(Instant::now());
        }
    });
    if config.listen.ip().is_loopback() {
        tokio::spawn(examples::publish(Arc::downgrade(&channels)));
    }
    Ok(channels)
}

fn start_room<G: Game>(
    game: &Arc<G>,
    name: &str,
    config: &Config,
    channels: &Arc<Channels>,
) -> Result<(TickLoop, RoomHandle)> {
    let info = RoomInfo {
        name: String::from(name),
        seed: config.seed.unwrap_or_else(random),
        tick_rate: config.tick_rate.unwrap_or(G::Protocol::TICK_RATE),
    };
    tracing::info!(room = name, seed = info.seed, tick_rate = info.tick_rate, "room");
    let recorder = match &config.record {
        Some(directory) => Some(start_recording(game.as_ref(), &info, directory)?),
        None => None,
    };
    let (handle, end) = bridge(info.clone());
    let game = Arc::clone(game);
    let is_rewinding = !config.no_lag_compensation;
    let make = move || {
        let mut room = Room::new(game, info);
        if !is_rewinding {
            room.stop_rewinding();
        }
        if let Some(recorder) = recorder {
            room.record(recorder);
        }
        room
    };
    let room = TickLoop::start(name, make, end, Arc::clone(channels))
        .context("starting a room's thread")?;
    Ok((room, handle))
}

fn start_recording<G: Game>(game: &G, info: &RoomInfo, directory: &Path) -> Result<Recorder> {
    fs::create_dir_all(directory)
        .with_context(|| format!("making the directory {}", directory.display()))?;
    let safe = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    let name: String = info.name.chars().map(safe).collect();
    let path = directory.join(format!("{name}-{:016x}.tickwire", info.seed));
    let file = File::create(&path).with_context(|| format!("making {}", path.display()))?;
    tracing::info!(path = %path.display(), "recording");
    Recorder::new(game, info, BufWriter::new(file)).context("writing the recording")
}
