import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { JobSpec } from '../../../src/contract/job.ts';
import { startGitServer } from '../../support/git-server.ts';
import { aRepository } from '../../support/job-builders.ts';
import { aJobSpec } from '../../support/job-spec.ts';
import { BUDGETS } from '../../../src/domain/timings.ts';
import { gitIn, startYard, TOKEN } from '../../support/workspaces.ts';

const exec = promisify(execFile);
const NEVER = new AbortController().signal;

describe('opening a workspace', () => {
  it('checks the base out, with a git directory that an agent can look around in', async () => {
    await using yard = await startYard();
    await yard.server.commit('main', { 'README.md': 'Old\n' });
    await yard.server.commit('main', {
      'README.md': 'Hello\n',
      'bin/run': { mode: '100755', content: '#!/bin/sh\n' },
      link: { mode: '120000', content: 'README.md' },
    });
    const spec = await yard.spec();

    const workspace = await yard.open(spec);

    expect(await readFile(join(workspace.folder, 'link'), 'utf8')).toBe('Hello\n');
    expect(await gitIn(workspace.folder, 'status', '--porcelain')).toBe('');
    expect(await gitIn(workspace.folder, 'log', '--format=%s')).toBe('Change main\nChange main');
    expect(await gitIn(workspace.folder, 'branch', '--show-current')).toBe(spec.branch);
    expect(await gitIn(workspace.folder, 'ls-files', '-s', 'bin/run')).toMatch(/^100755/);
    expect(await readdir(workspace.homeFolder)).toEqual([]);
    expect(await readdir(workspace.tempFolder)).toEqual([]);
    expect(await workspace.changes(await workspace.snapshot())).toEqual([]);
  });

  it('asks the remote for nothing when the base commit is known already', async () => {
    await using yard = await startYard();
    await yard.server.commit('main', { a: '1' });
    await yard.open(await yard.spec());
    const before = yard.server.requests.length;

    const workspace = await yard.open(await yard.spec());

    expect(yard.server.requests.length).toBe(before);
    expect(await readFile(join(workspace.folder, 'a'), 'utf8')).toBe('1');
  });

  it('fetches what is new, and no more than branches', async () => {
    await using yard = await startYard();
    await yard.server.commit('main', { a: '1' });
    await yard.server.git('update-ref', 'refs/pull/1/head', 'main');
    await yard.server.git('update-ref', 'refs/tags/v1', 'main');
    await yard.open(await yard.spec());
    await yard.server.commit('main', { a: '2' });

    const workspace = await yard.open(await yard.spec());

    expect(await readFile(join(workspace.folder, 'a'), 'utf8')).toBe('2');
    const refs = await exec('git', ['--git-dir', join(yard.root, 'mirrors/71.git'), 'for-each-ref']);
    expect(refs.stdout).not.toMatch(/refs\/(pull|tags)/);
  });

  it('finds a base commit that was forced away from every branch', async () => {
    await using yard = await startYard();
    await yard.server.git('config', 'uploadpack.allowAnySHA1InWant', 'true');
    const gone = await yard.server.commit('main', { a: 'gone' });
    const spec = await yard.spec();
    await yard.server.git('update-ref', '-d', 'refs/heads/main');
    await yard.server.git('update-ref', '-d', `refs/heads/${spec.branch}`);
    await yard.server.commit('main', { a: 'new' });

    const workspace = await yard.open(spec);

    expect(await gitIn(workspace.folder, 'rev-parse', 'HEAD')).toBe(gone);
  });

  it('says so when the remote does not have the base commit', async () => {
    await using yard = await startYard();
    await yard.server.commit('main', { a: '1' });
    const spec = await yard.spec();

    const opening = yard.open({ ...spec, base: { branch: 'main', commit: 'f'.repeat(40) } });

    await expect(opening).rejects.toThrow(/git fetch failed.*f{40}/s);
    expect(await readdir(join(yard.root, 'attempts')).catch(() => [])).toEqual([]);
  });

  it('works with repositories that use SHA-256', async () => {
    await using server = await startGitServer({ token: TOKEN, objectFormat: 'sha256' });
    await using yard = await startYard();
    const base = await server.commit('main', { a: '1' });
    const spec = aJobSpec({
      repository: aRepository({ cloneUrl: server.cloneUrl }),
      base: { branch: 'main', commit: base },
      startCommit: base,
    });
    await server.git('update-ref', `refs/heads/${spec.branch}`, base);

    const workspace = await yard.open(spec);
    await writeFile(join(workspace.folder, 'b'), '2');
    const commit = await workspace.commit(await workspace.snapshot(), 'Add b', spec.commitAuthor);

    expect(commit).toMatch(/^[0-9a-f]{64}$/);
    expect(await workspace.push(commit)).toEqual({ kind: 'pushed' });
  });

  it('works ten times at once on one repository that is new here, with one fetch', async () => {
    await using yard = await startYard();
    await yard.server.commit('main', { a: '1', 'b/c': '2' });
    const specs = [];
    for (let issue = 1; issue <= 10; issue += 1) specs.push(await yard.spec({ branch: `agent/${issue}-x` }));

    const workspaces = await Promise.all(specs.map((spec) => yard.open(spec)));
    const fetches = yard.server.requests.filter((request) => request.endsWith('service=git-upload-pack'));
    const pushes = workspaces.map(async (workspace, index) => {
      await writeFile(join(workspace.folder, 'mine'), `${index}`);
      return await workspace.push(
        await workspace.commit(await workspace.snapshot(), 'Mine', { name: 'a', email: 'a@b' }),
      );
    });

    expect(fetches).toHaveLength(1);
    expect(await Promise.all(pushes)).toEqual(specs.map(() => ({ kind: 'pushed' })));
    for (const [index, spec] of specs.entries()) {
      expect(await yard.server.git('show', `${spec.branch}:mine`)).toBe(`${index}`);
      expect(await yard.server.git('rev-parse', `${spec.branch}^`)).toBe(spec.base.commit);
    }
  });

  it('keeps the base of an attempt when the mirror is cleaned up meanwhile', async () => {
    await using yard = await startYard();
    await yard.server.commit('main', { a: '1' });
    const first = await yard.spec();
    const workspace = await yard.open(first);
    for (const branch of ['main', first.branch])
      await yard.server.git('update-ref', '-d', `refs/heads/${branch}`);
    await yard.server.commit('main', { a: 'other' });
    await yard.open(await yard.spec());

    await exec('git', ['--git-dir', join(yard.root, 'mirrors/71.git'), 'gc', '--quiet', '--prune=now']);

    await writeFile(join(workspace.folder, 'a'), '2');
    const commit = await workspace.commit(await workspace.snapshot(), 'Change', first.commitAuthor);
    expect(await gitIn(workspace.folder, 'cat-file', '-t', first.base.commit)).toBe('commit');
    expect(commit).toMatch(/^[0-9a-f]{40}$/);
  });

  it.each([
    ['a folder of this machine', { repository: aRepository({ cloneUrl: 'file:///etc' }) }],
    ['a command', { repository: aRepository({ cloneUrl: 'ext::sh -c id' }) }],
    [
      'an address with a credential',
      { repository: aRepository({ cloneUrl: 'https://a:b@example.com/r.git' }) },
    ],
    ['a branch that is an option', { branch: '--upload-pack=id' }],
    ['a branch that leads elsewhere', { branch: 'a/../../x' }],
    ['an attempt id that is a path', { attemptId: '../../x' as never }],
    ['a base that is no commit id', { base: { branch: 'main', commit: 'main' } }],
    ['a start commit that is an option', { startCommit: '--force' }],
  ])('refuses %s', async (_, hostile) => {
    await using yard = await startYard();

    await expect(yard.open({ ...aJobSpec(), ...hostile })).rejects.toThrow(
      /cloned by https|credential|allows for a branch|full git commit id|UUID/,
    );

    expect(existsSync(join(yard.root, 'mirrors'))).toBe(false);
  });
});

