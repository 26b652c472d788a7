//! An answer that does not end: what was missed first, then whatever comes, as it comes.
//!
//! Its body is asked for more by the HTTP server whenever it can write. While nothing comes,
//! nothing is held but the subscription.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame};
use tokio::time::{Instant, Sleep, sleep};

use super::{Listener, ListeningDoor, Over, cursor::before};
use crate::{
    channels::{Delivery, EndReason, Position, Publication, Subscribed},
    limits::{LISTENING_HEARTBEAT, LISTENING_PIECE_BYTES},
};

/// How what comes is written down.
pub(super) trait Format: Send + Unpin + 'static {
    /// What stands before everything else.
    fn beginning(&self, out: &mut BytesMut);
    /// A publication.
    fn publication(&self, publication: &Publication, out: &mut BytesMut);
    /// Publications are missing here, after which the listener stands at this position, if known.
    fn missed(&self, position: Option<Position>, out: &mut BytesMut);
    /// Nothing came for a while.
    fn heartbeat(&self, out: &mut BytesMut);
    /// The last word: whoever may come back does so on their own.
    fn end(&self, may_come_back: bool, out: &mut BytesMut);
    /// How much one answer holds, in bytes, before the listener is to ask anew; a browser keeps
    /// all of it.
    fn bytes_max(&self) -> usize;
}

/// The body of an answer that does not end.
pub(super) struct Stream<F> {
    format: F,
    listener: Listener,
    begun: Option<Subscribed>,
    beat: Pin<Box<Sleep>>,
    over: Pin<Box<dyn Future<Output = Over> + Send>>,
    written: usize,
    is_over: bool,
}

impl<F: Format> Stream<F> {
    pub(super) fn new(
        format: F,
        door: &ListeningDoor,
        listener: Listener,
        begun: Subscribed,
    ) -> Self {
        Self {
            format,
            over: Box::pin(listener.over(door)),
            listener,
            begun: Some(begun),
            beat: Box::pin(sleep(LISTENING_HEARTBEAT)),
            written: 0,
            is_over: false,
        }
    }

    fn begin(&mut self, begun: &Subscribed, out: &mut BytesMut) {
        self.format.beginning(out);
        if !begun.is_complete {
            self.format.missed(Some(before(begun)), out);
        }
        for publication in &begun.recovered {
            self.format.publication(publication, out);
        }
    }

    fn take(&mut self, delivery: &Delivery, out: &mut BytesMut) {
        match delivery {
            Delivery::Publication(publication) => self.format.publication(publication, out),
            Delivery::Missed { .. } => self.format.missed(None, out),
            Delivery::Ended { reason, .. } => {
                // What it has missed is kept for it, as far as the history goes.
                self.format.end(*reason == EndReason::TooSlow, out);
                self.is_over = true;
            }
            Delivery::Joined { .. } | Delivery::Left { .. } => {}
        }
    }
}

impl<F: Format> Body for Stream<F> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        if this.is_over {
            return Poll::Ready(None);
        }
        let mut out = BytesMut::new();
        if let Some(begun) = this.begun.take() {
            this.begin(&begun, &mut out);
        }
        while out.len() < LISTENING_PIECE_BYTES && !this.is_over {
            match this.listener.subscriber.poll_delivery(cx) {
                Poll::Ready(delivery) => this.take(&delivery, &mut out),
                Poll::Pending => break,
            }
        }
        if !this.is_over && this.written + out.len() > this.format.bytes_max() {
            this.format.end(true, &mut out);
            this.is_over = true;
        }
        if !this.is_over
            && let Poll::Ready(over) = this.over.as_mut().poll(cx)
        {
            this.format.end(over != Over::Disconnected, &mut out);
            this.is_over = true;
        }
        if out.is_empty() && this.beat.as_mut().poll(cx).is_ready() {
            this.format.heartbeat(&mut out);
        }
        if out.is_empty() {
            return if this.is_over { Poll::Ready(None) } else { Poll::Pending };
        }
        this.written += out.len();
        this.beat.as_mut().reset(Instant::now() + LISTENING_HEARTBEAT);
        Poll::Ready(Some(Ok(Frame::data(out.freeze()))))
    }
}
