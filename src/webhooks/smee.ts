import { SmeeClient } from 'smee-client';
import type { Logger } from '../lib/logger.ts';

/**
 * Development behind NAT: webhooks that GitHub posts to a smee channel are posted on to `target`, with their signatures. The channel
 * is public to whoever knows its URL; the signature still keeps others' webhooks out.
 */
export async function startSmee(options: {
  /** The channel. */
  source: string;
  /** Our own webhook address. */
  target: string;
  log: Logger;
}): Promise<{ stop(): Promise<void> }> {
  const { source, target, log } = options;
  const client = new SmeeClient({
    source,
    target,
    logger: {
      info: (...parts: unknown[]) => log.debug({ smee: parts.join(' ') }, 'smee'),
      error: (...parts: unknown[]) => log.warn({ smee: parts.join(' ') }, 'smee has trouble'),
    },
  });
  try {
    await client.start();
  } catch (error) {
    throw new Error(
      `The smee channel ${source} can't be reached: check its URL, and that this machine reaches it.`,
      {
        cause: error,
      },
    );
  }
  log.info({ source }, 'Webhooks come through a smee channel; for development only');
  return {
    async stop() {
      await client.stop();
    },
  };
}
