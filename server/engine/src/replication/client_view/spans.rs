//! What leads from the states that a client has to the present.

use tickwire_shared::Tick;

use super::{
    super::deltas::{Prepared, Span},
    Moment,
    slots::{FAR, Sub},
};

/// Finds what leads from a base to the present; most sub-entities have the same.
pub(super) struct Spans<'a> {
    pub(super) moment: Moment<'a>,
    pub(super) last_frame: Tick,
    /// For the lag and gap that were asked about last.
    pub(super) found: Option<((u8, u8), Route<'a>)>,
}

/// What leads from a base to the present.
#[derive(Clone, Copy, Default)]
pub(super) struct Route<'a> {
    /// Where the deltas are that were made ahead, if they are over this span.
    pub(super) prepared: Option<&'a Prepared>,
    /// `None` where the history does not reach back to what the client has.
    pub(super) span: Option<Span<'a>>,
}

impl<'a> Spans<'a> {
    pub(super) fn of(&mut self, sub: Sub) -> Route<'a> {
        if let Some((key, route)) = self.found
            && key == (sub.lag, sub.gap)
        {
            return route;
        }
        let route = if sub.lag == FAR { Route::default() } else { self.find(sub) };
        self.found = Some(((sub.lag, sub.gap), route));
        route
    }

    fn find(&self, sub: Sub) -> Route<'a> {
        let Moment { history, now, .. } = self.moment;
        let base = self.last_frame.minus(sub.lag.into());
        let steps = now.tick.since(base).unsigned_abs();
        let gap = u32::from(sub.gap);
        let is_warm = gap == steps;
        let span = history.at(base).and_then(|start| {
            let previous = history.at(base.minus(gap)).map(|previous| &**previous);
            match (is_warm, previous) {
                (true, None) => None,
                (true, Some(previous)) => Some(Span { base: start, previous: Some(previous) }),
                (false, _) => Some(Span { base: start, previous: None }),
            }
        });
        let prepared = span.and_then(|_| now.prepared()).filter(|_| is_warm && steps == 1);
        Route { prepared, span }
    }
}
