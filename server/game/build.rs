//! Brings the built web client to where the binary embeds it from.
//!
//! `TICKWIRE_CLIENT_DIR` names a client that was built elsewhere. Without it, the client is
//! built here by npm, when a source of it changed.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={CLIENT_DIR}");
    if let Err(sentence) = built_client().and_then(|client| embed(&client)) {
        // Fails the build with this one line; a failing exit code would add pages of output.
        println!("cargo::error={sentence}");
    }
}

/// The folder with the built client, after building it where that is ours to do.
fn built_client() -> Result<PathBuf, String> {
    if let Some(folder) = env::var_os(CLIENT_DIR).filter(|folder| !folder.is_empty()) {
        let folder = PathBuf::from(folder);
        watch(&folder);
        return if folder.join("index.html").is_file() {
            Ok(folder)
        } else {
            Err(format!("{CLIENT_DIR} names {}, which has no index.html", folder.display()))
        };
    }
    // Where the sources are now: this program may have been built for another place.
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let root = here.ancestors().nth(2).unwrap_or(&here);
    let sources = root.join("web-client");
    for name in WATCHED {
        watch(&sources.join(name));
    }
    watch(&root.join("assets"));
    if fs::metadata(sources.join(PROTOCOL)).map_or(0, |file| file.len()) == 0 {
        return stand_in();
    }
    require_node()?;
    if !is_installed(&sources) {
        run_npm(&sources, &["ci", "--no-audit", "--no-fund"])?;
    }
    run_npm(&sources, &["run", "build"])?;
    Ok(sources.join("dist"))
}

/// A page for the one build that cannot have a client: the binary is about to write the part of
/// the client that is missing, and a shell empties that file before it starts the build.
fn stand_in() -> Result<PathBuf, String> {
    println!("cargo::warning=web-client/{PROTOCOL} is empty, so this build has no web client");
    let folder = out_dir().join("stand-in");
    let page = "<!doctype html><title>Tickwire</title><p>This binary was built without a client.";
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(folder.join("index.html"), page))
        .map_err(|error| format!("cannot write {}: {error}", folder.display()))?;
    Ok(folder)
}

/// Copies the client beside the other products of this build, so that what is in the binary does
/// not change under it, and declares the type that embeds the copy: its attribute takes a plain
/// path only.
fn embed(client: &Path) -> Result<(), String> {
    let out = out_dir();
    let copy = out.join("client");
    let declaration = format!(
        "/// The built web client, as the build script left it.\n\
         #[derive(rust_embed::RustEmbed)]\n\
         #[folder = {:?}]\n\
         struct Client;\n",
        copy.display().to_string()
    );
    let copied = match fs::remove_dir_all(&copy) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => copy_folder(client, &copy),
    };
    copied
        .and_then(|()| fs::write(out.join("client.rs"), declaration))
        .map_err(|error| format!("cannot copy {} for embedding: {error}", client.display()))
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn require_node() -> Result<(), String> {
    let without = format!(
        "the web client needs Node {NODE_MAJOR_MIN} or newer (with npm) to be built; install it, \
         or set {CLIENT_DIR} to the folder of a client that was built elsewhere"
    );
    let output = Command::new("node").arg("--version").output().map_err(|_| without.clone())?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let major = version.trim_start_matches('v').split('.').next().unwrap_or_default();
    match major.parse::<u32>() {
        Ok(major) if major >= NODE_MAJOR_MIN => Ok(()),
        _ => Err(format!("found Node {version}, but {without}")),
    }
}

/// Whether what is installed is what the lock file says: npm writes down what it installed, and
/// does so last.
fn is_installed(sources: &Path) -> bool {
    let modified = |name: &str| fs::metadata(sources.join(name)).and_then(|it| it.modified());
    match (modified("package-lock.json"), modified("node_modules/.package-lock.json")) {
        (Ok(locked), Ok(installed)) => installed >= locked,
        _ => false,
    }
}

fn run_npm(folder: &Path, arguments: &[&str]) -> Result<(), String> {
    let line = format!("npm {}", arguments.join(" "));
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let output = Command::new(npm)
        .args(arguments)
        .current_dir(folder)
        .output()
        .map_err(|error| format!("`{line}` did not start: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let lines: Vec<&str> = said.lines().collect();
    for line in lines.iter().skip(lines.len().saturating_sub(LINES_SHOWN)) {
        println!("cargo::error={line}");
    }
    Err(format!(
        "`{line}` failed in {}; {CLIENT_DIR} may name the folder of a client that was built \
         elsewhere instead",
        folder.display()
    ))
}

fn out_dir() -> PathBuf {
    PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default())
}

fn watch(path: &Path) {
    println!("cargo::rerun-if-changed={}", path.display());
}

/// Names a client that was built elsewhere.
const CLIENT_DIR: &str = "TICKWIRE_CLIENT_DIR";

/// The part of the client that `arena protocol` writes.
const PROTOCOL: &str = "game/protocol.ts";

/// Oldest Node that builds the client.
const NODE_MAJOR_MIN: u32 = 20;

/// How much of a failed command's output is worth showing.
const LINES_SHOWN: usize = 20;

/// What the client is made of. Not the whole folder: its own build writes into it.
const WATCHED: [&str; 9] = [
    "engine",
    "examples",
    "game",
    "legacy",
    "styles",
    "index.html",
    "package.json",
    "package-lock.json",
    "vite.config.ts",
];
