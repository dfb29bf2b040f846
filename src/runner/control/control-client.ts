import path from 'node:path';
import { z } from 'zod';
import { WireError } from '../../contract/wire-error.ts';
import { requestSocket, type SocketAnswer } from '../../lib/request-socket.ts';
import { type InventoryItem, ITEM_KINDS } from '../workspace/inventory.ts';
import { RunnerStatus } from './runner-status.ts';

const ANSWER_MS = 10_000;
/** For a new key, with repeats. */
export const ROTATE_MS = 60_000;

/** The control socket of the runner that works in a workspace root. Whoever may open it may use it. */
export function controlSocket(workspaceRoot: string): string {
  return path.join(workspaceRoot, '.yardmaster', 'control.sock');
}

/** Why the runner on this machine could not be asked; the message says what to do. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
  /** Whether no runner runs there at all. */
  readonly isAway: boolean;
  constructor(message: string, options: { isAway?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.isAway = options.isAway ?? false;
  }
}

export type ControlClient = ReturnType<typeof createControlClient>;

/** Counting and removing some hundred thousand files takes its time. */
const DISK_MS = 10 * 60_000;

const Items = z.object({
  items: z.array(
    z.object({
      kind: z.enum(ITEM_KINDS),
      name: z.string(),
      path: z.string(),
      bytes: z.number(),
      usedMs: z.number(),
      isInUse: z.boolean(),
    }),
  ),
});

const Changed = z.object({ changed: z.boolean() });

/** Speaks to the runner that works in `workspaceRoot`. Every call throws `ControlError` when none runs there, or it refuses. */
export function createControlClient(workspaceRoot: string) {
  const socket = controlSocket(workspaceRoot);

  async function call<T extends z.ZodType>(
    method: 'GET' | 'POST',
    route: string,
    schema: T,
    body?: unknown,
    timeoutMs = ANSWER_MS,
  ): Promise<z.output<T>> {
    let answer: SocketAnswer;
    try {
      answer = await requestSocket(socket, { method, path: route, body, timeoutMs });
    } catch (error) {
      throw explainConnection(error as NodeJS.ErrnoException, workspaceRoot);
    }
    if (answer.status >= 400) throw new ControlError(toMessage(answer));
    return schema.parse(JSON.parse(answer.text));
  }

  return {
    status: () => call('GET', '/status', RunnerStatus),
    pause: (reason: string | null) => call('POST', '/pause', z.object({}), { reason }),
    /** `changed: false`: it was not paused. */
    resume: () => call('POST', '/resume', Changed),
    /** `changed: false`: it is draining already. */
    drain: () => call('POST', '/drain', Changed),
    rotateKey: () =>
      call('POST', '/rotate-key', z.object({ isConfirmed: z.boolean() }), undefined, 2 * ROTATE_MS),
    workspaces: async (): Promise<InventoryItem[]> =>
      (await call('GET', '/workspaces', Items, undefined, DISK_MS)).items,
    /** Answers what was removed, or would be. */
    prune: async (wish: { unusedMs: number; isDryRun: boolean }): Promise<InventoryItem[]> =>
      (await call('POST', '/workspaces/prune', Items, wish, DISK_MS)).items,
  };
}

function explainConnection(error: NodeJS.ErrnoException, workspaceRoot: string): Error {
  const { code = '' } = error;
  if (['ENOENT', 'ECONNREFUSED', 'ENOTDIR'].includes(code)) {
    return new ControlError(
      `no runner runs in ${workspaceRoot}. Start it with “yardmaster runner run” (or its service), or name another runner.yml with --config.`,
      { isAway: true, cause: error },
    );
  }
  if (code === 'EACCES') {
    return new ControlError(
      `you may not open ${controlSocket(workspaceRoot)}: run this as the user that the runner runs as, or as root.`,
      { cause: error },
    );
  }
  if (code === 'ETIMEDOUT') {
    return new ControlError(`the runner in ${workspaceRoot} did not answer in time.`, { cause: error });
  }
  return error;
}

function toMessage(answer: SocketAnswer): string {
  try {
    return WireError.parse(JSON.parse(answer.text)).error.message;
  } catch {
    return `the runner answered ${answer.status}: ${answer.text.slice(0, 300)}`;
  }
}
