import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { JobSpec } from '../../src/contract/job.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createWorkspaces, type WorkspacesOptions } from '../../src/runner/workspace/create-workspaces.ts';
import type { Workspace, Workspaces } from '../../src/runner/workspace/workspace-types.ts';
import { type GitServer, startGitServer } from './git-server.ts';
import { aRepository } from './job-builders.ts';
import { aJobSpec } from './job-spec.ts';
import { createTestLogger } from './test-logger.ts';

const exec = promisify(execFile);

export const TOKEN = 'ghs_abcdefghijklmnopqrstuvwxyz0123456789';

export type WorkspaceYard = {
  server: GitServer;
  /** Of `workspaces`. */
  root: string;
  workspaces: Workspaces;
  logLines: Record<string, unknown>[];
  /** A spec for the head of `main`, with a start commit on its branch as the coordinator makes it. */
  spec(overrides?: Partial<JobSpec>): Promise<JobSpec>;
  /** Opens a workspace with the right token. */
  open(spec: JobSpec, signal?: AbortSignal): Promise<Workspace>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** A git server with one repository, and workspaces on an empty folder. Waits between tries take no time. */
export async function startYard(options: Partial<WorkspacesOptions> = {}): Promise<WorkspaceYard> {
  const server = await startGitServer({ token: TOKEN });
  const root = await mkdtemp(join(tmpdir(), 'workspaces-'));
  const logLines: Record<string, unknown>[] = [];
  const workspaces = createWorkspaces({
    root,
    log: createTestLogger(logLines),
    clock: { ...systemClock, sleep: () => Promise.resolve() },
    machineEnv: { PATH: process.env['PATH'] },
    ...options,
  });

  async function spec(overrides: Partial<JobSpec> = {}): Promise<JobSpec> {
    const base = await server.git('rev-parse', 'main');
    const draft = aJobSpec({
      repository: aRepository({ cloneUrl: server.cloneUrl }),
      base: { branch: 'main', commit: base },
      ...overrides,
    });
    const start = await server.git(
      'commit-tree',
      `${base}^{tree}`,
      '-p',
      base,
      '-m',
      `Start ${draft.attemptId}`,
    );
    await server.git('update-ref', `refs/heads/${draft.branch}`, start);
    return { ...draft, startCommit: start };
  }

  return {
    server,
    root,
    workspaces,
    logLines,
    spec,
    open: (spec, signal = new AbortController().signal) =>
      workspaces.open(spec, () => Promise.resolve(TOKEN), signal),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await rm(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Git as an agent would run it in its workspace, with the workspace's own configuration. Trimmed stdout. */
export async function gitIn(folder: string, ...args: string[]): Promise<string> {
  const identity = {
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@b',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a@b',
  };
  const env = { PATH: process.env['PATH'], HOME: '/dev/null', ...identity };
  const { stdout } = await exec('git', args, { cwd: folder, env, maxBuffer: 64 * 1024 * 1024 });
  return stdout.trim();
}
