//! The files that a player's browser loads. The binary brings them; the engine only serves them.

use std::{borrow::Cow, fmt, sync::Arc};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
};

/// One file of the page.
#[derive(Clone, Debug)]
pub struct PageFile {
    /// Its content.
    pub bytes: Cow<'static, [u8]>,
    /// Its MIME type.
    pub mime: String,
    /// Changes whenever the content does.
    pub etag: String,
}

/// Looks a file up by its path without the leading slash, such as `index.html`.
#[derive(Clone)]
pub struct Page(Arc<dyn Fn(&str) -> Option<PageFile> + Send + Sync>);

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Page")
    }
}

impl Page {
    /// A page whose files `find` knows.
    pub fn new(find: impl Fn(&str) -> Option<PageFile> + Send + Sync + 'static) -> Self {
        Self(Arc::new(find))
    }

    /// A server without a page: it is served from elsewhere.
    pub fn none() -> Self {
        Self::new(|_| None)
    }

    /// The answer to a request for `path`.
    pub(crate) fn respond(
        &self,
        path: &str,
        headers: &HeaderMap,
        shows_examples: bool,
    ) -> Response<Body> {
        let path = path.trim_start_matches('/');
        if path == "examples" {
            return moved("examples/");
        }
        let path = match path {
            "" => "index.html",
            "examples/" => "examples/index.html",
            path => path,
        };
        let is_shown = shows_examples || !path.starts_with("examples/");
        let Some(file) = is_shown.then(|| (self.0)(path)).flatten() else {
            return plain(StatusCode::NOT_FOUND, "There is nothing here.\n");
        };
        let etag = format!("\"{}\"", file.etag);
        let is_known = headers
            .get(header::IF_NONE_MATCH)
            .and_then(|known| known.to_str().ok())
            .is_some_and(|known| known.split(',').any(|one| one.trim() == etag));
        let (status, body) = if is_known {
            (StatusCode::NOT_MODIFIED, Body::empty())
        } else {
            (StatusCode::OK, Body::from(file.bytes.into_owned()))
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        // Built files carry a hash in their name and never change; others are asked for again.
        let caching = if path.starts_with("assets/") {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        let answer = response.headers_mut();
        answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
        for (name, value) in [(header::CONTENT_TYPE, &file.mime), (header::ETAG, &etag)] {
            if let Ok(value) = HeaderValue::from_str(value) {
                answer.insert(name, value);
            }
        }
        answer.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        answer.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY));
        response
    }
}

/// The page runs its own files alone, WebAssembly among them. It may connect anywhere: the server's
/// address is a setting.
const CONTENT_POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; \
     connect-src *; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; \
     object-src 'none'; base-uri 'none'";

/// A folder is asked for by the name of a file.
fn moved(to: &'static str) -> Response<Body> {
    let mut response = plain(StatusCode::PERMANENT_REDIRECT, "It is over there.\n");
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static(to));
    response
}

/// A short answer in words.
pub(crate) fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    plain_text(status, Body::from(text))
}

/// A short answer in words that were put together.
pub(crate) fn plain_text(status: StatusCode, text: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
