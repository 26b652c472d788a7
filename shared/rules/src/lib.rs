//! A game's rules, so that server and browser run the very same ones.
//!
//! A game says how what it predicts and what its players wish lie in words, and how a tick steps
//! them ([`Rules`]). A crate of one line makes a WebAssembly module of that ([`rules_module!`]),
//! which the browser engine steps for every input, again and again. The module has a plain C
//! interface and no imports:
//!
//! | export | |
//! |---|---|
//! | `memory` | where the words lie, as little-endian `i32` |
//! | `state()`, `state_words()` | address and number of the state's words |
//! | `input()`, `input_words()` | address and number of the input's words |
//! | `step()` | steps the state's words by one tick, in place, as the input's words wish |

#![no_std]

use core::sync::atomic::{AtomicI32, Ordering};

/// The rules that a client predicts with: the part of a tick that concerns what its player steers.
pub trait Rules {
    /// Words of the state: what a step goes on from, and what else it tells.
    const STATE_WORDS: usize;
    /// Words of an input.
    const INPUT_WORDS: usize;

    /// Steps the state by one tick. The slices are as long as said above; what is in them may be
    /// anything, and the same words always become the same.
    fn step(state: &mut [i32], input: &[i32]);
}

/// Words in a module's memory, which the page writes and reads.
///
/// Atomic only since a `static` has to be: there is one thread, and they cost what plain words
/// cost.
#[derive(Debug)]
pub struct Words<const COUNT: usize>([AtomicI32; COUNT]);

impl<const COUNT: usize> Words<COUNT> {
    /// All zero.
    #[allow(clippy::new_without_default)] // For statics, which need a constant.
    pub const fn new() -> Self {
        Self([const { AtomicI32::new(0) }; COUNT])
    }

    /// Where they lie.
    pub const fn address(&self) -> *mut i32 {
        self.0.as_ptr().cast_mut().cast()
    }

    /// A copy of them.
    pub fn load(&self) -> [i32; COUNT] {
        let mut words = [0; COUNT];
        for (word, held) in words.iter_mut().zip(&self.0) {
            *word = held.load(Ordering::Relaxed);
        }
        words
    }

    /// Writes them all.
    pub fn store(&self, words: &[i32; COUNT]) {
        for (held, word) in self.0.iter().zip(words) {
            held.store(*word, Ordering::Relaxed);
        }
    }
}

/// Makes a WebAssembly module of [`Rules`], in a crate of its own with `crate-type = ["cdylib"]`.
///
/// ```
/// # struct Countdown;
/// # impl tickwire_rules::Rules for Countdown {
/// #     const STATE_WORDS: usize = 1;
/// #     const INPUT_WORDS: usize = 1;
/// #     fn step(state: &mut [i32], input: &[i32]) {}
/// # }
/// tickwire_rules::rules_module!(Countdown);
/// ```
#[macro_export]
macro_rules! rules_module {
    ($rules:ty) => {
        static STATE: $crate::Words<{ <$rules as $crate::Rules>::STATE_WORDS }> =
            $crate::Words::new();
        static INPUT: $crate::Words<{ <$rules as $crate::Rules>::INPUT_WORDS }> =
            $crate::Words::new();

        $crate::rules_module! {
            /// Address of the state's words.
            state() -> *mut i32 { STATE.address() }
            /// How many words the state has.
            state_words() -> u32 { <$rules as $crate::Rules>::STATE_WORDS as u32 }
            /// Address of the input's words.
            input() -> *mut i32 { INPUT.address() }
            /// How many words an input has.
            input_words() -> u32 { <$rules as $crate::Rules>::INPUT_WORDS as u32 }
            /// Steps the state by one tick, as the input wishes.
            step() -> () {
                let mut state = STATE.load();
                <$rules as $crate::Rules>::step(&mut state, &INPUT.load());
                STATE.store(&state);
            }
        }

        #[cfg(target_family = "wasm")]
        #[panic_handler]
        fn panic(_: &::core::panic::PanicInfo<'_>) -> ! {
            ::core::arch::wasm32::unreachable()
        }
    };
    ($($(#[$doc:meta])* $name:ident() -> $answer:ty $body:block)*) => {$(
        $(#[$doc])*
        #[allow(unsafe_code, reason = "the page calls it by this name, which no other may have")]
        #[unsafe(no_mangle)]
        pub extern "C" fn $name() -> $answer $body
    )*};
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_as_they_were_written() {
        static WORDS: Words<3> = Words::new();
        assert_eq!(WORDS.load(), [0; 3]);
        WORDS.store(&[1, -2, i32::MAX]);
        assert_eq!(WORDS.load(), [1, -2, i32::MAX]);
    }
}
