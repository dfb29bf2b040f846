import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RunnerId } from '../../../src/contract/identifiers.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { checkOutBase } from '../../../src/runner/preview/check-out-base.ts';
import { type PreviewDeps, previewPrompt } from '../../../src/runner/preview/preview-prompt.ts';
import { aRunnerConfig } from '../../support/in-process-runner.ts';
import { aJobSpec } from '../../support/job-spec.ts';
import { type FakeCoordinator, RUNNER_ID } from '../../support/fake-coordinator.ts';
import { startStandin } from '../../support/standin.ts';
import { createTestLogger } from '../../support/test-logger.ts';

const OPEN = 'acme/widgets';
const CLOSED = 'acme/secrets';

let folder: string;
let github: Awaited<ReturnType<typeof startStandin>>;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'preview-'));
  const files = path.join(folder, 'files');
  await mkdir(path.join(files, '.github'), { recursive: true });
  await writeFile(path.join(files, 'package.json'), '{"scripts":{"test":"node --test"}}');
  await writeFile(
    path.join(files, '.github', 'yardmaster.yml'),
    '_extends: settings\nspecialties:\n  backend:\n    guidance: Ask Grace.\n',
  );
  github = await startStandin();
  github.createUser('acme');
  github.createUser('grace');
  github.createUser('mallory');
  for (const [name, isPrivate] of [
    ['widgets', false],
    ['secrets', true],
  ] as const)
    await github.createRepository({ owner: 'acme', name, private: isPrivate, fromDirectory: files });
  github.setRole(CLOSED, 'grace', 'write');
  github.setRole(CLOSED, 'mallory', 'read');
  await github.install('acme', { repositories: 'all' });
});
afterAll(async () => {
  await github[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

function someDeps(): PreviewDeps {
  const signal = new AbortController().signal;
  return { fetch, clock: systemClock, log: createTestLogger(), machineEnv: process.env, signal };
}

/** A runner that only reaches GitHub. */
function aRunner(): Parameters<typeof previewPrompt>[1] {
  const runnerId = RunnerId.parse(RUNNER_ID);
  const app = {
    appId: github.app.id,
    privateKeyPath: '/nowhere',
    runnerId,
    apiUrl: github.url,
    pollSeconds: 30,
  };
  // Of a coordinator, such a runner knows nothing.
  const world = { folder, coordinator: { url: '' } as FakeCoordinator };
  const config = aRunnerConfig(world, 'edit', {
    coordinatorUrl: '',
    transport: 'github',
    githubApp: app,
  });
  return { config, identity: { kind: 'github', runnerId, app, privateKey: github.app.privateKey } };
}

describe('with the App’s key', () => {
  test('the prompt for an issue of a private repository is put together by GitHub alone', async () => {
    const acme = github.as('acme');
    const { number } = await acme.openIssue({ repository: CLOSED, title: 'Sums', body: 'Are wrong.' });
    await github.as('grace').comment(CLOSED, number, 'By one.');
    await github.as('mallory').comment(CLOSED, number, 'By two.');
    const asked = { repository: CLOSED, issueNumber: number, specialty: null, checkout: null };

    const { text, notes } = await previewPrompt(asked, aRunner(), someDeps());

    expect(text).toMatch(/^You are a coding agent\./);
    expect(text).toContain('Are wrong.');
    expect(text).toContain('By one.');
    expect(text).not.toContain('By two.');
    expect(text).toContain('Ask Grace.');
    expect(text).toContain('- `npm test`: `package.json` has a test script');
    expect(notes.join('\n')).toMatch(/extends was not looked at/);
    const live = github.state.tokens().filter(({ revoked }) => !revoked);
    expect(live).toEqual([]);
  });

  test.each([
    ['acme/nothing', 1, null, /GitHub can’t be asked about acme\/nothing/],
    [CLOSED, 4711, null, /#4711 is not there/],
    [CLOSED, 1, 'frontend', /This runner is not for frontend, but for backend/],
  ])('what can’t be shown is explained: %s#%i', async (repository, issueNumber, specialty, words) => {
    const asked = { repository, issueNumber, specialty, checkout: null };

    await expect(previewPrompt(asked, aRunner(), someDeps())).rejects.toThrow(words);
    expect(github.state.tokens().filter(({ revoked }) => !revoked)).toEqual([]);
  });
});

test('a public repository is checked out without any credential, and nothing is left of it', async () => {
  const commit = (await github.state.branches(OPEN))['main'] ?? '';
  const { repository } = aJobSpec();
  const cloneUrl = `${github.url}/${OPEN}.git`;
  const preview = aJobSpec({ repository: { ...repository, cloneUrl }, base: { branch: 'main', commit } });

  const base = await checkOutBase(preview, { ...someDeps(), token: '', sshKeyFile: null });

  expect(existsSync(path.join(base.folder, 'package.json'))).toBe(true);
  await base.remove();
  expect(existsSync(base.folder)).toBe(false);
});