describe('making room', () => {
  it('removes mirrors that no attempt holds, the longest unused one first, and fetches them anew when they are needed', async () => {
    await using yard = await startYard();
    await yard.server.commit('main', { a: '1' });
    const [used, older, newer] = [71, 72, 73];
    const specs = new Map<number, JobSpec>();
    for (const id of [newer, older, used]) {
      const spec = await yard.spec({ repository: aRepository({ id, cloneUrl: yard.server.cloneUrl }) });
      specs.set(id, spec);
      const workspace = await yard.open(spec);
      if (id !== used) await workspace.remove();
    }
    const mirrors = join(yard.root, 'mirrors');
    await utimes(join(mirrors, `${older}.git`, 'HEAD'), 1, 1);

    expect(await yard.workspaces.makeRoom(0)).toBeGreaterThan(0);
    expect(await readdir(mirrors)).toHaveLength(3);
    const free = await yard.workspaces.makeRoom(Number.MAX_SAFE_INTEGER);

    expect(free).toBeGreaterThan(0);
    expect(await readdir(mirrors)).toEqual([`${used}.git`]);
    const removed = yard.logLines.filter(({ msg }) => String(msg).startsWith('Removed a mirror'));
    expect(removed.map(({ mirror }) => mirror)).toEqual([
      join(mirrors, `${older}.git`),
      join(mirrors, `${newer}.git`),
    ]);
    const again = await yard.open(specs.get(older) ?? (await yard.spec()));
    expect(await readFile(join(again.folder, 'a'), 'utf8')).toBe('1');
  });

  it('and opening the same repository at once don’t get into each other’s way', async () => {
    await using yard = await startYard();
    await yard.server.commit('main', { a: '1' });
    const specs = await Promise.all(Array.from({ length: 6 }, () => yard.spec()));
    await (await yard.open(await yard.spec())).remove();

    const opened = await Promise.all(
      specs.map(async (spec) => {
        const [workspace] = await Promise.all([
          yard.open(spec),
          yard.workspaces.makeRoom(Number.MAX_SAFE_INTEGER),
        ]);
        return workspace;
      }),
    );

    for (const { folder } of opened) expect(await gitIn(folder, 'rev-parse', 'HEAD')).not.toBe('');
  });
});

