import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AttemptId, JobId } from '../../contract/identifiers.ts';
import type { JobPreview } from '../../contract/job.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { createWorkspaces } from '../workspace/create-workspaces.ts';

/** A folder with the files of the base, for looking only. */
export type Checkout = { folder: string; notes: readonly string[]; remove(): Promise<void> };

/** Checks the base out into a folder of its own, the way attempts do it, beside all that the daemon has. Throws when git can't. */
export async function checkOutBase(
  preview: JobPreview,
  deps: {
    /** '' = as anybody, which public repositories allow. */
    token: string;
    sshKeyFile: string | null;
    machineEnv: Readonly<Record<string, string | undefined>>;
    clock: Clock;
    log: Logger;
    signal: AbortSignal;
  },
): Promise<Checkout> {
  const root = await mkdtemp(join(tmpdir(), 'yardmaster-context-'));
  const remove = (): Promise<void> => rm(root, { recursive: true, force: true });
  const { log, clock, machineEnv, sshKeyFile } = deps;
  const workspaces = createWorkspaces({
    root,
    log,
    clock,
    machineEnv,
    ...(sshKeyFile === null ? {} : { sshKeyFile }),
  });
  // There is no attempt: nothing of this is seen by anybody.
  const spec = {
    ...preview,
    jobId: JobId.parse(randomUUID()),
    attemptId: AttemptId.parse(randomUUID()),
    attemptNumber: 1,
    branch: 'agent/preview',
    startCommit: preview.base.commit,
    checkRun: { id: 1, name: '', externalId: '', appId: 1 },
    commitAuthor: { name: 'nobody', email: 'nobody@localhost' },
  };
  try {
    const workspace = await workspaces.open(spec, async () => deps.token, deps.signal);
    return { folder: workspace.folder, notes: workspace.notes, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
