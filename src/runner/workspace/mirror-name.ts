import { createHash } from 'node:crypto';
import type { SubmoduleRepository } from '../../domain/submodule-address.ts';

/** The folder of a mirror: a repository's number, and which of its mirrors it is when not the ordinary one. */
export const MIRROR_NAME = /^[0-9]+(?:\.[a-z0-9-]+)?\.git$/;

/** The mirror in which contents are only fetched when they are needed. */
export const PARTIAL = 'partial';

/**
 * The mirror of a submodule. Every repository has its own: what the token of one can read, that of another may not.
 */
export function toSubmoduleVariant({ owner, name }: SubmoduleRepository): string {
  const id = createHash('sha256').update(`${owner}/${name}`.toLowerCase()).digest('hex');
  return `sub-${id.slice(0, 32)}`;
}
