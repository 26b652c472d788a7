/** What carries frames, as the session's owner sees it. */

/** One stay of a connection. Callbacks are set before anything can happen. */
export interface Transport {
  /** Name that players and operators read. */
  readonly name: string;
  /** Frames can be sent from now on. */
  onOpen: () => void;
  /** A frame came. */
  onFrame: (bytes: Uint8Array) => void;
  /** It is over; `code` is the other side's close code, or undefined where the connection just broke. */
  onClose: (code: number | undefined) => void;
  send(frame: Uint8Array): void;
  close(): void;
}

/** Opens a transport to a server, such as `https://play.example.org`. */
export type OpenTransport = (url: string) => Transport;
