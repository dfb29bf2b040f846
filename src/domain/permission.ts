/** What GitHub lets somebody do in a repository: `read` is also said of triage rights. */
export const PERMISSIONS = ['none', 'read', 'write', 'maintain', 'admin'] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** Whether somebody may change the repository: below that nobody starts work, whatever the settings say. */
export function mayWrite(permission: Permission | undefined): boolean {
  return permission !== undefined && isAtLeast(permission, 'write');
}

export function isAtLeast(permission: Permission, wanted: Permission): boolean {
  return PERMISSIONS.indexOf(permission) >= PERMISSIONS.indexOf(wanted);
}
