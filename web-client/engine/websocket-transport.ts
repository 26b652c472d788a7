/** Frames over a WebSocket, one in each binary message. */

import { playAddress, type Transport } from './transport.ts';

/** Codes below this are the WebSocket's own. */
const OWN_CODES_FROM = 4000;

/** A WebSocket at `/play` of the server. */
export class WebSocketTransport implements Transport {
  readonly rung = 'websocket';
  onOpen = (): void => {};
  onFrame = (_: Uint8Array): void => {};
  onClose = (_: number | undefined): void => {};
  readonly #socket: WebSocket;

  constructor(url: string) {
    this.#socket = new WebSocket(playAddress(url).replace(/^http/i, 'ws'));
    this.#socket.binaryType = 'arraybuffer';
    this.#socket.onopen = () => this.onOpen();
    this.#socket.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) this.onFrame(new Uint8Array(data));
    };
    this.#socket.onclose = ({ code }) => this.onClose(code >= OWN_CODES_FROM ? code : undefined);
  }

  /** Whether this browser has it. */
  static get isThere(): boolean {
    return typeof WebSocket === 'function' && 'binaryType' in WebSocket.prototype;
  }

  send(frame: Uint8Array): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(frame as Uint8Array<ArrayBuffer>);
  }

  sendLast(frame: Uint8Array): void {
    this.send(frame);
  }

  close(): void {
    this.#socket.onopen = null;
    this.#socket.onmessage = null;
    this.#socket.onclose = null;
    this.#socket.close();
  }
}
