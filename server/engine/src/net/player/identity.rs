//! Who a player is, and until when it may say so.

use std::{
    sync::Arc,
    time::{Instant, SystemTime},
};

use tickwire_shared::ClientId;

use crate::{
    channels::{self, Member, Standing},
    connection_token::ConnectionToken,
    game::Claims,
    limits::TOKEN_GRACE,
};

/// Who the player is, as the newest connection token says.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) subject: String,
    /// Until when it may say so; `None`: for ever.
    expires: Option<Instant>,
    /// Whether a newer token is looked at.
    pub(super) is_refreshing: bool,
}

impl Identity {
    pub(super) fn of(token: &ConnectionToken, now: Instant) -> Self {
        let left = token
            .expires
            .map(|expires| expires.duration_since(SystemTime::now()).unwrap_or_default());
        let expires = left.and_then(|left| now.checked_add(left));
        Self { subject: token.claims.subject.clone(), expires, is_refreshing: false }
    }

    pub(super) fn is_expired(&self, now: Instant) -> bool {
        self.expires.is_some_and(|expires| now >= expires)
    }

    /// Whether the time for showing a newer token is over as well.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.expires.is_some_and(|expires| now.saturating_duration_since(expires) >= TOKEN_GRACE)
    }

    pub(super) fn seconds_left(&self, now: Instant) -> Option<u32> {
        let left = self.expires?.saturating_duration_since(now).as_secs();
        Some(u32::try_from(left).unwrap_or(u32::MAX))
    }
}

/// Who a player is in channels, by its token and by what the game calls it.
pub(crate) fn player_identity(
    client: ClientId,
    claims: &Claims,
    name: String,
) -> channels::Identity {
    let name = if name.is_empty() { claims.name.clone() } else { name };
    let (user, info) = (claims.subject.clone(), claims.info.clone());
    let member = Member { client: client.get().to_string(), user, name, info };
    let grants = claims.grants.clone();
    channels::Identity { member: Arc::new(member), standing: Standing::Player, grants }
}
