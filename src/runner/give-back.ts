import type { DeclineReason } from '../contract/runner-api.ts';
import type { Logger } from '../lib/logger.ts';
import type { Claim, Transport } from './transport/transport.ts';

/** Gives back an attempt that was not begun. Never rejects: one that can't be given back lapses by itself. */
export async function giveBack(
  { lease, leaseSeconds }: Claim,
  reason: DeclineReason,
  detail: string,
  deps: { transport: Pick<Transport, 'decline'>; signal: AbortSignal; log: Logger },
): Promise<void> {
  const { transport, log } = deps;
  log.error({ reason, detail }, 'An attempt is given back before it was begun');
  const limit = AbortSignal.any([deps.signal, AbortSignal.timeout(leaseSeconds * 1000)]);
  await transport
    .decline(lease, reason, detail, limit)
    .catch((error: unknown) => log.warn({ err: error }, 'The attempt could not be given back; it lapses'));
}
