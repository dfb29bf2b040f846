import type { PermissionLevel, Permissions } from '../world.ts';

const order: readonly PermissionLevel[] = ['read', 'write', 'admin'];

/** Whether a granted level is enough for the wanted one. */
export function levelCovers(granted: PermissionLevel, wanted: PermissionLevel): boolean {
  return order.indexOf(granted) >= order.indexOf(wanted);
}

/** Whether all of the wanted permissions are granted. */
export function permissionsCover(granted: Permissions, wanted: Permissions): boolean {
  return Object.entries(wanted).every(([name, level]) => {
    const have = granted[name];
    return have !== undefined && levelCovers(have, level);
  });
}
