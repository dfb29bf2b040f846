import { BUILT_IN_SPECIALTIES } from './labels.ts';
import type { SettingsFile } from './settings-file.ts';
import { findCircle, type SpecialtyOrder } from './specialty-order.ts';

/** Every specialty that a settings file knows: built in, with settings of its own, or led to by a label or a rule. */
export function specialtyNames({ labels, specialties, routing }: SettingsFile): Set<string> {
  return new Set([
    ...BUILT_IN_SPECIALTIES,
    ...Object.keys(specialties ?? {}),
    ...Object.values(labels ?? {}),
    ...(routing ?? []).map(({ specialty }) => specialty),
  ]);
}

/**
 * Which specialties come after which: entries of a specialty's own `needs` that name another one. A specialty that needs its own name needs
 * a capability of that name, and what stands under `defaults` is always a capability: nothing comes after everything.
 */
export function readOrder(file: SettingsFile): SpecialtyOrder {
  const names = specialtyNames(file);
  return new Map(
    Object.entries(file.specialties ?? {}).map(([name, fields]) => [
      name,
      (fields?.needs ?? []).filter((need) => need !== name && names.has(need)),
    ]),
  );
}

/** Without those that wait for one another, which only files that extend one another can bring about: a file alone is refused. */
export function readOrderWithoutCircles(file: SettingsFile): SpecialtyOrder {
  let order = readOrder(file);
  for (let circle = findCircle(order); circle !== null; circle = findCircle(order)) {
    const members = circle;
    order = new Map(
      [...order].map(([name, before]) => [
        name,
        members.includes(name) ? before.filter((one) => !members.includes(one)) : before,
      ]),
    );
  }
  return order;
}
