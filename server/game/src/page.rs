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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_inside_and_nothing_else() {
        let index = page_file("index.html").expect("the client has an index.html");
        assert_eq!(index.mime, "text/html");
        assert_eq!(index.etag.len(), 24);
        assert!(!index.bytes.is_empty());
        assert!(page_file("../build.rs").is_none());
        assert!(page_file("").is_none(), "which file stands for the folder is the engine's choice");
    }
}
