//! Polls: held until there is something, or answered at once for those who come by at intervals.
//!
//! Both get arrays of objects: `Id` to say as `since` next time, `Cid` the channel, `Text` what
//! was published.

use std::{future::poll_fn, sync::Arc};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
};
use bytes::Bytes;
use serde::Serialize;
use tokio::time::timeout;

use super::{
    INCOMPLETE, Listener, ListeningDoor, Question,
    cursor::{Cursor, entity_tag, last_modified, position_of, set_cookie, write},
    finish, refuse_because,
    text::text_of,
};
use crate::{
    channels::{Delivery, Moment, Position, Publication, Reading, Wire},
    limits::{HISTORY_COUNT_MAX, POLL_HOLD},
};

/// What an answer has to say.
struct Found {
    /// Where the channel stands after it.
    position: Position,
    /// Oldest first.
    publications: Vec<Arc<Publication>>,
    is_complete: bool,
}

/// The answer to a poll that is held.
pub(super) async fn answer(
    door: &ListeningDoor,
    listener: Listener,
    question: &Question,
) -> Response<Body> {
    let headers = &question.headers;
    let channel = listener.channel.clone();
    let since = question.since();
    let cursor = since.or_else(|| Cursor::of_headers(headers));
    let is_told_apart = cursor.is_none();
    let cursor = cursor.or_else(|| Cursor::of_cookie(headers, &channel));
    let found = match Found::at_once(door, &listener, cursor) {
        Ok(found) if found.publications.is_empty() && found.is_complete => {
            let position = found.position;
            tokio::select! {
                found = Found::later(&listener, position, cursor) => found,
                _ = listener.over(door) => found,
            }
        }
        Ok(found) => found,
        Err(refusal) => return refusal,
    };
    // Whoever asked for what is newer than a tag or a date knows what 304 means.
    let is_conditional = since.is_none() && !is_told_apart;
    let mut response = if found.publications.is_empty() && found.is_complete && is_conditional {
        let mut unchanged = Response::new(Body::empty());
        *unchanged.status_mut() = StatusCode::NOT_MODIFIED;
        unchanged
    } else {
        array(&found.publications)
    };
    found.mark(response.headers_mut());
    if is_told_apart
        && let Ok(cookie) = HeaderValue::from_str(&set_cookie(&channel, found.position))
    {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// A GET to `/messages/`: what is there, newest first.
pub(crate) async fn messages(
    State(door): State<ListeningDoor>,
    request: Request,
) -> Response<Body> {
    let question = Question::of(&request);
    let mut response = match read(&door, &question).await {
        Ok(response) | Err(response) => response,
    };
    finish(&door.players, &question, response.headers_mut());
    response
}

async fn read(door: &ListeningDoor, question: &Question) -> Result<Response<Body>, Response<Body>> {
    let channel = door.read(question)?;
    let (identity, _) = door.identify(&question.headers).await?;
    let cursor = question.since().or_else(|| Cursor::of_headers(&question.headers));
    let after = match cursor {
        Some(Cursor::After(position)) => Some(position),
        Some(Cursor::Offset(offset)) => position_of(&door.channels, &channel, offset),
        Some(Cursor::Second(_)) | None => None,
    };
    let reading = Reading { after, limit: HISTORY_COUNT_MAX, newest_first: false };
    let read = door.channels.history(&identity, &channel, reading, Moment::now());
    let read = read.map_err(refuse_because)?;
    let mut found = Found {
        position: read.position,
        publications: read.publications,
        // Who says nothing gets what there is, and misses nothing.
        is_complete: read.is_complete || after.is_none(),
    };
    found.leave_out(cursor);
    found.publications.reverse();
    let mut response = array(&found.publications);
    found.publications.reverse();
    found.mark(response.headers_mut());
    Ok(response)
}

impl Found {
    /// What there is already. After this, the listener hears what comes.
    #[expect(clippy::result_large_err, reason = "it is the answer that goes out next")]
    fn at_once(
        door: &ListeningDoor,
        listener: &Listener,
        cursor: Option<Cursor>,
    ) -> Result<Self, Response<Body>> {
        let subscribed = listener.begin(door, cursor)?;
        let mut found = Self {
            position: subscribed.position,
            publications: subscribed.recovered,
            is_complete: subscribed.is_complete,
        };
        found.leave_out(cursor);
        Ok(found)
    }

    /// What comes within the time for which a poll is held.
    async fn later(listener: &Listener, position: Position, cursor: Option<Cursor>) -> Self {
        let mut found = Self { position, publications: Vec::new(), is_complete: true };
        let first = timeout(POLL_HOLD, async {
            loop {
                let delivery = poll_fn(|cx| listener.subscriber.poll_delivery(cx)).await;
                if found.take(delivery) {
                    break;
                }
            }
        });
        if first.await.is_ok() {
            if let Some(Cursor::Second(_)) = cursor {
                // Its cursor names whole seconds only: this one has to be over.
                let into = Moment::now().unix_ms % 1000;
                tokio::time::sleep(std::time::Duration::from_millis(1000 - into)).await;
            }
            while let Some(delivery) = listener.subscriber.take_delivery() {
                found.take(delivery);
            }
        }
        found
    }

    /// Takes what was delivered. Returns whether it is worth an answer.
    fn take(&mut self, delivery: Delivery) -> bool {
        match delivery {
            Delivery::Publication(publication) => {
                self.position = publication.position;
                self.publications.push(publication);
                true
            }
            Delivery::Missed { .. } => {
                self.is_complete = false;
                false
            }
            // The next poll hears why, or goes on.
            Delivery::Ended { .. } => true,
            Delivery::Joined { .. } | Delivery::Left { .. } => false,
        }
    }

    /// What somebody has by a date.
    fn leave_out(&mut self, cursor: Option<Cursor>) {
        if let Some(Cursor::Second(second)) = cursor {
            self.publications.retain(|publication| publication.unix_ms / 1000 > second);
        }
    }

    fn mark(&self, headers: &mut HeaderMap) {
        let now_ms = Moment::now().unix_ms;
        let newest = self.publications.last().map(AsRef::as_ref);
        let values = [
            (header::ETAG, entity_tag(self.position)),
            (header::LAST_MODIFIED, last_modified(newest, now_ms)),
        ];
        for (name, value) in values {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        if !self.is_complete {
            headers.insert(INCOMPLETE, HeaderValue::from_static("true"));
        }
    }
}

/// A publication in an array.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Message<'a> {
    id: String,
    cid: &'a str,
    text: &'a str,
}

fn array(publications: &[Arc<Publication>]) -> Response<Body> {
    let mut body = Vec::from(*b"[");
    for publication in publications {
        if body.len() > 1 {
            body.push(b',');
        }
        body.extend_from_slice(&publication.encoded(Wire::Object, write_message));
    }
    body.push(b']');
    let mut response = Response::new(Body::from(body));
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// The object that stands for a publication.
pub(super) fn write_message(publication: &Publication) -> Bytes {
    let id = write(publication.position);
    let message =
        Message { id, cid: publication.channel.as_str(), text: &text_of(&publication.data) };
    Bytes::from(serde_json::to_vec(&message).expect("texts are always JSON"))
}