describe('the folders', () => {
  const modes = (root: string): Promise<string[]> =>
    Promise.all(
      ['mirrors', 'attempts', 'private'].map(async (name) =>
        ((await stat(join(root, name))).mode & 0o777).toString(8),
      ),
    );

  it('are for nobody else on the machine', async () => {
    await using yard = await startYard();
    await yard.server.commit('main', { a: '1' });

    await yard.open(await yard.spec());

    expect(await modes(yard.root)).toEqual(['700', '700', '700']);
  });

  it('are closed at the start where they stood open', async () => {
    await using yard = await startYard();
    for (const name of ['mirrors', 'attempts', 'private']) {
      await mkdir(join(yard.root, name));
      await chmod(join(yard.root, name), 0o755);
    }

    await yard.workspaces.sweep([]);

    expect(await modes(yard.root)).toEqual(['700', '700', '700']);
  });
});

describe('the credential', () => {
  it('stands in no argument, no file and no error', async () => {
    const bin = await mkdtemp(join(tmpdir(), 'git-spy-'));
    onTestFinished(() => rm(bin, { recursive: true, force: true }));
    const spied = join(bin, 'arguments');
    const git = (await exec('which', ['git'])).stdout.trim();
    await writeFile(join(bin, 'git'), `#!/bin/sh\necho "$@" >> ${spied}\nexec ${git} "$@"\n`, {
      mode: 0o755,
    });
    await using yard = await startYard({ machineEnv: { PATH: `${bin}:${process.env['PATH']}` } });
    await yard.server.commit('main', { a: '1' });
    const spec = await yard.spec();

    const workspace = await yard.open(spec);
    await writeFile(join(workspace.folder, 'a'), '2');
    const commit = await workspace.commit(await workspace.snapshot(), 'Change', spec.commitAuthor);
    yard.server.tokens.clear();
    const error = await workspace.push(commit).catch((error: unknown) => error);

    expect(error).toBeInstanceOf(Error);
    const forms = [TOKEN, Buffer.from(`x-access-token:${TOKEN}`).toString('base64')];
    const found = await exec('grep', [
      '-rlF',
      ...forms.flatMap((form) => ['-e', form]),
      yard.root,
      bin,
    ]).catch((error: { code: number }) => error.code);
    expect(found).toBe(1);
    expect(await readFile(spied, 'utf8')).toMatch(/ push --porcelain/);
    for (const form of forms) expect(`${String(error)}${JSON.stringify(yard.logLines)}`).not.toContain(form);
  });

  it('may be too fresh to be known everywhere: the fetch is tried again, with a token asked for anew', async () => {
    await using yard = await startYard();
    await yard.server.commit('main', { a: '1' });
    const spec = await yard.spec();
    yard.server.tokens.clear();
    const tokens = vi.fn<() => Promise<string>>(async () => {
      if (tokens.mock.calls.length === 2) yard.server.tokens.add(TOKEN);
      return TOKEN;
    });

    const workspace = await yard.workspaces.open(spec, tokens, NEVER);

    expect(existsSync(join(workspace.folder, 'a'))).toBe(true);
    expect(tokens).toHaveBeenCalledTimes(2);
  });

  it('is not sent on to where the remote points', async () => {
    await using yard = await startYard();
    await yard.server.commit('main', { a: '1' });
    const elsewhere = yard.server.cloneUrl;
    const redirect = createServer((request, response) => {
      const path = (request.url ?? '').replace('/acme/widgets.git', '');
      response.writeHead(301, { location: elsewhere + path }).end();
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void redirect.close());
    await vi.waitUntil(() => redirect.listening);
    const { port } = redirect.address() as AddressInfo;
    const spec = await yard.spec();

    const opening = yard.open({
      ...spec,
      repository: aRepository({ cloneUrl: `http://127.0.0.1:${port}/acme/widgets.git` }),
    });

    await expect(opening).rejects.toThrow(/git fetch failed/);
    expect(yard.server.requests).toEqual([]);
  });

  it('can be an SSH key of the machine instead, and then no token is asked for', async () => {
    const bin = await mkdtemp(join(tmpdir(), 'fake-ssh-'));
    onTestFinished(() => rm(bin, { recursive: true, force: true }));
    await using yard = await startYard({
      machineEnv: { PATH: `${bin}:${process.env['PATH']}` },
      sshKeyFile: "/keys/it's mine",
    });
    // What a server does: run the named program on the repository.
    const script = `#!/bin/sh\nprintf '%s\\n' "$@" > ${bin}/arguments\nexec git-upload-pack ${yard.server.repository}\n`;
    await writeFile(join(bin, 'ssh'), script, { mode: 0o755 });
    await yard.server.commit('main', { a: '1' });
    const spec = await yard.spec();
    const tokens = vi.fn<() => Promise<string>>();

    const workspace = await yard.workspaces.open(spec, tokens, NEVER);

    expect(existsSync(join(workspace.folder, 'a'))).toBe(true);
    expect(tokens).not.toHaveBeenCalled();
    const args = (await readFile(join(bin, 'arguments'), 'utf8')).split('\n');
    expect(args).toEqual(expect.arrayContaining(["/keys/it's mine", 'git@127.0.0.1']));
    expect(args).toContain("git-upload-pack '/acme/widgets.git'");
  });
});

describe('a cancelled attempt', () => {
  it('ends its fetch with all its processes, and leaves no folder behind', async () => {
    await using yard = await startYard();
    await yard.server.commit('main', { a: '1' });
    const spec = await yard.spec();
    yard.server.fault = () => 'hang';
    const cancel = new AbortController();

    const opening = yard.open(spec, cancel.signal);
    opening.catch(() => undefined);
    await vi.waitUntil(() => yard.server.requests.length > 0);
    cancel.abort(new Error('cancelled by a person'));

    await expect(opening).rejects.toThrow('cancelled by a person');
    const { stdout } = await exec('ps', ['-eo', 'args']);
    expect(stdout.split('\n').filter((line) => line.includes(yard.server.cloneUrl))).toEqual([]);
    expect(await readdir(join(yard.root, 'attempts')).catch(() => [])).toEqual([]);
  });

  it('does not wait for the fetch of another, and does not end it', async () => {
    await using yard = await startYard();
    await yard.server.commit('main', { a: '1' });
    const [first, second] = [
      await yard.spec({ branch: 'agent/1-x' }),
      await yard.spec({ branch: 'agent/2-x' }),
    ];
    yard.server.fault = () => 'hang';
    const cancelFirst = new AbortController();
    const opening = yard.open(first, cancelFirst.signal);
    opening.catch(() => undefined);
    await vi.waitUntil(() => yard.server.requests.length > 0);

    const cancelSecond = new AbortController();
    const waiting = yard.open(second, cancelSecond.signal);
    cancelSecond.abort(new Error('second cancelled'));

    await expect(waiting).rejects.toThrow('second cancelled');
    yard.server.fault = () => null;
    const third = yard.open(await yard.spec({ branch: 'agent/3-x' }));
    cancelFirst.abort(new Error('first cancelled'));
    await expect(opening).rejects.toThrow('first cancelled');
    expect(existsSync(join((await third).folder, 'a'))).toBe(true);
  });
});

describe('what killed commands left', () => {
  it('does not stop a fetch: old locks and half packs go', async () => {
    await using yard = await startYard();
    await yard.server.commit('main', { a: '1' });
    await yard.open(await yard.spec());
    const mirror = join(yard.root, 'mirrors/71.git');
    const leftovers = [
      'refs/heads/main.lock',
      'packed-refs.lock',
      'objects/pack/tmp_pack_x',
      'objects/pack/a.keep',
    ];
    const longAgo = new Date(Date.now() - 3_600_000);
    for (const name of leftovers) {
      await writeFile(join(mirror, name), '');
      await utimes(join(mirror, name), longAgo, longAgo);
    }
    await yard.server.commit('main', { a: '2' });

    const workspace = await yard.open(await yard.spec());

    expect(await readFile(join(workspace.folder, 'a'), 'utf8')).toBe('2');
    expect(leftovers.filter((name) => existsSync(join(mirror, name)))).toEqual([]);
  });

  it('is swept at the start, but for the attempts that are held', async () => {
    await using yard = await startYard();
    await yard.server.commit('main', { a: '1' });
    const [held, lost] = [await yard.spec({ branch: 'agent/1-x' }), await yard.spec({ branch: 'agent/2-x' })];
    const workspace = await yard.open(held);
    await yard.open(lost);
    const mirror = join(yard.root, 'mirrors/71.git');
    await writeFile(join(mirror, 'objects/pack/tmp_pack_x'), '');
    await mkdir(join(yard.root, 'private', `${held.attemptId}.git.new`));

    await yard.workspaces.sweep([held.attemptId]);

    expect(await readdir(join(yard.root, 'attempts'))).toEqual([held.attemptId]);
    expect(await readdir(join(yard.root, 'private'))).toEqual([`${held.attemptId}.git`]);
    expect(existsSync(join(mirror, 'objects/pack/tmp_pack_x'))).toBe(false);
    expect(await readdir(join(mirror, 'refs/keep'))).toEqual([held.attemptId]);
    expect(await workspace.changes(await workspace.snapshot())).toEqual([]);
  });

  it('does not keep the runner from starting, even if a mirror is broken', async () => {
    await using yard = await startYard();
    await mkdir(join(yard.root, 'mirrors/9.git'), { recursive: true });

    await yard.workspaces.sweep([]);

    expect(yard.logLines).toContainEqual(expect.objectContaining({ msg: 'A mirror could not be swept' }));
  });
});

describe('removing a workspace', () => {
  it('takes everything of the attempt away, also what forbids it, and may be repeated', async () => {
    await using yard = await startYard();
    await yard.server.commit('main', { a: '1' });
    const workspace = await yard.open(await yard.spec());
    const cache = join(workspace.homeFolder, 'go/pkg/mod');
    await mkdir(cache, { recursive: true });
    await writeFile(join(cache, 'file'), '', { mode: 0o444 });
    await chmod(cache, 0o555);

    await workspace.remove();
    await workspace.remove();

    expect(await readdir(join(yard.root, 'attempts'))).toEqual([]);
    expect(await readdir(join(yard.root, 'private'))).toEqual([]);
    expect(await readdir(join(yard.root, 'mirrors/71.git/refs/keep'))).toEqual([]);
  });

  it('happens before an attempt is opened again: nothing of the first time is left', async () => {
    await using yard = await startYard();
    await yard.server.commit('main', { a: '1' });
    const spec = await yard.spec();
    const first = await yard.open(spec);
    await writeFile(join(first.folder, 'left'), '');

    const second = await yard.open(spec);

    expect(await second.changes(await second.snapshot())).toEqual([]);
  });
});

describe('a workspace that is set aside', () => {
  it('keeps what the attempt had done, the newest few, until the room is needed', async () => {
    await using yard = await startYard();
    await yard.server.commit('main', { a: '1' });
    const ids: string[] = [];
    for (let count = 0; count <= BUDGETS.workspacesAside; count += 1) {
      const spec = await yard.spec();
      const workspace = await yard.open(spec);
      await writeFile(join(workspace.folder, 'mine'), `${count}`);
      await workspace.setAside();
      await workspace.remove();
      ids.push(spec.attemptId);
    }
    const aside = join(yard.root, 'aside');

    expect((await readdir(aside)).sort()).toEqual(ids.slice(1).sort());
    expect(await exec('find', [aside, '-name', 'mine'])).toMatchObject({
      stdout: expect.stringContaining(ids.at(-1) ?? ''),
    });
    expect((await stat(aside)).mode & 0o077).toBe(0);
    expect(await readdir(join(yard.root, 'attempts'))).toEqual([]);
    expect(await readdir(join(yard.root, 'private'))).toEqual([]);
    expect(await readdir(join(yard.root, 'mirrors/71.git/refs/keep'))).toEqual([]);

    await yard.workspaces.makeRoom(Infinity);
    expect(await readdir(aside)).toEqual([]);
  });
});

it('knows how much room is left', async () => {
  await using yard = await startYard();

  expect(await yard.workspaces.freeDiskBytes()).toBeGreaterThan(0);
});
