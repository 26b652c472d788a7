/** What an entering sub-entity is: its group and which components it has. See `entry.rs`. */

import type { Mask, ModelData } from '../schema.ts';
import { FrameError } from './frame-error.ts';
import type { Decoder } from './rans.ts';
import { SubEntity } from './slot.ts';
import { hasComponent } from './values.ts';

/** Decodes group and mask: a sub-entity that enters at `tick`, all zero as yet. */
export function takeSubEntity(decoder: Decoder, model: ModelData, tick: number): SubEntity {
  const archetype = decoder.symbol(model.frame.archetype[0]);
  if (archetype > 0) {
    const known = model.archetypes[archetype - 1];
    if (known === undefined) throw new FrameError('malformed');
    return new SubEntity(known.group, model.groups[known.group]!, known.mask, archetype, tick);
  }
  const number = decoder.symbol(model.frame.group[0]);
  const group = model.groups[number];
  if (group === undefined) throw new FrameError('malformed');
  const mask = takeMask(decoder, model, group.mask);
  return new SubEntity(number, group, mask, archetypeOf(model, number, mask), tick);
}

function takeMask(decoder: Decoder, model: ModelData, members: Mask): Mask {
  let [low, high] = [0, 0];
  for (let component = 0; component < 64; component += 1) {
    if (!hasComponent(members[0], members[1], component)) continue;
    if (!decoder.flag(model.frame.component[0])) continue;
    if (component < 32) low = (low | (1 << component)) >>> 0;
    else high = (high | (1 << (component - 32))) >>> 0;
  }
  if (low === 0 && high === 0) throw new FrameError('malformed');
  return [low, high];
}

/** Number of an archetype: 0 where the dictionary has none. */
function archetypeOf({ archetypes }: ModelData, group: number, mask: Mask): number {
  return (
    1 + archetypes.findIndex((known) => known.group === group && known.mask[0] === mask[0] && known.mask[1] === mask[1])
  );
}
