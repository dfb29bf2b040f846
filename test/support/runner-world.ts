import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { JobSettings, JobSpec } from '../../src/contract/job.ts';
import { DEFAULT_JOB_SETTINGS } from '../../src/domain/repo-settings.ts';
import { createClient, mintToken } from '../standin/client.ts';
import { type FakeCoordinator, startFakeCoordinator } from './fake-coordinator.ts';
import { aRevision } from './job-builders.ts';
import { aJobSpec } from './job-spec.ts';
import { type CheckedStandin, startStandin } from './standin.ts';

export const WIDGETS = 'acme/widgets';

/** A sum that is wrong, a test that says so, and one that passes. */
const FILES = {
  'package.json': '{ "name": "widgets", "type": "module", "scripts": { "test": "node --test" } }\n',
  'sum.js': 'export const sum = (a, b) => a - b;\n',
  'sum.test.js': [
    "import assert from 'node:assert';",
    "import { test } from 'node:test';",
    "import { sum } from './sum.js';",
    "test('adds nothing', () => assert.equal(sum(1, 0), 1));",
    "test('adds', () => assert.equal(sum(1, 2), 3));",
    '',
  ].join('\n'),
};

export type RunnerWorld = {
  github: CheckedStandin;
  coordinator: FakeCoordinator;
  /** For a runner to work in; removed at the end. */
  folder: string;
  /** A job with its branch, start commit and queued check run on GitHub, as the coordinator would have made them. */
  makeSpec(wanted?: { settings?: Partial<JobSettings>; branch?: string }): Promise<JobSpec>;
  /** A round on the pull request that came of a job, with the same settings but for these. */
  makeRound(of: JobSpec, head: string, settings?: Partial<JobSettings>): Promise<JobSpec>;
  /** The check run of a job as it stands on GitHub. */
  checkRun(spec: JobSpec): ReturnType<CheckedStandin['state']['checkRuns']>[number];
  [Symbol.asyncDispose](): Promise<void>;
};

/** GitHub with one repository, and a coordinator that hands out real tokens for it. */
export async function startRunnerWorld(
  options: { leaseSeconds?: number; heartbeatSeconds?: number; files?: Record<string, string> } = {},
): Promise<RunnerWorld> {
  const github = await startStandin();
  github.createOrganization('acme');
  github.createUser('alice');
  const { files = FILES, ...figures } = options;
  await github.createRepository({ owner: 'acme', name: 'widgets', files });
  github.setRole(WIDGETS, 'alice', 'write');
  const { installationId } = await github.install('acme');
  const mint = (permissions: Record<string, string>): Promise<string> =>
    mintToken(github, installationId, { permissions });
  const asApp = createClient(github, await mintToken(github, installationId));
  const coordinator = await startFakeCoordinator({
    ...figures,
    githubTokens: {
      run: await mint({ contents: 'read', checks: 'write', metadata: 'read' }),
      publish: await mint({ contents: 'write' }),
    },
  });
  const folder = await mkdtemp(path.join(tmpdir(), 'runner-'));
  let jobs = 0;

  async function post<T>(address: string, body: unknown): Promise<T> {
    const answer = await asApp('POST', `/repos/${WIDGETS}${address}`, body);
    if (answer.status !== 201) throw new Error(`${address} answered ${answer.status}`);
    return answer.body as T;
  }

  async function makeCheckRun(
    { jobId, attemptId, checkRun }: Pick<JobSpec, 'jobId' | 'attemptId' | 'checkRun'>,
    commit: string,
  ): Promise<JobSpec['checkRun']> {
    const externalId = `${jobId}:${attemptId}`;
    const run = await post<{ id: number }>('/check-runs', {
      name: checkRun.name,
      head_sha: commit,
      external_id: externalId,
      status: 'queued',
    });
    return { ...checkRun, id: run.id, externalId, appId: github.app.id };
  }

  return {
    github,
    coordinator,
    folder,
    makeSpec: async (wanted = {}) => {
      jobs += 1;
      const branch = wanted.branch ?? `agent/${jobs}-sum`;
      const base = (await github.state.branches(WIDGETS))['main'] ?? '';
      const { body } = await asApp('GET', `/repos/${WIDGETS}/git/commits/${base}`);
      const { tree } = body as { tree: { sha: string } };
      const start = await post<{ sha: string }>('/git/commits', {
        // As in life, each attempt has a commit of its own, even within one second.
        message: `Start ${jobs}`,
        tree: tree.sha,
        parents: [base],
      });
      await post('/git/refs', { ref: `refs/heads/${branch}`, sha: start.sha });
      const spec = aJobSpec();
      const repository = github.state.repository(WIDGETS);
      return {
        ...spec,
        githubApiUrl: github.url,
        repository: {
          id: repository.id,
          owner: 'acme',
          name: 'widgets',
          private: false,
          defaultBranch: 'main',
          cloneUrl: repository.clone_url,
          htmlUrl: repository.html_url,
        },
        base: { branch: 'main', commit: base },
        branch,
        startCommit: start.sha,
        checkRun: await makeCheckRun(spec, start.sha),
        settings: {
          ...DEFAULT_JOB_SETTINGS,
          testCommands: [['node', '--test']],
          // It runs the tests once more, which only its own test looks at.
          coverage: false,
          ...wanted.settings,
        },
      };
    },
    makeRound: async (of, head, settings) => {
      const { jobId, attemptId, checkRun } = aJobSpec();
      const { counted: _counted, reviewers: _reviewers, runnerId: _runnerId, ...facts } = aRevision();
      return {
        ...of,
        jobId,
        attemptId,
        kind: 'revise',
        base: { branch: 'main', commit: head },
        startCommit: head,
        revision: { ...facts, baseCommit: of.base.commit },
        checkRun: await makeCheckRun({ jobId, attemptId, checkRun }, head),
        settings: { ...of.settings, ...settings },
      };
    },
    checkRun: (spec) => {
      const found = github.state.checkRuns(WIDGETS).find(({ id }) => id === spec.checkRun.id);
      if (found === undefined) throw new Error('There is no such check run');
      return found;
    },
    [Symbol.asyncDispose]: async () => {
      await coordinator[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
      await github[Symbol.asyncDispose]();
    },
  };
}
