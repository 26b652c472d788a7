//! The arena's rules as a WebAssembly module: `web-client/game/rules.wasm`, which `build`, beside
//! this crate's manifest, makes anew.

#![cfg_attr(target_family = "wasm", no_std)]

tickwire_rules::rules_module!(arena_shared::ArenaRules);
