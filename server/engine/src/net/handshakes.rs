//! How many new attachments one address may begin.
//!
//! Nothing that goes on is bound by it: a class of players behind one address plays as well as
//! one. It only slows down those who knock without end.

use std::{net::IpAddr, num::NonZeroU32, sync::Arc};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::listener::Peer;

/// How many new attachments one address may begin.
#[derive(Clone, Debug)]
pub(crate) struct Handshakes {
    limiter: Option<Arc<DefaultKeyedRateLimiter<IpAddr>>>,
}

/// Addresses that are remembered at least; beyond that, those with nothing against them go.
const ADDRESSES_KEPT: usize = 10_000;

impl Handshakes {
    /// So many per second after a burst of `burst`; no limit where one of them is 0.
    pub(crate) fn new(per_second: u32, burst: u32) -> Self {
        let limits = NonZeroU32::new(per_second).zip(NonZeroU32::new(burst));
        let limiter = limits.map(|(per_second, burst)| {
            let quota = Quota::per_second(per_second).allow_burst(burst);
            Arc::new(RateLimiter::keyed(quota))
        });
        Self { limiter }
    }

    /// Whether this one may begin another. Without an address nothing is known against it.
    pub(crate) fn allow(&self, peer: Option<Peer>) -> bool {
        let (Some(limiter), Some(peer)) = (&self.limiter, peer) else { return true };
        if limiter.len() > ADDRESSES_KEPT {
            limiter.retain_recent();
        }
        limiter.check_key(&peer.network()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_behind_one_address_gets_in_and_a_flood_does_not() {
        let handshakes = Handshakes::new(1, 200);
        let class = (0..200).filter(|_| handshakes.allow(Some(Peer::at("192.0.2.1:5")))).count();
        assert_eq!(class, 200);
        assert!(!handshakes.allow(Some(Peer::at("192.0.2.1:6"))));
        assert!(
            handshakes.allow(Some(Peer::at("192.0.2.2:6"))),
            "others are none the worse for it"
        );
        assert!(Handshakes::new(0, 0).allow(Some(Peer::at("192.0.2.1:6"))), "0 is no limit");
    }

    #[test]
    fn one_network_of_ipv6_counts_as_one_address() {
        let handshakes = Handshakes::new(1, 1);
        assert!(handshakes.allow(Some(Peer::at("[2001:db8::1]:1"))));
        assert!(!handshakes.allow(Some(Peer::at("[2001:db8::2]:1"))));
        assert!(handshakes.allow(Some(Peer::at("[2001:db8:0:1::1]:1"))));
    }
}
