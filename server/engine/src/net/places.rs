//! Bounded numbers of places.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::listener::Peer;

/// So many places.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    taken: Arc<AtomicUsize>,
    most: usize,
}

/// One of them, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<AtomicUsize>);

impl Places {
    pub(crate) fn new(most: usize) -> Self {
        Self { taken: Arc::default(), most }
    }

    /// Takes one, if one is left.
    pub(crate) fn take(&self) -> Option<Place> {
        let taken = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| {
            (count < self.most).then_some(count + 1)
        });
        taken.is_ok().then(|| Place(Arc::clone(&self.taken)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// So many places, of which nobody's network takes more than its share.
#[derive(Clone, Debug)]
pub(crate) struct SharedPlaces {
    places: Places,
    share: usize,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One of them, given back when dropped.
#[derive(Debug)]
pub(crate) struct SharedPlace {
    _place: Place,
    taken: Option<(Arc<Mutex<HashMap<IpAddr, usize>>>, IpAddr)>,
}

/// Why there is no place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NoPlace {
    /// All are taken.
    Full,
    /// The network has its share.
    ShareTaken,
}

impl SharedPlaces {
    /// `most` places, and `share` of them for one network; 0 is no limit to that.
    pub(crate) fn new(most: usize, share: usize) -> Self {
        Self { places: Places::new(most), share, taken: Arc::default() }
    }

    /// Takes one, if one is left to whoever asks. Without an address nothing is known against it.
    pub(crate) fn take(&self, peer: Option<Peer>) -> Result<SharedPlace, NoPlace> {
        let place = self.places.take().ok_or(NoPlace::Full)?;
        let Some(network) = peer.map(Peer::network).filter(|_| self.share > 0) else {
            return Ok(SharedPlace { _place: place, taken: None });
        };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(network).or_insert(0);
        if *count >= self.share {
            return Err(NoPlace::ShareTaken);
        }
        *count += 1;
        Ok(SharedPlace { _place: place, taken: Some((Arc::clone(&self.taken), network)) })
    }
}

impl Drop for SharedPlace {
    fn drop(&mut self) {
        let Some((taken, network)) = &self.taken else { return };
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(network) {
            *count -= 1;
            if *count == 0 {
                taken.remove(network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_network_leaves_places_to_others_and_gets_its_own_back() {
        let places = SharedPlaces::new(3, 2);
        let first = places.take(Some(Peer::at("[2001:db8::1]:1"))).expect("a place");
        let second = places.take(Some(Peer::at("[2001:db8::2]:1"))).expect("a place");
        let refused =
            places.take(Some(Peer::at("[2001:db8::3]:1"))).expect_err("its share is taken");
        assert_eq!(refused, NoPlace::ShareTaken);
        let other = places.take(Some(Peer::at("192.0.2.1:1"))).expect("a place");
        assert_eq!(
            places.take(Some(Peer::at("192.0.2.2:1"))).expect_err("it is full"),
            NoPlace::Full
        );
        drop((first, other));
        let _again =
            places.take(Some(Peer::at("[2001:db8::3]:1"))).expect("a place was given back");
        drop(second);
        let unlimited = SharedPlaces::new(3, 0);
        let all: Vec<_> = (0..3).map(|_| unlimited.take(Some(Peer::at("192.0.2.1:1")))).collect();
        assert!(all.iter().all(Result::is_ok), "0 is no limit");
    }
}
