//! The web client, inside the binary.

use tickwire_server::{Page, PageFile};

include!(concat!(env!("OUT_DIR"), "/client.rs"));

/// The page that the server shows.
pub fn page() -> Page {
    Page::new(page_file)
}

fn page_file(path: &str) -> Option<PageFile> {
    let file = Client::get(path)?;
    Some(PageFile {
        mime: file.metadata.mimetype().to_owned(),
        etag: etag(&file.metadata.sha256_hash()),
        bytes: file.data,
    })
}

/// Enough of the hash to tell any two builds apart.
fn etag(hash: &[u8; 32]) -> String {
    hash.iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}
