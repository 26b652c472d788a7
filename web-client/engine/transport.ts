/** What carries frames, as the session's owner sees it. */

/** A rung of the ladder, by its name on the server and in `?transport=`. */
export type Rung = 'websocket' | 'stream' | 'long-poll' | 'poll';

/** Best first. */
export const RUNGS: readonly Rung[] = ['websocket', 'stream', 'long-poll', 'poll'];

/** One stay of a connection. Callbacks are set before anything can happen. */
export interface Transport {
  readonly rung: Rung;
  /** For how long it gathers frames before it sends them, of late; none where each goes at once. */
  readonly gatheredMs?: number;
  /** Frames can be sent from now on. */
  onOpen: () => void;
  /** A frame came. */
  onFrame: (bytes: Uint8Array) => void;
  /** It is over; `code` is the other side's close code, or undefined where the connection just broke. */
  onClose: (code: number | undefined) => void;
  send(frame: Uint8Array): void;
  /** Sends as the page goes away, when nothing else is sent any more. */
  sendLast(frame: Uint8Array): void;
  close(): void;
}

/** Opens a transport to a server, such as `https://play.example.org`. Throws where there is no such address. */
export type OpenTransport = (url: string, rung: Rung) => Transport;

/** The address for players of the server at `url`. */
export function playAddress(url: string): string {
  if (!/^https?:\/\/[^/]/i.test(url)) throw new Error(`no address of a server: ${url}`);
  return `${url.replace(/\/+$/, '')}/play`;
}
