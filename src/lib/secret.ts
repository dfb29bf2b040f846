import { createHash, timingSafeEqual } from 'node:crypto';
import type { Random } from './random.ts';

/** 256 bits that nobody can guess, as text that fits in a header. */
export function createSecret(random: Random): string {
  return Buffer.from(random.bytes(32)).toString('base64url');
}

/** What is kept of a secret: enough to recognise it, useless to whoever reads the store. The secrets are random, so no salt is needed. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Whether `secret` is the one whose hash is kept; takes the same time whatever the answer. `null` matches nothing. */
export function matchesSecret(secret: string, keptHash: string | null): boolean {
  const given = Buffer.from(hashSecret(secret));
  const kept = Buffer.from(keptHash ?? hashSecret(''));
  return given.length === kept.length && timingSafeEqual(given, kept) && keptHash !== null;
}
