//! The house stays as it was drawn: who may know whom, and what lies at the top.

use std::{collections::BTreeSet, fs, path::PathBuf, process::Command};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Crates of this workspace that `package` is built from, itself left out.
fn workspace_dependencies(package: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--edges", "normal,build", "--prefix", "none"])
        .args(["--format", "{p}", "--package", package])
        .current_dir(root())
        .output()
        .expect("cargo tree runs");
    assert!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("cargo speaks UTF-8");
    // Only members have a path behind their version.
    let members = text.lines().filter(|line| line.contains(" (/"));
    let names = members.filter_map(|line| line.split(' ').next()).map(String::from);
    names.filter(|name| name != package).collect()
}

#[test]
fn arrows_point_from_game_to_engine_and_from_server_to_shared() {
    let allowed: [(&str, &[&str]); 8] = [
        ("tickwire-derive", &[]),
        ("tickwire-rules", &[]),
        ("tickwire-shared", &["tickwire-derive"]),
        ("arena-shared", &["tickwire-derive", "tickwire-rules", "tickwire-shared"]),
        ("arena-rules", &["arena-shared", "tickwire-rules"]),
        ("tickwire-server", &["tickwire-derive", "tickwire-shared"]),
        (
            "arena",
            &[
                "arena-shared",
                "tickwire-derive",
                "tickwire-rules",
                "tickwire-server",
                "tickwire-shared",
            ],
        ),
        ("word-chain", &["tickwire-derive", "tickwire-server", "tickwire-shared"]),
    ];
    for (package, allowed) in allowed {
        let allowed: BTreeSet<String> = allowed.iter().copied().map(String::from).collect();
        let found = workspace_dependencies(package);
        assert!(found.is_subset(&allowed), "{package} may know {allowed:?}, and knows {found:?}");
    }
}

#[test]
fn the_rules_need_nothing_but_core() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--edges", "normal", "--prefix", "none"])
        .args(["--package", "arena-shared", "--no-default-features"])
        .current_dir(root())
        .output()
        .expect("cargo tree runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let crates: Vec<&str> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(crates, ["arena-shared", "tickwire-rules"], "nothing else is listed");
}

#[test]
fn bincode_is_known_to_the_codec_alone() {
    let mut users = Vec::new();
    for folder in ["shared", "server", "tests/src", "tests/games"] {
        visit(&root().join(folder), &mut |path, text| {
            if text.contains("bincode::") {
                users.push(path);
            }
        });
    }
    let engine = root().join("shared/engine/src");
    // The derives on message types are bincode's; encoding and decoding is the codec's.
    let allowed =
        ["codec.rs", "messages.rs", "messages/channels.rs", "exchange.rs", "close_reason.rs"];
    let allowed = allowed.map(|file| engine.join(file));
    users.retain(|user| !allowed.contains(user));
    assert!(users.is_empty(), "bincode is named in {users:?}");
}

#[test]
fn the_top_level_holds_what_was_agreed() {
    let allowed = [
        "Cargo.toml",
        "Cargo.lock",
        "README.md",
        "LICENSE",
        "server",
        "shared",
        "web-client",
        "assets",
        "tests",
        "target",
    ];
    let entries = fs::read_dir(root()).expect("the workspace can be listed");
    for entry in entries {
        let name = entry.expect("an entry").file_name().into_string().expect("a plain name");
        assert!(name.starts_with('.') || allowed.contains(&name.as_str()), "{name} at the top");
    }
}

fn visit(folder: &PathBuf, look: &mut impl FnMut(PathBuf, String)) {
    for entry in fs::read_dir(folder).expect("a folder of the workspace") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            visit(&path, look);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("sources are text");
            look(path, text);
        }
    }
}
