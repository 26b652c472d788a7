//! A real nginx between bots and a server, as most sites have one.

use std::{
    env, fs,
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};

/// A running nginx, of one process, that forwards upgrades. Dropping it ends it.
#[derive(Debug)]
pub struct Nginx {
    address: SocketAddr,
    child: Child,
    folder: PathBuf,
}

impl Nginx {
    /// Listens on a free loopback port in front of `upstream`.
    pub async fn start(upstream: SocketAddr) -> Result<Self> {
        // Free again as soon as it is known; nobody else is likely to take it in between.
        let address = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
        let folder = env::temp_dir().join(format!("tickwire-nginx-{}", address.port()));
        fs::create_dir_all(&folder).context("making nginx's folder")?;
        let place = folder.display();
        let config = format!(
            "daemon off; master_process off; pid {place}/pid; error_log {place}/error.log;
            events {{ worker_connections 1024; }}
            http {{
              access_log off;
              client_body_temp_path {place}/body; proxy_temp_path {place}/proxy;
              fastcgi_temp_path {place}/fastcgi; uwsgi_temp_path {place}/uwsgi;
              scgi_temp_path {place}/scgi;
              map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
              server {{
                listen {address};
                location / {{
                  proxy_pass http://{upstream};
                  proxy_http_version 1.1;
                  proxy_set_header Host {upstream};
                  proxy_set_header Upgrade $http_upgrade;
                  proxy_set_header Connection $connection_upgrade;
                }}
              }}
            }}"
        );
        let path = folder.join("nginx.conf");
        fs::write(&path, config).context("writing nginx's configuration")?;
        // Debian keeps servers where only root's path leads.
        let search = format!("{}:/usr/sbin", env::var("PATH").unwrap_or_default());
        let child = Command::new("nginx")
            .arg("-c")
            .arg(&path)
            .arg("-e")
            .arg(folder.join("error.log"))
            .env("PATH", search)
            .stderr(Stdio::null())
            .spawn()
            .context("starting nginx: sudo apt-get install nginx-light")?;
        let nginx = Self { address, child, folder };
        for _ in 0..500 {
            if TcpStream::connect(address).await.is_ok() {
                return Ok(nginx);
            }
            sleep(Duration::from_millis(10)).await;
        }
        let log = fs::read_to_string(nginx.folder.join("error.log")).unwrap_or_default();
        bail!("nginx does not listen: {log}")
    }

    /// Where to connect to.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // It has either ended by itself or ends now; its files are only temporary.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
