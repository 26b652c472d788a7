/** What a connection did so far, counted. */

/** What went over the connection so far, and what came of it. */
export interface Stats {
  framesIn: number;
  bytesIn: number;
  framesOut: number;
  bytesOut: number;
  /** Worlds that were compared with the server's and were the same. */
  checksums: number;
  /** Worlds that were not what the server believed, or could not be read; each was healed by a fresh one. */
  desyncs: number;
  /** Pictures for which `advance` was called, and those of them that waited for a state. */
  pictures: number;
  heldPictures: number;
  /** Time spent so far on frames and on `advance`. */
  workMs: number;
}

/** Nothing yet. */
export function noStats(): Stats {
  return {
    framesIn: 0,
    bytesIn: 0,
    framesOut: 0,
    bytesOut: 0,
    checksums: 0,
    desyncs: 0,
    pictures: 0,
    heldPictures: 0,
    workMs: 0,
  };
}
