/**
 * Sounds, made on the spot from oscillators and noise. Nothing plays before the player has touched something, as
 * browsers demand; what happens further away is quieter, and comes from its side.
 */

/** Beyond this distance from the middle of the screen nothing is heard, in units. */
const HEARING_UNITS = 900;

/** A distance at which a sound is fully on one side, in units. */
const SIDE_UNITS = 700;

/** Sounds at once; a battle with more is noise anyway. */
const VOICES_MAX = 20;

const MASTER_GAIN = 0.32;

const STORAGE_KEY = 'tickwire-arena-muted';

/** One layer of a sound. */
interface Layer {
  /** What swings: a wave with its pitch at start and end in hertz, or noise with its filter's. */
  readonly wave: OscillatorType | 'noise';
  readonly from: number;
  readonly to: number;
  readonly gain: number;
  readonly seconds: number;
}

const SHOT: readonly Layer[] = [
  { wave: 'square', from: 880, to: 180, gain: 0.1, seconds: 0.11 },
  { wave: 'noise', from: 5200, to: 1500, gain: 0.09, seconds: 0.06 },
];
const HIT: readonly Layer[] = [
  { wave: 'noise', from: 2600, to: 500, gain: 0.34, seconds: 0.13 },
  { wave: 'triangle', from: 320, to: 90, gain: 0.22, seconds: 0.12 },
];
const ROCK: readonly Layer[] = [
  { wave: 'noise', from: 900, to: 110, gain: 0.6, seconds: 0.5 },
  { wave: 'sine', from: 110, to: 42, gain: 0.45, seconds: 0.4 },
];
const WRECK: readonly Layer[] = [
  { wave: 'noise', from: 2400, to: 80, gain: 0.8, seconds: 1.1 },
  { wave: 'sine', from: 150, to: 30, gain: 0.8, seconds: 0.9 },
  { wave: 'sawtooth', from: 420, to: 50, gain: 0.12, seconds: 0.45 },
];
const KILL: readonly Layer[] = [
  { wave: 'triangle', from: 660, to: 660, gain: 0.16, seconds: 0.14 },
  { wave: 'triangle', from: 990, to: 990, gain: 0.16, seconds: 0.3 },
];
const SPAWN: readonly Layer[] = [
  { wave: 'sine', from: 240, to: 720, gain: 0.2, seconds: 0.35 },
  { wave: 'triangle', from: 480, to: 1440, gain: 0.06, seconds: 0.35 },
];

/** The speaker. */
export class Sound {
  #context: AudioContext | undefined;
  #master: GainNode | undefined;
  #noise: AudioBuffer | undefined;
  #engine: GainNode | undefined;
  #voices = 0;
  #isMuted = recallMuted();

  /** Whether the player wants silence. */
  get isMuted(): boolean {
    return this.#isMuted;
  }

  /** Starts the audio; call it from a click or key press. */
  start(): void {
    if (this.#context !== undefined) {
      void this.#context.resume();
      return;
    }
    if (typeof AudioContext === 'undefined') return;
    const context = new AudioContext();
    const master = context.createGain();
    master.gain.value = this.#isMuted ? 0 : MASTER_GAIN;
    const limiter = context.createDynamicsCompressor();
    master.connect(limiter).connect(context.destination);
    this.#context = context;
    this.#master = master;
    this.#noise = makeNoise(context);
    this.#engine = makeEngine(context, this.#noise, master);
  }

