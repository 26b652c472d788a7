/**
 * Which tick the player's wishes are for: one input per tick, early enough to be there in time. The server tells with
 * each state which input it held; where that is an older one, inputs are sent earlier from then on.
 */

/** How many ticks before its time an input is sent, beside the way: at first, at least and at most. */
const LEAD_TICKS = 1.5;
const LEAD_TICKS_MIN = 1.25;
const LEAD_TICKS_MAX = 6;
/** What an input too late adds to the lead, and what one in time takes from it: back by a tick in half a minute. */
const LEAD_LATE_TICKS = 0.25;
const LEAD_IN_TIME_TICKS = 1 / 600;
/** Most inputs that one update catches up on. */
const CATCH_UP_MAX = 4;
/** The way counts up to this; the server takes no inputs from much farther ahead. */
const WAY_TICKS_MAX = 30;
/** Inputs are sent this far into the moment for their tick, so that timers are rarely on the wrong side of it. */
const AFTER_TICKS = 0.25;

/** Numbers inputs by the tick that they are meant for. */
export class InputSchedule {
  /** The tick of the first input, and the one that the next is for. */
  #first: number | undefined;
  #next = 0;
  #leadTicks = LEAD_TICKS;

  /** How many ticks before its time an input is sent, beside the way. */
  get leadTicks(): number {
    return this.#leadTicks;
  }

  /**
   * The ticks that inputs are due for now, where the server's clock stands at `serverTicks` and a frame takes
   * `wayTicks` to get there.
   */
  due(serverTicks: number, wayTicks: number): { readonly first: number; readonly count: number } {
    const target = Math.floor(this.#aim(serverTicks, wayTicks));
    this.#first ??= target;
    const isFar = this.#next - target > CATCH_UP_MAX || target - this.#next >= CATCH_UP_MAX;
    const first = isFar ? target : this.#next;
    if (first > target) return { first, count: 0 };
    this.#next = target + 1;
    return { first, count: target - first + 1 };
  }

  /** Ticks from now until the next input should be sent. */
  ticksUntilDue(serverTicks: number, wayTicks: number): number {
    const aim = this.#aim(serverTicks, wayTicks);
    return Math.min(Math.max(this.#next, Math.floor(aim) + 1) + AFTER_TICKS - aim, 1 + AFTER_TICKS);
  }

  /** The state of `tick` came, for which the server held the input of `applied`. */
  handleApplied(tick: number, applied: number | undefined): void {
    // Inputs of before the first, and of beyond the last, were never sent.
    if (this.#first === undefined || tick < this.#first || tick >= this.#next) return;
    const change = applied === undefined || applied < tick ? LEAD_LATE_TICKS : -LEAD_IN_TIME_TICKS;
    this.#leadTicks = Math.min(Math.max(this.#leadTicks + change, LEAD_TICKS_MIN), LEAD_TICKS_MAX);
  }

  #aim(serverTicks: number, wayTicks: number): number {
    return serverTicks + Math.min(wayTicks, WAY_TICKS_MAX) + this.#leadTicks;
  }
}
