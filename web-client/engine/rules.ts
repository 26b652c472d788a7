/**
 * A game's rules as the browser runs them: one tick of what a player controls, from a state and an input, in words that
 * the game chose. They may be a WebAssembly module, built from the rules that the server runs, or written in TypeScript.
 */

/** Numbers in an order that the game chose. Whole numbers of up to 53 bits are exact in it, and so are those of a float game. */
export type Words = Float64Array;

/** What moves what a player controls. */
export interface Rules {
  /** How many words a state and an input have. */
  readonly stateWords: number;
  readonly inputWords: number;
  /** Takes a state on by one tick, in place. The same words in always give the same words out. */
  step(state: Words, input: Words): void;
}

/** What the module of `WasmRules` exports, all of it plain C. */
interface RulesExports {
  readonly memory: WebAssembly.Memory;
  /** Where the words of the state are, 32 bits each, and how many there are. */
  state(): number;
  state_words(): number;
  /** The same of the input. */
  input(): number;
  input_words(): number;
  /** Takes the state on by one tick, as the input says. */
  step(): void;
}

/** Rules in a WebAssembly module. */
export class WasmRules implements Rules {
  readonly stateWords: number;
  readonly inputWords: number;
  readonly #step: () => void;
  readonly #state: Int32Array;
  readonly #input: Int32Array;

  /** Compiles a module. Throws where it is none, or lacks something. */
  static async compile(bytes: BufferSource): Promise<WasmRules> {
    const { instance } = await WebAssembly.instantiate(bytes, {});
    return new WasmRules(instance.exports as unknown as RulesExports);
  }

  private constructor(exports: RulesExports) {
    this.stateWords = exports.state_words();
    this.inputWords = exports.input_words();
    const { buffer } = exports.memory;
    // The module takes no memory later, so that these views stay good.
    this.#state = new Int32Array(buffer, exports.state(), this.stateWords);
    this.#input = new Int32Array(buffer, exports.input(), this.inputWords);
    this.#step = () => exports.step();
  }

  step(state: Words, input: Words): void {
    this.#state.set(state);
    this.#input.set(input);
    this.#step();
    state.set(this.#state);
  }
}

/** Fetches rules; undefined in browsers that cannot run them, and where they cannot be had: one plays unpredicted then. */
export async function loadRules(address: string): Promise<Rules | undefined> {
  if (typeof WebAssembly === 'undefined' || typeof fetch === 'undefined') return undefined;
  try {
    const response = await fetch(address);
    if (!response.ok) throw new Error(`the answer was ${response.status}`);
    return await WasmRules.compile(await response.arrayBuffer());
  } catch (error) {
    console.warn('tickwire: no rules, so that nothing is predicted:', error);
    return undefined;
  }
}