  /** Turns sound off or on again, and returns whether it is off. */
  toggleMute(): boolean {
    this.#isMuted = !this.#isMuted;
    if (this.#context !== undefined) {
      this.#master?.gain.setTargetAtTime(this.#isMuted ? 0 : MASTER_GAIN, this.#context.currentTime, 0.02);
    }
    rememberMuted(this.#isMuted);
    return this.#isMuted;
  }

  /** The own engine, on or off. */
  engine(isOn: boolean): void {
    if (this.#context === undefined) return;
    this.#engine?.gain.setTargetAtTime(isOn ? 0.2 : 0, this.#context.currentTime, 0.06);
  }

  /** Distances are units right of and below the middle of the screen. */
  shot(right: number, below: number): void {
    this.#play(SHOT, right, below);
  }

  hit(right: number, below: number): void {
    this.#play(HIT, right, below);
  }

  rockBroke(right: number, below: number): void {
    this.#play(ROCK, right, below);
  }

  shipBroke(right: number, below: number): void {
    this.#play(WRECK, right, below);
  }

  /** The player wrecked somebody. */
  kill(): void {
    this.#play(KILL, 0, 0);
  }

  /** The player has a new ship. */
  spawn(): void {
    this.#play(SPAWN, 0, 0);
  }

  #play(layers: readonly Layer[], right: number, below: number): void {
    const { loudness, side } = placed(right, below);
    const context = this.#context;
    if (context === undefined || this.#master === undefined || this.#isMuted) return;
    if (loudness === 0 || this.#voices >= VOICES_MAX || context.state !== 'running') return;
    const panner = context.createStereoPanner();
    panner.pan.value = side;
    panner.connect(this.#master);
    let longest = 0;
    for (const layer of layers) {
      this.#startLayer(context, layer, loudness, panner);
      longest = Math.max(longest, layer.seconds);
    }
    this.#voices += 1;
    setTimeout(
      () => {
        this.#voices -= 1;
        panner.disconnect();
      },
      longest * 1000 + 80,
    );
  }

  #startLayer(context: AudioContext, layer: Layer, loudness: number, target: AudioNode): void {
    const now = context.currentTime;
    const end = now + layer.seconds;
    const gain = context.createGain();
    gain.gain.setValueAtTime(layer.gain * loudness, now);
    gain.gain.exponentialRampToValueAtTime(0.0008, end);
    gain.connect(target);
    // A little out of tune each time, so that a volley does not sound like a machine.
    const detune = 0.94 + Math.random() * 0.12;
    if (layer.wave === 'noise') {
      const source = context.createBufferSource();
      source.buffer = this.#noise ?? null;
      source.loop = true;
      const filter = context.createBiquadFilter();
      filter.type = 'lowpass';
      filter.frequency.setValueAtTime(layer.from * detune, now);
      filter.frequency.exponentialRampToValueAtTime(layer.to * detune, end);
      source.connect(filter).connect(gain);
      source.start(now, Math.random());
      source.stop(end);
    } else {
      const source = context.createOscillator();
      source.type = layer.wave;
      source.frequency.setValueAtTime(layer.from * detune, now);
      source.frequency.exponentialRampToValueAtTime(layer.to * detune, end);
      source.connect(gain);
      source.start(now);
      source.stop(end);
    }
  }
}

/** Loudness 0 to 1 and side −1 to 1 of something at a distance from the middle of the screen. */
export function placed(right: number, below: number): { readonly loudness: number; readonly side: number } {
  const nearness = Math.max(0, 1 - Math.hypot(right, below) / HEARING_UNITS);
  return { loudness: nearness * nearness, side: Math.max(-1, Math.min(1, right / SIDE_UNITS)) };
}

function makeNoise(context: AudioContext): AudioBuffer {
  const buffer = context.createBuffer(1, context.sampleRate * 2, context.sampleRate);
  const samples = buffer.getChannelData(0);
  for (let at = 0; at < samples.length; at += 1) samples[at] = Math.random() * 2 - 1;
  return buffer;
}

/** A low rumble that is always there, at first with its gain at zero. */
function makeEngine(context: AudioContext, noise: AudioBuffer, target: AudioNode): GainNode {
  const source = context.createBufferSource();
  source.buffer = noise;
  source.loop = true;
  const filter = context.createBiquadFilter();
  filter.type = 'lowpass';
  filter.frequency.value = 210;
  const gain = context.createGain();
  gain.gain.value = 0;
  source.connect(filter).connect(gain).connect(target);
  source.start();
  return gain;
}

function recallMuted(): boolean {
  try {
    return localStorage.getItem(STORAGE_KEY) === 'true';
  } catch {
    // Storage may be forbidden.
    return false;
  }
}

function rememberMuted(isMuted: boolean): void {
  try {
    localStorage.setItem(STORAGE_KEY, String(isMuted));
  } catch {
    // As above.
  }
}
