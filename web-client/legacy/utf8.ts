/** Text as UTF-8 and back, for browsers without TextEncoder: by the one encoder that all of them have. */

/** Bytes of a text. */
export function encodeUtf8(text: string): Uint8Array {
  const escaped = unescape(encodeURIComponent(text));
  const bytes = new Uint8Array(escaped.length);
  for (let at = 0; at < escaped.length; at += 1) bytes[at] = escaped.charCodeAt(at);
  return bytes;
}

/** The text of these bytes. Throws where they are none. */
export function decodeUtf8(bytes: Uint8Array): string {
  let escaped = '';
  for (let at = 0; at < bytes.length; at += 1) escaped += String.fromCharCode(bytes[at]!);
  return decodeURIComponent(escape(escaped));
}
