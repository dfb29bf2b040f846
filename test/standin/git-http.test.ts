import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { mintToken } from './client.ts';
import { repo, startSetting } from './setting.ts';
import { startReceiver } from './webhook-receiver.ts';

type Clone = {
  /** Runs git there; the exit code and all output. */
  git(...args: string[]): Promise<{ code: number; output: string }>;
  /** Commits files. */
  commit(files: Record<string, string>): Promise<string>;
  [Symbol.asyncDispose](): Promise<void>;
};

async function startClone(url: string, token: string, ...options: string[]): Promise<Clone> {
  const folder = await mkdtemp(join(tmpdir(), 'standin-clone-'));
  const header = `Authorization: Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`;
  const settings = {
    'user.name': 'Ann',
    'user.email': 'ann@example.com',
    'http.extraHeader': header,
    'commit.gpgsign': 'false',
  };

  function git(...args: string[]): Promise<{ code: number; output: string }> {
    const all = [...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]), ...args];
    return new Promise((resolve) => {
      execFile(
        'git',
        ['-C', folder, ...all],
        { env: { ...process.env, GIT_TERMINAL_PROMPT: '0' } },
        (error, out, err) => {
          resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: `${out}${err}` });
        },
      );
    });
  }

  const cloned = await git('clone', '--quiet', ...options, `${url}/${repo}.git`, '.');
  if (cloned.code !== 0) throw new Error(cloned.output);
  return {
    git,
    async commit(files) {
      for (const [path, content] of Object.entries(files)) {
        await mkdir(dirname(join(folder, path)), { recursive: true });
        await writeFile(join(folder, path), content);
      }
      await git('add', '.');
      await git('commit', '--quiet', '--message', 'Work');
      return (await git('rev-parse', 'HEAD')).output.trim();
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

test('an installation token clones and pushes; the push is told and pull requests follow', async () => {
  await using setting = await startSetting({ private: true });
  const { standin, token } = setting;
  await using receiver = await startReceiver(() => standin.app.webhookSecret);
  await using clone = await startClone(standin.url, token);
  standin.webhooks.target(receiver.url);

  const first = await clone.commit({ 'new.txt': 'new\n' });
  const pushed = await clone.git('push', 'origin', 'HEAD:topic');
  await standin.as('alice').openPullRequest(repo, { title: 'x', head: 'topic' });
  const second = await clone.commit({ 'new.txt': 'newer\n' });
  await clone.git('push', 'origin', 'HEAD:topic');
  await standin.webhooks.idle();

  expect(pushed).toMatchObject({ code: 0 });
  expect((await standin.state.branches(repo))['topic']).toBe(second);
  expect(standin.state.pullRequests(repo)).toMatchObject([{ head: { sha: second } }]);
  const push = receiver.received.find(({ event }) => event === 'push');
  expect(push?.payload).toMatchObject({
    ref: 'refs/heads/topic',
    after: first,
    created: true,
    commits: [{ id: first, added: ['new.txt'] }],
    sender: { login: standin.app.botLogin },
  });
  expect(receiver.names()).toContain('pull_request.synchronize');
  expect((await clone.git('fetch', 'origin', 'refs/pull/1/head')).code).toBe(0);
});

test('a push with a lease on another commit is refused by git itself', async () => {
  await using setting = await startSetting();
  const { standin, token } = setting;
  await using clone = await startClone(standin.url, token);
  const start = await standin.as('alice').pushFiles(repo, 'agent/1', {}, 'Start');
  await clone.commit({ a: 'mine' });
  const lease = `--force-with-lease=agent/1:${start}`;

  const other = await standin.as('alice').pushFiles(repo, 'agent/1', { b: 'other' }, 'Taken over');
  const refused = await clone.git('push', lease, 'origin', 'HEAD:agent/1');

  expect(refused.code).not.toBe(0);
  expect(refused.output).toContain('stale info');
  expect((await standin.state.branches(repo))['agent/1']).toBe(other);
  expect(
    (await clone.git('push', `--force-with-lease=agent/1:${other}`, 'origin', 'HEAD:agent/1')).code,
  ).toBe(0);
  expect((await clone.git('push', 'origin', ':agent/1')).code).toBe(0);
  expect(await standin.state.branches(repo)).not.toHaveProperty('agent/1');
});

test.each([
  ['reads only', { permissions: { contents: 'read' } }, 403],
  ['may not see the contents', { permissions: { issues: 'write' } }, 403],
])('a token that %s cannot push', async (_, request, status) => {
  await using setting = await startSetting();
  const { standin, installationId, token } = setting;
  await using clone = await startClone(standin.url, token);
  await clone.commit({ a: 'x' });
  const poor = Buffer.from(`x-access-token:${await mintToken(standin, installationId, request)}`).toString(
    'base64',
  );

  const refused = await clone.git(
    '-c',
    'http.extraHeader=',
    '-c',
    `http.extraHeader=Authorization: Basic ${poor}`,
    'push',
    'origin',
    'HEAD:x',
  );

  expect(refused.code).not.toBe(0);
  expect(refused.output).toContain(String(status));
});

test('a private repository asks for a login, hides from strangers, and refuses bad tokens', async () => {
  await using setting = await startSetting({ private: true });
  const { standin, installationId, token } = setting;
  await standin.createRepository({ owner: 'acme', name: 'other', private: true, files: { a: 'b' } });
  const elsewhere = await mintToken(standin, installationId, { repositories: ['other'] });
  const read = (credential?: string) =>
    fetch(`${standin.url}/${repo}.git/info/refs?service=git-upload-pack`, {
      headers:
        credential === undefined
          ? {}
          : { authorization: `Basic ${Buffer.from(`x:${credential}`).toString('base64')}` },
    });

  const anonymous = await read();

  expect(anonymous.status).toBe(401);
  expect(anonymous.headers.get('www-authenticate')).toBe('Basic realm="GitHub"');
  expect((await read(token)).status).toBe(200);
  expect((await read(elsewhere)).status).toBe(404);
  expect((await read('garbage')).status).toBe(401);
  expect((await read(standin.createUserToken('mallory'))).status).toBe(404);
  expect((await fetch(`${standin.url}/${repo}.git/info/refs`)).status).toBe(403);
});

test('a token that ends while work goes on cannot push any more', async () => {
  let nowMs = Date.now();
  await using setting = await startSetting({ options: { clock: { nowMs: () => nowMs } } });
  await using clone = await startClone(setting.standin.url, setting.token);
  await clone.commit({ a: 'x' });

  nowMs += 3_600_001;
  const refused = await clone.git('push', 'origin', 'HEAD:x');

  // git asks for another login, which nobody is there to give.
  expect(refused.output).toMatch(/could not read Username|Authentication failed/);
});

test('an App without the workflows permission cannot push workflow files, new or changed', async () => {
  await using setting = await startSetting();
  const { standin, installationId, token } = setting;
  await using clone = await startClone(standin.url, token);
  await clone.commit({ '.github/workflows/ci.yml': 'on: push\n' });

  const refused = await clone.git('push', 'origin', 'HEAD:ci', 'HEAD~1:refs/heads/other');

  expect(refused.output).toContain(
    '! [remote rejected] HEAD -> ci (refusing to allow a GitHub App to create or update workflow `.github/workflows/ci.yml` without `workflows` permission)',
  );
  expect(refused.output).not.toContain('standin');
  expect(Object.keys(await standin.state.branches(repo))).toEqual(['main', 'other']);
  await standin.acceptNewPermissions(installationId, {
    contents: 'write',
    metadata: 'read',
    workflows: 'write',
  });
  const better = await mintToken(standin, installationId);
  await using trusted = await startClone(standin.url, better);
  await trusted.commit({ '.github/workflows/ci.yml': 'on: push\n' });
  expect((await trusted.git('push', 'origin', 'HEAD:ci')).code).toBe(0);
});

test('rules refuse a push with GitHub’s words', async () => {
  await using setting = await startSetting();
  const { standin, token } = setting;
  standin.setBranchRules(repo, [
    { pattern: 'main', type: 'pull_request' },
    { pattern: 'agent/*', type: 'non_fast_forward' },
    { pattern: 'signed/*', type: 'required_signatures' },
  ]);
  await using clone = await startClone(standin.url, token);
  await clone.commit({ a: 'x' });

  const refused = await clone.git('push', 'origin', 'HEAD:main');
  await clone.git('push', 'origin', 'HEAD:agent/1');
  const rewound = await clone.git('push', '--force', 'origin', 'HEAD~1:agent/1');
  await clone.git('push', 'origin', 'HEAD:refs/elsewhere/1');
  await clone.commit({ a: 'y' });
  const unsigned = await clone.git('push', 'origin', 'HEAD:signed/1');

  expect(refused.output).toContain(
    'remote: error: GH013: Repository rule violations found for refs/heads/main.',
  );
  expect(refused.output).toContain('(push declined due to repository rule violations)');
  expect(rewound.output).toContain('(push declined due to repository rule violations)');
  expect(unsigned.output).toContain('Commits must have verified signatures');
});

test('refs of pull requests and archived repositories take no push', async () => {
  await using setting = await startSetting();
  const { standin, token } = setting;
  await using clone = await startClone(standin.url, token);

  expect((await clone.git('push', 'origin', 'HEAD:refs/pull/7/head')).output).toContain(
    'deny updating a hidden ref',
  );
  await standin.as('ada').archiveRepository(repo);
  expect((await clone.git('push', 'origin', 'HEAD:x')).output).toContain('403');
});

test('shallow and partial clones work, and every file arrives whole', async () => {
  await using setting = await startSetting();
  const { standin, token } = setting;
  const binary = Buffer.from(Array.from({ length: 70_000 }, (_, at) => (at * 7919) % 256));
  await standin.as('alice').pushFiles(repo, 'main', { 'data.bin': binary, 'ümlaut "x".txt': 'ü' }, 'Data');

  await using shallow = await startClone(standin.url, token, '--depth', '1');
  await using partial = await startClone(standin.url, token, '--filter=blob:none');

  expect((await shallow.git('rev-list', '--count', 'HEAD')).output.trim()).toBe('1');
  expect((await partial.git('hash-object', 'data.bin')).output).toBe(
    (await partial.git('rev-parse', 'HEAD:data.bin')).output,
  );
  expect(await standin.state.file(repo, 'main', 'ümlaut "x".txt')).toBe('ü');
});

test('a push whose answer is lost is done all the same; one that is cut before is not', async () => {
  await using setting = await startSetting();
  const { standin, token } = setting;
  await using clone = await startClone(standin.url, token);
  const sha = await clone.commit({ a: 'x' });

  // Twice, for git's HTTP client repeats a request by itself when a connection it had used before breaks.
  standin.faults.add({ path: /git-receive-pack$/, breakSocket: 'before', times: 2 });
  expect((await clone.git('push', 'origin', 'HEAD:x')).code).not.toBe(0);
  expect(await standin.state.branches(repo)).not.toHaveProperty('x');
  standin.faults.add({ path: /git-receive-pack$/, breakSocket: 'after', times: 2 });
  expect((await clone.git('push', 'origin', 'HEAD:x')).code).not.toBe(0);
  expect(await standin.state.branches(repo)).toHaveProperty('x', sha);
  standin.faults.add({ path: /info\/refs$/, status: 503, times: 1 });
  expect((await clone.git('fetch', 'origin')).output).toContain('503');
});

test('pushes at the same time to one repository each count once', async () => {
  await using setting = await startSetting();
  const { standin, token } = setting;
  await using receiver = await startReceiver(() => standin.app.webhookSecret);
  await using clone = await startClone(standin.url, token);
  await clone.commit({ a: 'x' });
  standin.webhooks.target(receiver.url);

  const pushed = await Promise.all([1, 2, 3, 4].map((n) => clone.git('push', 'origin', `HEAD:b${n}`)));
  await standin.webhooks.idle();

  expect(pushed.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
  const refs = receiver.received
    .filter(({ event }) => event === 'push')
    .map(({ payload }) => String(payload['ref']));
  expect(refs.sort()).toEqual([1, 2, 3, 4].map((n) => `refs/heads/b${n}`));
});
