//! The web client's copy of the protocol is the one that this build would write.

use arena_shared::ArenaProtocol;
use tickwire_server::typescript;
use tickwire_shared::Schema;

#[test]
fn the_generated_module_is_fresh() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../web-client/game/protocol.ts");
    let written = std::fs::read_to_string(file).expect("the web client has its protocol");
    assert!(
        written == typescript::module(&Schema::of::<ArenaProtocol>()),
        "stale: run `cargo run -p arena -- protocol > web-client/game/protocol.ts`"
    );
}
