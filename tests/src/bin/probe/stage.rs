//! Where a probe takes place: a server of its own, a network before it, and somebody to look at.

use anyhow::Result;
use arena::{Arena, ArenaOptions};
use tickwire_server::Server;
use tickwire_tests::{
    local_server,
    proxy::{Conditions, Proxy},
};
use tokio_util::task::AbortOnDropHandle;

use crate::targets;

/// What a probe needs.
pub(crate) struct Stage {
    /// Between the page and the server.
    pub(crate) network: Conditions,
    /// Who else is there, on a cable.
    pub(crate) target: Target,
    /// Further flags of the server.
    pub(crate) flags: &'static [&'static str],
}

/// Who else is there.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    /// Nobody.
    Nobody,
    /// A ship that flies to and fro on a straight line above the middle.
    Patrol,
    /// A ship that circles around the middle.
    Orbit,
    /// A ship that runs into whoever is there.
    Ram,
}

/// A stage that is set. Dropping it clears it.
pub(crate) struct Set {
    proxy: Proxy,
    _server: Server,
    _target: Option<AbortOnDropHandle<()>>,
}

impl Stage {
    /// With nobody on it.
    pub(crate) fn over(network: Conditions) -> Self {
        Self { network, target: Target::Nobody, flags: &[] }
    }

    /// Starts everything.
    pub(crate) async fn set(self) -> Result<Set> {
        let empty = Arena::new(ArenaOptions { pilots: 0, asteroids: 0 });
        let flags = [&["--seed", "1"], self.flags].concat();
        let server = local_server::start(empty, &flags).await?;
        let proxy = Proxy::start(server.public_address(), self.network, 1).await?;
        let target = targets::start(self.target, server.public_address()).await?;
        Ok(Set { proxy, _server: server, _target: target })
    }
}

impl Set {
    /// Where the page finds the server.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.proxy.address())
    }
}
