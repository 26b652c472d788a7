/** A transport without a network, for tests: what one end sends, the other end has when the test says so. */

import type { Rung, Transport } from './transport.ts';

/** One end of a pair. */
export class MemoryTransport implements Transport {
  readonly rung: Rung;
  onOpen = (): void => {};
  onFrame = (_: Uint8Array): void => {};
  onClose = (_: number | undefined): void => {};
  /** Frames that were sent here and not yet taken by the other side, oldest first. */
  readonly sent: Uint8Array[] = [];
  isClosed = false;

  constructor(rung: Rung = 'websocket') {
    this.rung = rung;
  }

  send(frame: Uint8Array): void {
    if (!this.isClosed) this.sent.push(frame);
  }

  sendLast(frame: Uint8Array): void {
    this.send(frame);
  }

  close(): void {
    this.isClosed = true;
  }

  /** The other side accepts. */
  open(): void {
    if (!this.isClosed) this.onOpen();
  }

  /** A frame comes from the other side. */
  deliver(frame: Uint8Array): void {
    if (!this.isClosed) this.onFrame(frame);
  }

  /** The other side ends it, or the network does. */
  end(code?: number): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.onClose(code);
  }
}
