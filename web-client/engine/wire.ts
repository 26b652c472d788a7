/** Numbers, texts and lists as bincode's standard configuration writes them; see `codec.rs`. */

/** Bytes are not a message. */
export class DecodeError extends Error {
  constructor() {
    super('not a message of this protocol');
    this.name = 'DecodeError';
  }
}

/** Lead bytes of numbers that do not fit in one. */
const U16 = 251;
const U32 = 252;
const U64 = 253;

/** Puts a message together. */
export class Writer {
  readonly #bytes: number[] = [];

  byte(value: number): void {
    this.#bytes.push(value);
  }

  unsigned(value: number): void {
    if (value < U16) {
      this.#bytes.push(value);
    } else if (value < 0x1_0000) {
      this.#bytes.push(U16, value & 0xff, value >>> 8);
    } else {
      this.#bytes.push(U32, value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, (value >>> 24) & 0xff);
    }
  }

  /** A number of 64 bits, which comes as 16 hexadecimal digits: no number of JavaScript's holds it. */
  unsigned64(digits: string): void {
    if (/^0{8}/.test(digits)) {
      this.unsigned(Number.parseInt(digits, 16));
      return;
    }
    this.#bytes.push(U64);
    for (let at = 14; at >= 0; at -= 2) this.#bytes.push(Number.parseInt(digits.slice(at, at + 2), 16));
  }

  /** A number of up to 53 bits. */
  unsigned53(value: number): void {
    if (value < 2 ** 32) {
      this.unsigned(value);
      return;
    }
    this.#bytes.push(U64);
    for (let byte = 0; byte < 8; byte += 1) this.#bytes.push(Math.floor(value / 256 ** byte) % 256);
  }

  bytes(bytes: Uint8Array): void {
    this.unsigned(bytes.length);
    for (const byte of bytes) this.#bytes.push(byte);
  }

  text(text: string): void {
    this.bytes(new TextEncoder().encode(text));
  }

  list(items: readonly Uint8Array[]): void {
    this.unsigned(items.length);
    for (const item of items) this.bytes(item);
  }

  finish(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

/** Takes a message apart. */
export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new DecodeError();
    this.#at += 1;
    return byte;
  }

  flag(): boolean {
    const byte = this.byte();
    if (byte > 1) throw new DecodeError();
    return byte === 1;
  }

  /** A number of up to 32 bits. */
  unsigned(): number {
    const lead = this.byte();
    if (lead < U16) return lead;
    if (lead === U16) return this.byte() + this.byte() * 0x100;
    if (lead !== U32) throw new DecodeError();
    return this.byte() + this.byte() * 0x100 + this.byte() * 0x1_0000 + this.byte() * 0x100_0000;
  }

  /** A number of up to 53 bits. */
  unsigned53(): number {
    if (this.#bytes[this.#at] !== U64) return this.unsigned();
    this.#at += 1;
    let value = 0;
    for (let byte = 0; byte < 8; byte += 1) value += this.byte() * 256 ** byte;
    if (value > Number.MAX_SAFE_INTEGER) throw new DecodeError();
    return value;
  }

  bytes(): Uint8Array {
    const end = this.unsigned() + this.#at;
    if (end > this.#bytes.length) throw new DecodeError();
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }

  text(): string {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(this.bytes());
    } catch {
      throw new DecodeError();
    }
  }

  list(): Uint8Array[] {
    const count = this.unsigned();
    const items: Uint8Array[] = [];
    for (let item = 0; item < count; item += 1) items.push(this.bytes());
    return items;
  }
}
