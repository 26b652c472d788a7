/** Frames over a WebSocket, one in each binary message. */

import type { OpenTransport, Transport } from './transport.ts';

/** Codes below this are the WebSocket's own. */
const OWN_CODES_FROM = 4000;

/** Opens a WebSocket at `/play` of the server. */
export const openWebSocket: OpenTransport = (url) => new WebSocketTransport(url);

class WebSocketTransport implements Transport {
  readonly name = 'WebSocket';
  onOpen = (): void => {};
  onFrame = (_: Uint8Array): void => {};
  onClose = (_: number | undefined): void => {};
  readonly #socket: WebSocket;

  constructor(url: string) {
    const address = new URL('play', url.endsWith('/') ? url : `${url}/`);
    address.protocol = address.protocol.replace('http', 'ws');
    this.#socket = new WebSocket(address);
    this.#socket.binaryType = 'arraybuffer';
    this.#socket.onopen = () => this.onOpen();
    this.#socket.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) this.onFrame(new Uint8Array(data));
    };
    this.#socket.onclose = ({ code }) => this.onClose(code >= OWN_CODES_FROM ? code : undefined);
  }

  send(frame: Uint8Array): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(frame as Uint8Array<ArrayBuffer>);
  }

  close(): void {
    this.#socket.onopen = null;
    this.#socket.onmessage = null;
    this.#socket.onclose = null;
    this.#socket.close();
  }
}
