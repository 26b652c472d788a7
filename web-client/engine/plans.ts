/** How components of a game are read from its replica: worked out once from the protocol. */

import { type Bend, bendsOf, isMoving } from './interpolation.ts';
import { hasComponent } from './replica/values.ts';
import type { FieldData, FieldKind, Protocol } from './schema.ts';

/** How a field of a component is read. */
export interface FieldPlan {
  readonly name: string;
  readonly kind: FieldKind;
  readonly data: FieldData;
  /** First place among the moving lanes of its group; −1 where it is not drawn between states. */
  readonly moving: number;
}

/** How a component is read. */
export interface ComponentPlan {
  readonly number: number;
  readonly name: string;
  readonly group: number;
  readonly fields: readonly FieldPlan[];
  /** Those of them that are drawn between states. */
  readonly moving: readonly FieldPlan[];
}

/** How everything is read. */
export interface Plans {
  readonly components: readonly ComponentPlan[];
  /** Lanes that are drawn between states, by group. */
  readonly moving: readonly (readonly Bend[])[];
}

/** Works them out. */
export function plansOf(protocol: Protocol): Plans {
  const moving: Bend[][] = protocol.model.groups.map(() => []);
  const components = protocol.components.map(({ name, fields }, number) => {
    const group = protocol.model.groups.findIndex(({ mask }) => hasComponent(mask[0], mask[1], number));
    const data = protocol.model.groups[group]!.record.fields.filter((field) => field.component === number);
    const lanes = moving[group]!;
    const plans = fields.map((field, at): FieldPlan => {
      if (!isMoving(field.kind, data[at]!)) return { ...field, data: data[at]!, moving: -1 };
      const first = lanes.length;
      lanes.push(...bendsOf(field.kind));
      return { ...field, data: data[at]!, moving: first };
    });
    return { number, name, group, fields: plans, moving: plans.filter((plan) => plan.moving >= 0) };
  });
  return { components, moving };
}
