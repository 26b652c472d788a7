/** Which tick the player's wishes are for: one input per tick, early enough to be there in time. */

/** How many ticks before its time an input should arrive. */
const LEAD_TICKS = 1.5;
/** Most inputs that one update catches up on. */
const CATCH_UP_MAX = 4;

/** Numbers inputs by the tick that they are meant for. */
export class InputSchedule {
  /** The tick that the next input is for. */
  #next: number | undefined;

  /**
   * The ticks that inputs are due for now, where the server's clock stands at `serverTicks` and a frame takes
   * `wayTicks` to get there.
   */
  due(serverTicks: number, wayTicks: number): { readonly first: number; readonly count: number } {
    const target = Math.floor(serverTicks + wayTicks + LEAD_TICKS);
    const next = this.#next ?? target;
    if (next > target && next - target <= CATCH_UP_MAX) return { first: next, count: 0 };
    const first = next > target || target - next >= CATCH_UP_MAX ? target : next;
    this.#next = target + 1;
    return { first, count: target - first + 1 };
  }
}
