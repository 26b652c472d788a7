/** Why bytes are not a state frame for this replica. */
export class FrameError extends Error {
  readonly kind: 'malformed' | 'out of range' | 'too large' | 'no base';

  constructor(kind: FrameError['kind']) {
    super(`state frame: ${kind}`);
    this.name = 'FrameError';
    this.kind = kind;
  }
}

/** Bounds on what a server may make this side keep; the same as on the Rust side. */
export const LIMITS = {
  frameBytes: 1024 * 1024,
  frameSymbols: 1 << 22,
  entities: 0xffff,
  replicaCodes: 1 << 24,
  replicaSequenceCodes: 1 << 22,
  eventsPerFrame: 4096,
  reportBytes: 8 * 1024,
} as const;
