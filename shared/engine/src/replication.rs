//! How a room's state travels to those who may see it.
//!
//! The server captures the room as codes after each tick ([`crate::schema`] says what a code is).
//! A *frame* takes one client's [`Replica`] from the tick of its last frame to a newer one. This
//! text and the code below it are the format; the TypeScript replica is written from both, and
//! golden frames prove the two equal.
//!
//! All numbers are whole. Where a width matters it is named; nothing exceeds 2⁵³, so that
//! JavaScript can do the same sums in doubles (`Math.imul` for products "modulo 2³²", `Math.floor`
//! for "rounded down"; a plain `|` or `<<` is only safe where a width of 32 bits or less is
//! named).
//!
//! # Words
//! - *Group*: the components that share an audience, numbered by their first component in the
//!   schema; a *sub-entity* is an entity's state of one group. It has its own entry, leave and
//!   base: nothing of a group is ever context for another.
//! - *Mask*: which components of its group a sub-entity has, as bits by component number (64 bits;
//!   use two numbers or a `bigint` in JavaScript).
//! - *Slot*: where a client keeps an entity, 0 to 65,534. An entity that enters takes the lowest
//!   slot that was free when the frame began, so slots need not be sent; one that was left in a
//!   frame is free from the next frame on. An entity is in view while it has a sub-entity.
//! - *Base*: the tick of a sub-entity's state; *gap*: how many ticks before it the state is that
//!   the client had before (0 after entry: none). With `steps` = the frame's tick − base, the
//!   receiver is *warm* where gap = steps.
//! - *Archetype*: number of a known (group, mask), from 1; 0 for all others ([`model`]).
//!
//! # Entropy coding ([`rans`])
//! A frame's bytes are one stream of symbols. The decoder's state is a number below 2²⁴, at first
//! the first three bytes, highest first; at least 2¹⁶, or the frame is malformed. A symbol is a
//! stretch (start, frequency) of the interval from 0 to 4096. To take one from a table: the point
//! is `state & 4095`; the value is the one whose stretch holds it; then `state = frequency ×
//! (state >> 12) + point − start`, and while `state < 2¹⁶`, `state = state × 256 + next byte`.
//! *Flat* bits (up to 12 at once) are the value `point >> (12 − count)`, with frequency `4096 >>
//! count`; more bits come twelve at a time, the lowest twelve first. After the last symbol all
//! bytes are used, `state >> 16 = 1`, and the lowest 16 bits are the *check*.
//!
//! *Unsigned* and *signed* numbers are a symbol and flat bits, see the table in `token.rs`; signed
//! ones reach ±(2³²−1), so magnitudes are unsigned 32-bit. A *flag* is a symbol, 1 for yes.
//!
//! # Tables ([`model`], [`table`])
//! Each place in the format is a node with tables per context, and for entities per archetype:
//! table number `places[node.first + archetype × node.contexts + context]`. [`model::Model`] has
//! everything as data; generated TypeScript carries it.
//!
//! # Frame
//! In this order, tables from [`frame::FrameNodes`]:
//! 1. *Header* ([`frame::Header`]). Flag `fresh`. If set: the tick, 32 bits flat; the replica
//!    drops all it has. Otherwise unsigned `steps` − 1; the tick is the last frame's plus steps
//!    (32 bits, wraps). Symbol `input`: 0 the last frame's input plus steps (none if there was
//!    none), 1 none, 2 the last frame's, 3 as 32 bits flat. Flag `deferred`. Flag `sum`. Flag
//!    `anchor`; if set 16 bits flat, the new anchor's slot plus one or 0 for none; otherwise the
//!    anchor is as before (none in a fresh frame).
//! 2. *Statuses*, for each sub-entity that the client has, by slot and in it by group: symbol
//!    [`frame::Status`] from the group's node, context = history + 4 × `deferred`. History is 1 on
//!    entry, and after each status as [`frame::Status::after`] says. 0 exact: the state is as
//!    predicted. 1 changed: an update follows. 2 leave. 3 reset: a whole state follows, as on
//!    entry. 4 deferred: state and base stay. Then the *anchor point* moves (see below).
//! 3. *Entries*: symbol [`frame::Entry`], context = entries so far, at most 3. 0 the list is over;
//!    1 an entity that takes the lowest free slot: in games with references its index and
//!    generation follow, unsigned; 2 a further group of the entity of the entry before; 3 a group
//!    of an entity that the client has, its slot follows in 16 bits flat. Then a whole state; then
//!    the anchor point moves.
//! 4. In games with references: *references* that changed. As long as a flag `reference` is set:
//!    slot (16 bits flat), symbol `group`, lane (8 bits flat), unsigned `target`.
//! 5. *Events*: symbol `event`, context = events so far, at most 3: 0 at the end, otherwise the
//!    event's number plus one. Where the frame covers more than one tick, unsigned `age` (ticks
//!    before the frame's). Then position and entry of the event's record, as in a whole state with
//!    archetype 0; then unsigned `target` for each reference.
//! 6. The check: [`checksum::check_of_sum`] where the header says so, else
//!    [`checksum::check_of_tick`].
//!
//! A *whole state*: the archetype, a symbol; if 0, symbol `group` (an alphabet of as many values
//! as the schema has components) and for each component of the group a flag `component`. Then the
//! *position*, then the *entry*, then unsigned `target` for each reference field, in coding order.
//! Base is the frame's tick, gap 0, history 1.
//!
//! A *target* is the slot of an entity as it is after the frame, plus one, or 0 for none: look it
//! up once the entries are known. A reference is kept as the `NetId` of that slot; reading one
//! whose entity is not in view gives `NetId::NONE`.
//!
//! The *anchor point* is a list of codes, at first empty. It moves, after the statuses and after
//! each entry, where the anchor's slot has a sub-entity with a position field: to the codes of
//! that field in the first such group. It is emptied by a fresh frame.
//!
//! # Fields ([`field`], [`values`])
//! Fields are coded in the order of `RecordModel::order`, those of missing components skipped. A
//! missing component's lanes, and all lanes before anything was decoded, are at their zero.
//!
//! *Position* (only the first position field of a group): for each lane, signed by the lane's
//! `enters` node, the way from the anchor point's code (at most the lane's maximum; the lane's
//! zero where the point has none) to the code.
//!
//! *Entry*, field by field. If the field has hidden lanes ([`motion`]): its *motion* with the
//! precision before being 0. Then, unless it is the position, its value, by the `enters` nodes
//! (context 0). Numbers: for each lane, signed, the way from its zero. Flag, choice: a symbol.
//! Option: a symbol; if 1 the rest as numbers, else the rest is 0. Rotation: a symbol, the rest as
//! numbers. Text: unsigned length, then for each byte a symbol for the upper half (node `high`,
//! context = the byte before modulo 32, at first 0) and one for the lower (node `low`, context =
//! that plus 32 × (upper half modulo 4)). List: unsigned length, then for each element and lane,
//! signed by `enters[1 + lane]`, the way from the same lane of the element before (at first the
//! lane's zero). References: not here.
//!
//! *Update*, for each field that is neither static nor a reference: a flag by node `changed`,
//! context = 4 × stirring + 2 × (the flag before last) + (the last flag), flags of this update
//! only, and 12 more for a flag that is guessed to be set. Stirring is 1 if the field's precision at the base is not 0; else 0 if the receiver is
//! not warm, or the field transient or a sequence; else 1 where its codes at the base equal those
//! before, else 2. If not set, the field is as guessed. If set: first, where it has hidden lanes,
//! its motion with the precision of the base before it. Then flag: the opposite. Choice: symbol,
//! context = the guess, at most contexts − 1. Text and list: as on entry. Numbers: *misses* from
//! lane 0. Option: symbol, context = the guess; if 0 the rest is 0; if 1 misses from lane 1, the
//! guesses being the lanes' zeros where the option was empty. Rotation: symbol for the rank of the
//! dropped component among the guess's components from the largest to the smallest (equal ones by
//! number), context = nearness + 9 × stir class; then misses from lane 1, guessed for that
//! component being dropped. Nearness is that of `rotation.rs`; the stir class is the number of bits
//! of the largest motion of lanes 1 to 3, or of the worst miss before if that is larger, at most 7,
//! and 8 where motions are unknown.
//!
//! *Motion*: symbol `precision`, context = the precision before. If 0, the rates are 2³¹ and the
//! phases 64. Else for each lane signed by `rates[lane]`, context = the precision: the rate less
//! 2³¹; then for each lane the phase, 7 bits flat.
//!
//! *Misses*: for each lane, signed, by `updates[lane]`, context = motion class + 61 × miss class.
//! The *motion* is how far a lane was seen to move (below). Its class is 60 where it is unknown;
//! else 6 × (the number of bits of its magnitude: 0 for 0, 1 for 1, 2 for 2 and 3 …, at most 9) + 2
//! × share + (1 if it is negative). The share is 0, 1 or 2 where it has as many bits as the largest
//! motion among the lanes to be coded, one or two fewer, or yet fewer. The miss class is 0 where no
//! miss was coded in this update before, in any field; else 1 + the number of bits of the
//! worst miss's magnitude, at most 9. If the motion is negative the miss is sent with its sign
//! turned. The code is the guess plus the miss; on a lane that wraps, modulo its maximum + 1; on
//! any other a code out of range is an error.
//!
//! *Guess* of a lane: a transient field's is the lane's zero (motion unknown; its sequences
//! empty). The *way* from one code to another is the difference; on a lane that wraps the shorter
//! one, more than −n/2 and at most n/2 of its n codes. Held: the base, and the motion is the way
//! from the state before to the base if warm. Linear: the base plus that motion (without it where
//! the field has hidden lanes). By velocity: with `rate = ⌊(code × scale + offset) / 512⌋` (fine
//! steps, 1/128 code), old at the base, new in this update (velocities are coded first), the base
//! plus `(steps × new − ⌊(new − old) × (steps − 1) / 2⌋ + 64) / 128` rounded down; the motion is
//! the way from the base to the guess. Guesses are clamped to the lane, or wrap. Where the field's
//! precision p at the base is not 0 all this is different: the lane is at `fine = code × 128 +
//! phase` at the base and moves by `(rate − 2³¹) × 2^(8 − p)` plus (by velocity only) the new
//! velocity's rate, each tick; the sum is clamped to 0 … (maximum + 1) × 128 − 1, or wraps; the
//! guess is `⌊fine / 128⌋`, the new phase the rest, precision and rates stay, and the motion is
//! the way from the base to the guess. A field is as guessed when its hidden lanes are too. A
//! rotation: see `rotation.rs`.
//!
//! A state that is *exact* has every field as guessed. After exact or changed: the codes at the
//! base become the state before, gap = steps, base = the frame's tick.
//!
//! # Checksums, and healing
//! The sum over all sub-entities of [`checksum::in_slot`] of their [`values::Shape::hash`], which
//! is over lasting fields (neither transient nor references) in order of declaration: their codes,
//! and for sequences the length of the code list and the codes. When a check does not match, or a
//! frame ends in an error, the client sends a *report* ([`Replica::report`]) in
//! `ClientUpdate::report`; the server logs the first difference and starts anew with a fresh
//! frame. Frames until then end in [`FrameError::NoBase`].
//!
//! A report is a row of numbers, seven bits a byte, lowest first, the top bit set where more bytes
//! follow: the tick of the last frame that carried a sum (this one included), the replica's tick;
//! then for each sub-entity that entered no later than the former: slot, group, its base's age
//! (the replica's tick − base), the lower and the upper half of its mask, then what its hash is
//! over: codes, and for sequences the length and the codes. It ends at a sub-entity, within 8 KiB.

#![allow(clippy::indexing_slicing, clippy::cast_possible_truncation)]

pub mod checksum;
pub mod coder;
mod contexts;
mod defaults;
pub mod entry;
pub mod field;
pub mod frame;
pub mod model;
pub mod motion;
mod pools;
pub mod rans;
mod replica;
mod rotation;
pub mod table;
mod token;
mod trained;
pub mod training;
pub mod values;

pub use replica::{FrameInfo, Replica, ReplicaEntity};

/// Why bytes are not a frame for this replica.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FrameError {
    /// Ended early, went on too long, or says what makes no sense.
    #[error("not a state frame of this protocol")]
    Malformed,
    /// A value outside its declared range.
    #[error("a value is out of its range")]
    OutOfRange,
    /// Beyond a named limit.
    #[error("more than a frame or replica may hold")]
    TooLarge,
    /// It builds on a state that the replica does not have.
    #[error("the first frame has to start anew")]
    NoBase,
}
