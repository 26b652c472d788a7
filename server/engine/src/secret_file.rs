//! Files with secrets, which nobody but their owner may read.

use std::{
    fs::{self, Metadata},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use anyhow::{Context as _, Result, ensure};

/// Reads such a file. `what` it is stands before its path in errors, as in "the secret file".
pub(crate) fn read(what: &str, path: &Path) -> Result<String> {
    let about = || format!("reading {what} {}", path.display());
    ensure_private(what, path, &fs::metadata(path).with_context(about)?)?;
    fs::read_to_string(path).with_context(about)
}

/// Fails where others may read the file.
pub(crate) fn ensure_private(what: &str, path: &Path, metadata: &Metadata) -> Result<()> {
    let shown = path.display();
    let is_private = metadata.permissions().mode() & 0o077 == 0;
    ensure!(is_private, "{what} {shown} can be read by others: chmod 600 {shown}");
    Ok(())
}
