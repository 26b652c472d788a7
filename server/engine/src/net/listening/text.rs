//! What was published, as text: for those who know nothing else, and inside of scripts.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::channels::Data;

/// What was published, as text. Bytes that are none travel as base64.
pub(crate) fn text_of(data: &Data) -> Cow<'_, str> {
    match data.as_text() {
        Some(text) => Cow::Borrowed(text),
        None => Cow::Owned(BASE64.encode(data.bytes())),
    }
}

/// The same for sockets, which share the bytes.
pub(super) fn utf8_of(data: &Data) -> Utf8Bytes {
    match Utf8Bytes::try_from(data.bytes().clone()) {
        Ok(text) if !matches!(data, Data::Binary(_)) => text,
        _ => Utf8Bytes::from(BASE64.encode(data.bytes())),
    }
}

/// Text as a string in a script in a page: no letter in it ends the string, the script, or a
/// line, or begins anything.
pub(super) fn script_string(text: &str) -> String {
    let mut string = String::with_capacity(text.len() + 2);
    string.push('"');
    for letter in text.chars() {
        if letter.is_alphanumeric()
            || matches!(letter, ' ' | '.' | ',' | ':' | ';' | '!' | '?' | '-' | '_')
        {
            string.push(letter);
            continue;
        }
        let mut units = [0; 2];
        for unit in letter.encode_utf16(&mut units) {
            string.push_str(&format!("\\u{unit:04x}"));
        }
    }
    string.push('"');
    string
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn nothing_in_a_string_is_anything_but_text() {
        let hostile = "</script><!--\u{2028}\u{2029}\\\"'`${1}&amp;\r\n\0\u{feff}😀é";
        let string = script_string(hostile);
        let inside = string.trim_matches('"');
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "\\;!-é".contains(letter);
        assert!(inside.chars().all(is_plain), "{inside}");
        let back: String = serde_json::from_str(&string).expect("it is a JSON string too");
        assert_eq!(back, hostile);
    }

    #[test]
    fn bytes_that_are_no_text_travel_as_base64() {
        let binary = Data::Binary(Bytes::from_static(b"\xff\0"));
        assert_eq!(text_of(&binary), "/wA=");
        assert_eq!(utf8_of(&binary).as_str(), "/wA=");
        assert_eq!(utf8_of(&Data::Text(Bytes::from_static(b"hi"))).as_str(), "hi");
    }
}
