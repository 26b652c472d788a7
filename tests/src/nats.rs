//! A real NATS server with JetStream, which can be killed and started again where it was.

mod operator;

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result};
use async_nats::{
    Client, ConnectOptions, HeaderMap,
    jetstream::{self, Context, consumer},
};
use futures_util::TryStreamExt as _;
use tokio::{
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

use self::operator::Operator;

/// A NATS server on this machine, with its own folder. Killed when dropped.
#[derive(Debug)]
pub struct Nats {
    port: u16,
    folder: PathBuf,
    configuration: String,
    login: Login,
    child: Option<Child>,
}

/// What it asks of those who connect.
#[derive(Clone, Debug)]
enum Login {
    Nothing,
    Password { user: String, password: String },
    Credentials(String),
}

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Messages that the queue has not answered so far.
const UNDER_WAY_MAX: usize = 1_000;

impl Nats {
    /// Chooses a port and a folder; nothing runs so far.
    pub async fn new() -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
        let folder = std::env::temp_dir().join(format!("nats-{:016x}", rand::random::<u64>()));
        Ok(Self { port, folder, configuration: String::new(), login: Login::Nothing, child: None })
    }

    /// One that runs.
    pub async fn start_new() -> Result<Self> {
        let mut nats = Self::new().await?;
        nats.start().await?;
        Ok(nats)
    }

    /// Lets nobody in but this user, from the next start on.
    pub fn ask_for(&mut self, user: &str, password: &str) {
        self.configuration = format!("authorization {{ user: {user}, password: {password} }}");
        self.login = Login::Password { user: String::from(user), password: String::from(password) };
    }

    /// Lets nobody in, from the next start on, but those with the `.creds` file that it answers.
    pub fn ask_for_credentials(&mut self) -> Result<String> {
        let operator = Operator::new()?;
        self.configuration = operator.configuration;
        self.login = Login::Credentials(operator.credentials.clone());
        Ok(operator.credentials)
    }

    /// What its configuration file says from the next start on.
    pub fn configure(&mut self, configuration: &str) {
        self.configuration = String::from(configuration);
    }

    /// Where it is, as flags say it.
    pub fn address(&self) -> String {
        format!("nats://{}", self.socket_address())
    }

    /// Where it is.
    pub fn socket_address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Starts it, with all that was kept before.
    pub async fn start(&mut self) -> Result<()> {
        fs::create_dir_all(&self.folder)?;
        let configuration = self.folder.join("nats.conf");
        fs::write(&configuration, &self.configuration)?;
        let child = Command::new(program())
            .args(["-js", "-a", "127.0.0.1", "-p", &self.port.to_string(), "-sd"])
            .arg(&self.folder)
            .arg("-c")
            .arg(configuration)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("nats-server has to be installed")?;
        self.child = Some(child);
        timeout(PATIENCE, async {
            while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
                sleep(Duration::from_millis(20)).await;
            }
        })
        .await
        .context("it never listens")
    }

    /// Stops it in order, with all that it knows on disk.
    pub fn stop(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            Command::new("kill").arg(child.id().to_string()).status()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Kills it in the middle of whatever it does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A backend that puts publications into the queue.
#[derive(Debug)]
pub struct Backend {
    context: Context,
    client: Client,
}

impl Backend {
    /// One that keeps trying to be connected.
    pub async fn connect(nats: &Nats) -> Result<Self> {
        let mut options = ConnectOptions::new()
            .request_timeout(Some(Duration::from_secs(2)))
            .reconnect_delay_callback(|_| Duration::from_millis(50))
            .retry_on_initial_connect();
        match nats.login.clone() {
            Login::Nothing => {}
            Login::Password { user, password } => {
                options = options.user_and_password(user, password);
            }
            Login::Credentials(credentials) => options = options.credentials(&credentials)?,
        }
        let client = options.connect(nats.address()).await?;
        Ok(Self { context: jetstream::new(client.clone()), client })
    }

    /// What it speaks to the queue with.
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// Sends to a subject like whoever knows nothing of streams, who is told nothing.
    pub async fn send(&self, subject: &str, text: &str) -> Result<()> {
        self.client.publish(String::from(subject), String::from(text).into()).await?;
        Ok(self.client.flush().await?)
    }

    /// Puts many in at once, which are `0`, `1` and so on.
    pub async fn put_many(&self, channel: &str, count: u32) -> Result<()> {
        let numbers: Vec<_> = (0..count).collect();
        for numbers in numbers.chunks(UNDER_WAY_MAX) {
            let mut sent = Vec::new();
            for number in numbers {
                let subject = format!("tickwire.{channel}");
                sent.push(self.context.publish(subject, number.to_string().into()).await?);
            }
            for sent in sent {
                sent.await?;
            }
        }
        Ok(())
    }

    /// What the queue knows of those who read a stream.
    pub async fn readers(&self, stream: &str) -> Result<Vec<consumer::Info>> {
        let stream = self.context.get_stream(stream).await?;
        Ok(stream.consumers().try_collect().await?)
    }

    /// Puts a publication in, again and again until the queue has it. `id` makes them one.
    pub async fn put(&self, channel: &str, id: &str, text: &str) -> Result<()> {
        timeout(PATIENCE, async {
            loop {
                let mut headers = HeaderMap::new();
                headers.insert("Nats-Msg-Id", id);
                let subject = format!("tickwire.{channel}");
                let text = String::from(text);
                let sent = self.context.publish_with_headers(subject, headers, text.into()).await;
                if let Ok(sent) = sent
                    && sent.await.is_ok()
                {
                    return;
                }
                sleep(Duration::from_millis(20)).await;
            }
        })
        .await
        .context("the queue never takes it")
    }
}

/// Debian keeps what serves where only root's path leads.
fn program() -> PathBuf {
    let installed = Path::new("/usr/sbin/nats-server");
    if installed.exists() { installed.to_path_buf() } else { PathBuf::from("nats-server") }
}
