import type { Socket } from 'node:net';
import { Client, type ClientConfig } from 'pg';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import { backoffMs } from '../lib/retry.ts';
import { toError } from '../lib/to-error.ts';
import { openPostgresSocket } from './postgres-socket.ts';

/** How long an answer to our good-bye is waited for. */
const GOODBYE_MS = 2000;

/** A connection of its own that hears notices, and makes itself anew whenever it is lost. */
export type PostgresListener = {
  /** Resolves when it listens; rejects if the first connection fails. */
  start(): Promise<void>;
  stop(): Promise<void>;
};

export function createPostgresListener(deps: {
  config: ClientConfig;
  /** How long an answer may take, before it listens; afterwards silence is what is to be expected, and keep-alive finds out about its end. */
  silentMs: number;
  channel: string;
  /** Done on every new connection, before it listens. */
  prepare: (client: Client) => Promise<void>;
  onNotice: (text: string) => void;
  /** It listens again; notices in between are lost. */
  onReturn: () => void;
  clock: Clock;
  random: Random;
  log: Logger;
}): PostgresListener {
  const { clock, log } = deps;
  const stopping = new AbortController();
  let current: Connection | null = null;
  let staying: Promise<void> | null = null;

  async function connect(): Promise<Connection> {
    const socket = openPostgresSocket(deps.silentMs);
    const client = new Client({ ...deps.config, stream: () => socket });
    // How a connection ends is told by its end; without a listener, the error would end the process.
    client.on('error', (error) => log.debug({ err: error }, 'The listening connection failed'));
    client.on('notification', ({ payload }) => deps.onNotice(payload ?? ''));
    // Not `once`: that would reject with the error, which comes before the end.
    const ended = new Promise<void>((resolve) => client.once('end', resolve));
    try {
      await client.connect();
      await deps.prepare(client);
      await client.query(`listen ${client.escapeIdentifier(deps.channel)}`);
      socket.setTimeout(0);
      return { client, socket, ended };
    } catch (error) {
      socket.setTimeout(GOODBYE_MS);
      await client.end();
      throw error;
    }
  }

  async function stay(): Promise<void> {
    while (!stopping.signal.aborted) {
      await current?.ended;
      if (stopping.signal.aborted) return;
      log.warn({}, 'Wake-ups from other coordinators are cut off; connecting to PostgreSQL again');
      current = await reconnect();
      if (!current) return;
      log.info({}, 'Wake-ups from other coordinators come through again');
      deps.onReturn();
    }
  }

  /** Tries until it succeeds; `null` when it was stopped. */
  async function reconnect(): Promise<Connection | null> {
    for (let attempt = 1; !stopping.signal.aborted; attempt += 1) {
      try {
        return await connect();
      } catch (thrown) {
        log.warn({ err: toError(thrown), attempt }, 'Could not connect to PostgreSQL');
        const waitMs = backoffMs({
          attempt,
          baseMs: 500,
          maxMs: 10_000,
          random: () => deps.random.fraction(),
        });
        // Stopping ends the wait; the loop looks itself.
        await clock.sleep(waitMs, stopping.signal).catch(() => undefined);
      }
    }
    return null;
  }

  return {
    async start() {
      current = await connect();
      staying = stay();
    },
    async stop() {
      stopping.abort();
      current?.socket.setTimeout(GOODBYE_MS);
      await current?.client.end();
      await staying;
      // One that came about just then.
      await current?.client.end();
    },
  };
}

type Connection = { client: Client; socket: Socket; ended: Promise<void> };
