/** When something that moves comes near something else, in any number of dimensions. */

/**
 * The share of the way from one place to another at which it first comes as near as `distance` to `middle`; 0 where it is
 * that near from the start, undefined where it never is.
 */
export function contact(
  from: readonly number[],
  to: readonly number[],
  middle: readonly number[],
  distance: number,
): number | undefined {
  // Solves |from + share · way − middle|² = distance² for the smaller share.
  let wayWay = 0;
  let wayGap = 0;
  let gapGap = 0;
  for (let axis = 0; axis < from.length; axis += 1) {
    const way = to[axis]! - from[axis]!;
    const gap = from[axis]! - middle[axis]!;
    wayWay += way * way;
    wayGap += way * gap;
    gapGap += gap * gap;
  }
  const beyond = gapGap - distance * distance;
  if (beyond <= 0) return 0;
  const root = wayGap * wayGap - wayWay * beyond;
  if (wayGap >= 0 || root < 0) return undefined;
  const share = (-wayGap - Math.sqrt(root)) / wayWay;
  return share <= 1 ? share : undefined;
}
