/**
 * What a game declares to have its player predicted, and the part that does it: finds in each state what the player
 * controls, keeps `predictor.ts` ahead of it and `shots.ts` beside it, and draws both in the player's present.
 */

import type { Newest } from './newest.ts';
import { type Corrections, Predictor, type Word } from './predictor.ts';
import type { Rules, Words } from './rules.ts';
import { type ShotOptions, Shots } from './shots.ts';
import type { EntityBase, NetId, World } from './world.ts';

/** What a game declares. */
export interface PredictionOptions<E extends EntityBase, Input> {
  /** What moves the player; undefined, now or later: nothing is predicted. */
  readonly rules: Rules | undefined | Promise<Rules | undefined>;
  /** What each word of the rules' state is. */
  readonly words: readonly Word[];
  /** Places farther apart than this are not the same way. */
  readonly jump: number;
  /** How far the server's words may be from those predicted; 0 for rules in whole numbers. */
  readonly tolerance?: number;
  /** What the player controls. */
  readonly own: (newest: Newest<E>) => NetId | undefined;
  /** Writes it down as the words of a state; those that only steps say are left as they are. */
  readonly read: (own: E, state: Words, newest: Newest<E>) => void;
  /** Writes an input down as words. */
  readonly command: (input: Input, words: Words) => void;
  /** Puts the entity that is drawn where the words say, which lie between two ticks. */
  readonly show: (own: E, drawn: Words) => void;
  /** What it lets off. */
  readonly shots?: ShotOptions<E>;
}

/** What the player controls, ahead of the server. */
export class Prediction<E extends EntityBase, Input> {
  readonly #options: PredictionOptions<E, Input>;
  readonly #world: World<E>;
  readonly #look: (tick: number) => Input;
  readonly #shots: Shots<E> | undefined;
  #predictor: Predictor | undefined;
  #own: NetId | undefined;
  #state: Words = new Float64Array(0);
  #command: Words = new Float64Array(0);

  /** `look` says what the player wants just now for a tick that is not due yet. */
  constructor(options: PredictionOptions<E, Input>, world: World<E>, look: (tick: number) => Input) {
    this.#options = options;
    this.#world = world;
    this.#look = look;
    this.#shots = options.shots === undefined ? undefined : new Shots(options.shots, world);
    if (options.rules instanceof Promise) void options.rules.then((rules) => this.#begin(rules));
    else this.#begin(options.rules);
  }

  /** The state after the newest input; undefined while nothing is predicted. */
  get state(): Words | undefined {
    return this.#predictor?.state(this.#predictor.tick);
  }

  /** How wrong it was so far; undefined where there are no rules. */
  get corrections(): Readonly<Corrections> | undefined {
    return this.#predictor?.corrections;
  }

  /** The player's input for a tick, which is final. */
  commit(tick: number, input: Input): void {
    const predictor = this.#predictor;
    if (predictor === undefined) return;
    this.#options.command(input, this.#command);
    predictor.commit(tick, this.#command);
    this.#handleStep(tick);
  }

  /** The world has taken a state. */
  handleState(): void {
    const predictor = this.#predictor;
    if (predictor === undefined) return;
    const { newest } = this.#world;
    const netId = this.#options.own(newest);
    if (netId !== this.#own) {
      predictor.clear();
      this.#own = netId;
    }
    const own = newest.find(netId);
    if (own !== undefined && netId !== undefined) {
      this.#state.fill(0);
      this.#options.read(own, this.#state, newest);
      if (newest.isCurrent && !predictor.handleState(newest.tick, this.#state)) {
        for (let tick = newest.tick + 1; tick <= predictor.tick; tick += 1) this.#handleStep(tick);
      }
      if (predictor.isSet) this.#world.bringForward(netId, false);
    }
    this.#shots?.handleState(newest, netId);
  }

  /** Draws the moment `present`, in ticks with fraction. */
  draw(present: number, nowMs: number): void {
    const predictor = this.#predictor;
    if (predictor === undefined) return;
    const own = this.#world.find(this.#own);
    if (predictor.isSet && own !== undefined) {
      const next = predictor.tick + 1;
      this.#options.command(this.#look(next), this.#command);
      predictor.look(this.#command);
      this.#handleStep(next);
      this.#options.show(own, predictor.draw(present, nowMs));
    }
    this.#shots?.draw(present, this.#own);
  }

  #begin(rules: Rules | undefined): void {
    if (rules === undefined) return;
    const { words, jump, tolerance = 0 } = this.#options;
    this.#predictor = new Predictor({ rules, words, jump, tolerance });
    this.#state = new Float64Array(rules.stateWords);
    this.#command = new Float64Array(rules.inputWords);
  }

  #handleStep(tick: number): void {
    const own = this.#world.find(this.#own);
    const state = this.#predictor?.state(tick);
    if (own !== undefined && state !== undefined) this.#shots?.handleStep(tick, state, own);
  }
}
