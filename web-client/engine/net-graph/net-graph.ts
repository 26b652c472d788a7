/**
 * The net graph: how the connection does, drawn in a corner of the page, with a field to make the network worse on
 * purpose. F3 shows and hides it. Any game has it by these lines:
 *
 *     const netGraph = new NetGraph(document.body);
 *     const client = connect({ …, lag: () => netGraph.lag });
 *     netGraph.watch(client);
 *     // before each picture:
 *     netGraph.draw(nowMs);
 */

import { type Lag, NO_LAG, parseLag } from '../lag.ts';
import type { Rung } from '../transport.ts';
import { History, type Watched } from './history.ts';
import { HEIGHT, type Measure, type Palette, paint, WIDTH } from './painter.ts';

/** A client, as far as the graph looks at it. */
export interface WatchedClient extends Watched {
  readonly transport: Rung | undefined;
}

/** What a game may say of its graph. */
export interface NetGraphOptions {
  /** A bad network to begin with, in the words of `parseLag`: what the page's address says after `?lag=`. */
  readonly lag?: string | undefined;
  /** How the game's places are counted. */
  readonly measure?: Measure;
}

/** Pictures of the graph in a second are fewer than the game's: nobody reads faster. */
const DRAW_EVERY_MS = 100;

/** Networks to choose from. */
const PRESETS: readonly (readonly [words: string, name: string])[] = [
  ['off', 'as it is'],
  ['100', '100 ms'],
  ['250,jitter:30', '250 ms ± 30 ms'],
  ['100,jitter:40,stall:1/200', 'with stalls'],
  ['80,jitter:20,burst:2/25/200', 'mobile, losing in bursts'],
  ['60,rate:4', '4 KiB a second'],
];

/** Names of transports for people. */
const RUNG_NAMES: Readonly<Record<Rung, string>> = {
  websocket: 'WebSocket',
  stream: 'stream',
  'long-poll': 'long poll',
  poll: 'poll',
};

/** The graph in its corner. */
export class NetGraph {
  readonly #panel: HTMLElement;
  readonly #state: HTMLElement;
  readonly #context: CanvasRenderingContext2D | null;
  readonly #field: HTMLInputElement;
  readonly #measure: Measure;
  readonly #history = new History();
  #client: WatchedClient | undefined;
  #palette: Palette | undefined;
  #lag: Lag = NO_LAG;
  #drawnAtMs = 0;

  constructor(host: Element, { lag = '', measure = { name: '', size: 1 } }: NetGraphOptions = {}) {
    this.#measure = measure;
    this.#panel = element('section', 'net-graph');
    this.#panel.setAttribute('aria-label', 'Network');
    this.#panel.hidden = true;
    this.#state = element('output', 'net-graph__state');
    const canvas = element('canvas', 'net-graph__picture');
    const ratio = ratioOf();
    canvas.width = WIDTH * ratio;
    canvas.height = HEIGHT * ratio;
    this.#context = canvas.getContext('2d');
    this.#field = element('input', 'net-graph__lag');
    this.#panel.append(this.#head(), canvas, this.#form());
    host.append(this.#panel);
    this.#field.value = lag;
    this.#takeLag();
    window.addEventListener('keydown', (event) => {
      if (event.key !== 'F3') return;
      event.preventDefault();
      this.toggle();
    });
  }

  /** The bad network that is asked for; one that adds nothing, where none is. */
  get lag(): Lag {
    return this.#lag;
  }

  /** Whether it shows. */
  get isOpen(): boolean {
    return !this.#panel.hidden;
  }

  /** Looks at this client from now on. */
  watch(client: WatchedClient): void {
    this.#client = client;
    this.#history.clear();
  }

  /** Shows it, or hides it where it shows. */
  toggle(): void {
    this.#panel.hidden = !this.#panel.hidden;
    this.#palette ??= paletteOf(this.#panel);
    this.#drawnAtMs = 0;
  }

  /** To be called for each picture of the game; cheap while it is hidden. */
  draw(nowMs: number): void {
    const client = this.#client;
    if (client === undefined) return;
    this.#history.note(client, nowMs);
    if (this.#panel.hidden || this.#context === null || this.#palette === undefined) return;
    if (nowMs - this.#drawnAtMs < DRAW_EVERY_MS) return;
    this.#drawnAtMs = nowMs;
    paint(this.#context, ratioOf(), this.#history, client, nowMs, this.#palette, this.#measure);
    this.#say(client);
  }

  #say({ transport, stats }: WatchedClient): void {
    const work = this.#history.perSecond('workMs') / Math.max(1, this.#history.perSecond('pictures'));
    const way = transport === undefined ? 'no connection' : RUNG_NAMES[transport];
    const worlds = stats.desyncs === 0 ? `in step (${stats.checksums})` : `${stats.desyncs} desyncs`;
    const text = `${way} · ${worlds} · ${work.toFixed(1)} ms work`;
    if (this.#state.textContent !== text) this.#state.textContent = text;
    const health = transport === undefined ? 'none' : stats.desyncs === 0 ? 'good' : 'bad';
    if (this.#panel.getAttribute('data-health') !== health) this.#panel.setAttribute('data-health', health);
  }

  #head(): HTMLElement {
    const head = element('header', 'net-graph__head');
    const title = element('h2', 'net-graph__title');
    title.textContent = 'Network';
    head.append(title, this.#state);
    return head;
  }

  #form(): HTMLElement {
    const form = element('form', 'net-graph__form');
    const label = element('label', 'net-graph__label');
    label.textContent = 'Make it worse';
    const choice = element('select', 'net-graph__choice');
    choice.setAttribute('aria-label', 'Networks to choose from');
    for (const [words, name] of [['', 'choose'] as const, ...PRESETS]) {
      const option = element('option', 'net-graph__option');
      option.value = words;
      option.textContent = name;
      choice.append(option);
    }
    this.#field.id = 'net-graph-lag';
    this.#field.placeholder = '100,jitter:40,stall:1/200';
    this.#field.spellcheck = false;
    label.setAttribute('for', this.#field.id);
    choice.addEventListener('change', () => {
      this.#field.value = choice.value;
      this.#takeLag();
      choice.value = '';
      choice.blur();
    });
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      if (this.#takeLag()) this.#field.blur();
    });
    form.append(label, this.#field, choice);
    return form;
  }

  #takeLag(): boolean {
    const lag = parseLag(this.#field.value);
    this.#field.setAttribute('aria-invalid', String(lag === undefined));
    if (lag === undefined) return false;
    this.#lag = lag;
    return true;
  }
}

function element<Name extends keyof HTMLElementTagNameMap>(name: Name, className: string): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  made.className = className;
  return made;
}

/** The page's colours, as its style sheets name them; browsers that know no names get ours. */
function paletteOf(panel: HTMLElement): Palette {
  const style = getComputedStyle(panel);
  const colour = (name: string, otherwise: string): string => style.getPropertyValue(name).trim() || otherwise;
  return {
    text: colour('--text', '#e9f0fb'),
    soft: colour('--text-soft', '#a9b8d2'),
    edge: colour('--edge', 'rgba(140, 180, 240, 0.16)'),
    font: style.fontFamily || 'sans-serif',
    ping: colour('--cyan', '#45d5ee'),
    delay: colour('--amber', '#ffb020'),
    frames: colour('--good', '#7df0a8'),
    warn: colour('--warn', '#ffd166'),
    bad: colour('--bad', '#ff6b6b'),
  };
}

function ratioOf(): number {
  return Math.min(Math.max(window.devicePixelRatio || 1, 1), 2);
}
