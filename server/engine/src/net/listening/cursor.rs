//! Where a listener was, as it says itself when it comes back.
//!
//! A cursor is `epoch-offset`, in addresses, event ids, entity tags and cookies alike. A date is
//! one too, for those who keep nothing else: it is given only once the second it names is over,
//! so that all that was published in it lies before it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, header};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};

use crate::{
    channels::{ChannelName, Channels, Position, Publication, Start, Subscribed},
    limits::HISTORY_COUNT_MAX,
};

/// Where a listener was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cursor {
    /// After this publication.
    After(Position),
    /// After so many publications of the channel's present life.
    Offset(u64),
    /// After everything of this second and before, in seconds since 1970.
    Second(u64),
}

impl Cursor {
    /// Reads what stands in an address: empty is nowhere.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.split_once('-') {
            Some((epoch, offset)) => {
                let position =
                    Position { epoch: epoch.parse().ok()?, offset: offset.parse().ok()? };
                Some(Self::After(position))
            }
            None => text.parse().ok().map(Self::Offset),
        }
    }

    /// Reads what headers say: entity tags know more than dates.
    pub(super) fn of_headers(headers: &HeaderMap) -> Option<Self> {
        let text = |name| headers.get(name)?.to_str().ok();
        if let Some(tag) = text(header::IF_NONE_MATCH) {
            let tag = tag.trim().trim_start_matches("W/").trim_matches('"');
            return Self::parse(tag);
        }
        let date = httpdate::parse_http_date(text(header::IF_MODIFIED_SINCE)?).ok()?;
        Some(Self::Second(date.duration_since(UNIX_EPOCH).ok()?.as_secs()))
    }

    /// Reads the cookie that a poll left.
    pub(super) fn of_cookie(headers: &HeaderMap, channel: &ChannelName) -> Option<Self> {
        Self::parse(cookie(headers, &cookie_name(channel))?)
    }
}

/// From where on somebody listens who was there.
pub(super) fn start(channels: &Channels, channel: &ChannelName, cursor: Option<Cursor>) -> Start {
    match cursor {
        None => Start::Live,
        Some(Cursor::After(position)) => Start::After(position),
        Some(Cursor::Offset(offset)) => match position_of(channels, channel, offset) {
            Some(position) => Start::After(position),
            None => Start::Last(HISTORY_COUNT_MAX),
        },
        // What is older is left out again.
        Some(Cursor::Second(_)) => Start::Last(HISTORY_COUNT_MAX),
    }
}

/// A number alone counts in the channel's present life; 0 is before everything.
pub(super) fn position_of(
    channels: &Channels,
    channel: &ChannelName,
    offset: u64,
) -> Option<Position> {
    let statistics = channels.statistics(channel).filter(|_| offset > 0)?;
    Some(Position { offset, ..statistics.position })
}

/// The cursor after this position.
pub(super) fn write(position: Position) -> String {
    format!("{}-{}", position.epoch, position.offset)
}

/// What a listener says as `since` when it comes back before anything has come: where it says that
/// it was, so that nothing is passed over that it was about to get.
pub(super) fn beginning(cursor: Option<Cursor>, begun: &Subscribed) -> String {
    match cursor {
        Some(Cursor::After(position)) => write(position),
        Some(Cursor::Offset(offset)) => offset.to_string(),
        Some(Cursor::Second(_)) => write(before(begun)),
        None => write(begun.position),
    }
}

/// Where a listener stands that knows of all that it misses, and has heard nothing so far.
pub(super) fn before(begun: &Subscribed) -> Position {
    let first = begun.recovered.first().map(|first| first.position);
    let before = |first: Position| Position { offset: first.offset.saturating_sub(1), ..first };
    first.map_or(begun.position, before)
}

/// The entity tag. Weak: proxies compress.
pub(super) fn entity_tag(position: Position) -> String {
    format!("W/\"{}\"", write(position))
}

/// The date after which there is nothing in an answer whose newest is this, made at `now_ms`.
pub(super) fn last_modified(newest: Option<&Publication>, now_ms: u64) -> String {
    let newest = newest.map_or(now_ms, |newest| newest.unix_ms) / 1000;
    let over = (now_ms / 1000).saturating_sub(1);
    let date: SystemTime = UNIX_EPOCH + Duration::from_secs(newest.min(over));
    httpdate::fmt_http_date(date)
}

/// The cookie with which a poll that says nothing is told apart.
pub(super) fn set_cookie(channel: &ChannelName, position: Position) -> String {
    let (name, cursor) = (cookie_name(channel), write(position));
    format!("{name}={cursor}; Path=/listen; Max-Age={COOKIE_SECONDS}; HttpOnly; SameSite=Lax")
}

/// The value of a cookie.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|cookies| cookies.split(';')).find_map(|cookie| {
        let (found, value) = cookie.trim().split_once('=')?;
        (found == name).then_some(value)
    })
}

/// Names of cookies are narrower than those of channels.
fn cookie_name(channel: &ChannelName) -> String {
    format!("tickwire-{}", BASE64.encode(channel.as_str()))
}

/// How long a page may be away and go on where it was: it polls again within 10 s of an error.
const COOKIE_SECONDS: u64 = 120;

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn cursors_read_back_from_wherever_they_were_kept() {
        let position = Position { epoch: 1 << 52, offset: 70_000 };
        let after = Some(Cursor::After(position));
        assert_eq!(Cursor::parse(&write(position)), after);
        let channel = ChannelName::new("chat:é; x=1").expect("a name");
        let cookie = set_cookie(&channel, position);
        let (pair, _) = cookie.split_once(';').expect("attributes follow");
        let mut headers = HeaderMap::new();
        let value = format!("other=1; {pair}");
        headers.insert(header::COOKIE, HeaderValue::from_str(&value).expect("it is plain"));
        assert_eq!(Cursor::of_cookie(&headers, &channel), after);
        let tag = HeaderValue::from_str(&entity_tag(position)).expect("it is plain");
        headers.insert(header::IF_NONE_MATCH, tag);
        assert_eq!(Cursor::of_headers(&headers), after);
        for none in ["", "x", "1-", "-1", "1-2-3", "99999999999999999999999"] {
            assert_eq!(Cursor::parse(none), None, "{none:?}");
        }
        assert_eq!(Cursor::parse("0"), Some(Cursor::Offset(0)));
    }

    #[test]
    fn a_date_is_given_only_once_its_second_is_over() {
        let at = |ms| httpdate::parse_http_date(&last_modified(None, ms)).expect("a date");
        assert_eq!(at(5_999), UNIX_EPOCH + Duration::from_secs(4));
        assert_eq!(at(6_000), UNIX_EPOCH + Duration::from_secs(5));
    }
}
