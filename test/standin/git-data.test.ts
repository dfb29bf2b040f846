import { expect, test } from 'vitest';
import { createClient, mintToken } from './client.ts';
import { at, repo, startSetting } from './setting.ts';
import { startReceiver } from './webhook-receiver.ts';

const nowhere = '0123456789'.repeat(4);

test('a start commit, its branch, and the way back', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  const main = await app('GET', `${at}/git/ref/heads/main`);
  const { sha } = (main.body as { object: { sha: string } }).object;
  const commit = await app('GET', `${at}/git/commits/${sha}`);
  const tree = (commit.body as { tree: { sha: string } }).tree.sha;

  const made = await app('POST', `${at}/git/commits`, { message: 'start', tree, parents: [sha] });
  const start = (made.body as { sha: string }).sha;
  const ref = await app('POST', `${at}/git/refs`, { ref: 'refs/heads/agent/1-bug', sha: start });

  expect(made).toMatchObject({
    status: 201,
    body: {
      tree: { sha: tree },
      parents: [{ sha }],
      author: { name: standin.app.botLogin },
      verification: { verified: true },
    },
  });
  expect(ref).toMatchObject({ status: 201, body: { ref: 'refs/heads/agent/1-bug', object: { sha: start } } });
  expect(await app('GET', `${at}/git/ref/heads%2Fagent%2F1-bug`)).toMatchObject({
    body: { object: { sha: start } },
  });
  expect((await app('GET', `${at}/git/matching-refs/heads/agent/`)).body).toHaveLength(1);
  expect((await app('GET', `${at}/git/ref/heads/agent`)).status).toBe(404);
  expect((await app('DELETE', `${at}/git/refs/heads/agent/1-bug`)).status).toBe(204);
  expect(await standin.state.branches(repo)).toEqual({ main: sha });
});

test('an author of one’s own leaves the commit unsigned', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  const [sha] = Object.values(await standin.state.branches(repo));
  const tree = ((await app('GET', `${at}/git/commits/${sha}`)).body as { tree: { sha: string } }).tree.sha;
  const author = { name: 'Ann', email: 'ann@example.com', date: '2024-05-06T07:08:09Z' };

  const made = await app('POST', `${at}/git/commits`, { message: 'x', tree, parents: [sha], author });

  expect(made).toMatchObject({
    status: 201,
    body: { author, committer: author, verification: { verified: false } },
  });
});

test.each([
  ['that exists', { ref: 'refs/heads/main' }, 'Reference already exists'],
  ['of a commit that does not', { sha: nowhere }, 'Object does not exist'],
  ['without refs/', { ref: 'heads/x' }, 'well-formed'],
  ['that git does not take', { ref: 'refs/heads/a..b' }, 'well-formed'],
])('a ref %s is refused', async (_, wrong, message) => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  const [sha] = Object.values(await standin.state.branches(repo));

  const answer = await app('POST', `${at}/git/refs`, { ref: 'refs/heads/x', sha, ...wrong });

  expect(answer).toMatchObject({ status: 422, body: { message: expect.stringContaining(message) } });
});

test('an empty repository has no refs to make, no commits and no checks', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  await standin.createRepository({ owner: 'acme', name: 'empty' });

  expect(
    (await app('POST', '/repos/acme/empty/git/refs', { ref: 'refs/heads/x', sha: nowhere })).status,
  ).toBe(409);
  expect((await app('GET', '/repos/acme/empty/commits')).status).toBe(409);
  expect((await app('GET', '/repos/acme/empty/git/ref/heads/main')).status).toBe(404);
  expect((await app('POST', '/repos/acme/empty/check-runs', { name: 'x', head_sha: nowhere })).status).toBe(
    422,
  );
});

test('a ref moves forward, and backward only by force', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  const { main: base } = await standin.state.branches(repo);
  const tip = await standin.as('alice').pushFiles(repo, 'topic', { a: 'b' }, 'Add a');
  const path = `${at}/git/refs/heads/topic`;

  expect(await app('PATCH', path, { sha: base })).toMatchObject({
    status: 422,
    body: { message: 'Update is not a fast forward' },
  });
  expect((await app('PATCH', path, { sha: base, force: true })).status).toBe(200);
  expect((await app('PATCH', path, { sha: tip })).status).toBe(200);
  expect((await app('PATCH', path, { sha: nowhere })).status).toBe(422);
  expect((await app('PATCH', `${at}/git/refs/heads/none`, { sha: tip })).status).toBe(422);
  expect((await app('DELETE', `${at}/git/refs/heads/none`)).status).toBe(422);
  expect((await app('DELETE', `${at}/git/refs/heads/main`)).status).toBe(422);
});

test('trees and blobs are made and read', async () => {
  await using setting = await startSetting();
  const { app } = setting;
  const blob = await app('POST', `${at}/git/blobs`, { content: 'aGVsbG8=', encoding: 'base64' });
  const { sha } = blob.body as { sha: string };

  const tree = await app('POST', `${at}/git/trees`, {
    base_tree: 'main',
    tree: [
      { path: 'src/hello.txt', mode: '100644', type: 'blob', sha },
      { path: 'run "it".sh', mode: '100755', type: 'blob', content: '#!/bin/sh\n' },
      { path: 'README.md', mode: '100644', type: 'blob', sha: null },
    ],
  });
  const made = (tree.body as { sha: string }).sha;
  const read = await app('GET', `${at}/git/trees/${made}?recursive=1`);

  expect(
    (read.body as { tree: { path: string; mode: string }[] }).tree.map(({ path, mode }) => `${mode} ${path}`),
  ).toEqual(['100755 run "it".sh', '040000 src', '100644 src/hello.txt', '100644 src/index.js']);
  expect(await app('GET', `${at}/git/blobs/${sha}`)).toMatchObject({
    body: { content: 'aGVsbG8=\n', size: 5, encoding: 'base64' },
  });
  expect((await app('GET', `${at}/git/blobs/${made}`)).status).toBe(404);
  expect((await app('GET', `${at}/git/trees/${nowhere}`)).status).toBe(404);
  const bad = { tree: [{ path: '../x', mode: '100644', type: 'blob', content: 'x' }] };
  expect((await app('POST', `${at}/git/trees`, bad)).status).toBe(422);
  expect((await app('POST', `${at}/git/commits`, { message: 'x', tree: nowhere })).status).toBe(422);
});

test('branches, history and comparisons come from git', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  const { main: base } = await standin.state.branches(repo);
  const alice = standin.as('alice');
  await alice.pushFiles(
    repo,
    'topic/one',
    { 'src/index.js': 'export const answer = 42;\n' },
    'Mend the answer',
  );
  const tip = await alice.pushFiles(
    repo,
    'topic/one',
    { 'README.md': null, 'docs/README.md': '# Widgets\n' },
    'Move',
  );
  await alice.pushFiles(repo, 'main', { other: 'x' }, 'Other');

  const compared = await app('GET', `${at}/compare/main...topic%2Fone`);

  expect((await app('GET', `${at}/branches`)).body).toMatchObject([{ name: 'main' }, { name: 'topic/one' }]);
  expect(await app('GET', `${at}/branches/topic%2Fone`)).toMatchObject({
    body: { name: 'topic/one', commit: { sha: tip, author: { login: 'alice' } }, protected: false },
  });
  expect(await app('GET', `${at}/branches/none`)).toMatchObject({
    status: 404,
    body: { message: 'Branch not found' },
  });
  expect((await app('GET', `${at}/commits?sha=topic/one`)).body).toHaveLength(3);
  expect((await app('GET', `${at}/commits?sha=none`)).status).toBe(404);
  expect(await app('GET', `${at}/commits/topic/one`)).toMatchObject({
    body: {
      sha: tip,
      files: [{ filename: 'docs/README.md', previous_filename: 'README.md', status: 'renamed' }],
    },
  });
  expect((await app('GET', `${at}/commits/none`)).status).toBe(422);
  expect(compared).toMatchObject({
    body: {
      status: 'diverged',
      ahead_by: 2,
      behind_by: 1,
      merge_base_commit: { sha: base },
      files: [{ status: 'renamed' }, { filename: 'src/index.js', additions: 1, deletions: 1 }],
    },
  });
  expect((await app('GET', `${at}/compare/main...none`)).status).toBe(404);
  expect(await app('GET', `${at}/languages`)).toMatchObject({ status: 200, body: { JavaScript: 26 } });
});

test('files are read, written and deleted by path', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  const path = `${at}/contents/docs/a%20b.md`;
  const content = Buffer.from('hello').toString('base64');

  const made = await app('PUT', path, { message: 'Add', content });
  const { sha } = (made.body as { content: { sha: string } }).content;

  expect(made.status).toBe(201);
  expect((await app('PUT', path, { message: 'Again', content })).status).toBe(422);
  expect((await app('PUT', path, { message: 'Again', content, sha: nowhere })).status).toBe(409);
  expect((await app('PUT', path, { message: 'Again', content: 'eA==', sha })).status).toBe(200);
  expect(await app('GET', path)).toMatchObject({ body: { type: 'file', name: 'a b.md', content: 'eA==\n' } });
  expect((await app('GET', `${at}/contents/docs`)).body).toMatchObject([{ name: 'a b.md', type: 'file' }]);
  expect((await app('GET', `${at}/contents/%2F`)).body).toMatchObject([
    { name: 'README.md' },
    { name: 'docs', type: 'dir' },
    { name: 'src', type: 'dir' },
  ]);
  expect(await standin.state.file(repo, 'main', 'docs/a b.md')).toBe('x');
  const raw = await app('GET', path, undefined, { accept: 'application/vnd.github.raw' });
  expect(raw.body).toBe('x');
  const now = ((await app('GET', path)).body as { sha: string }).sha;
  expect((await app('DELETE', path, { message: 'Remove', sha: now })).status).toBe(200);
  expect((await app('GET', path)).status).toBe(404);
  expect((await app('GET', `${at}/contents/README.md?ref=none`)).status).toBe(404);
  expect((await app('PUT', path, { message: 'x', content, branch: 'none' })).status).toBe(404);
});

test('workflow files need a permission of their own', async () => {
  await using setting = await startSetting();

  const answer = await setting.app('PUT', `${at}/contents/.github/workflows/ci.yml`, {
    message: 'x',
    content: 'eA==',
  });

  expect(answer.status).toBe(403);
  expect(answer.headers.get('x-accepted-github-permissions')).toBe('contents=write,workflows=write');
});

test('rules are told for branches that do not exist yet, and hold for refs and files', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  const { main } = await standin.state.branches(repo);
  standin.setBranchRules(repo, [
    { pattern: 'main', type: 'pull_request', parameters: reviewParameters },
    { pattern: 'release/*', type: 'creation' },
    { pattern: 'agent/*', type: 'non_fast_forward' },
  ]);

  expect(await app('GET', `${at}/rules/branches/main`)).toMatchObject({
    status: 200,
    body: [{ type: 'pull_request' }],
  });
  expect(await app('GET', `${at}/rules/branches/release%2F1`)).toMatchObject({
    body: [{ type: 'creation' }],
  });
  expect((await app('GET', `${at}/rules/branches/other`)).body).toEqual([]);
  expect((await app('POST', `${at}/git/refs`, { ref: 'refs/heads/release/1', sha: main })).status).toBe(422);
  expect((await app('PUT', `${at}/contents/x`, { message: 'x', content: 'eA==' })).status).toBe(422);
  const tip = await standin.as('alice').pushFiles(repo, 'agent/1', { a: 'b' }, 'Add a');
  expect((await app('PATCH', `${at}/git/refs/heads/agent/1`, { sha: main, force: true })).status).toBe(422);
  expect(await standin.state.branches(repo)).toEqual({ main, 'agent/1': tip });
});

const reviewParameters = {
  dismiss_stale_reviews_on_push: false,
  require_code_owner_review: false,
  require_last_push_approval: false,
  required_approving_review_count: 1,
  required_review_thread_resolution: false,
};

test('statuses add up for a commit', async () => {
  await using setting = await startSetting();
  const { standin, installationId } = setting;
  await standin.acceptNewPermissions(installationId, {
    metadata: 'read',
    contents: 'read',
    statuses: 'write',
  });
  const call = createClient(standin, await mintToken(standin, installationId));
  const { main } = await standin.state.branches(repo);

  expect(await call('GET', `${at}/commits/main/status`)).toMatchObject({
    body: { state: 'pending', total_count: 0 },
  });
  await call('POST', `${at}/statuses/${main}`, { state: 'failure', context: 'ci' });
  expect(await call('GET', `${at}/commits/main/status`)).toMatchObject({ body: { state: 'failure' } });
  const made = await call('POST', `${at}/statuses/${main}`, { state: 'success', context: 'ci' });

  expect(made).toMatchObject({ status: 201, body: { state: 'success', creator: { type: 'Bot' } } });
  expect(await call('GET', `${at}/commits/main/status`)).toMatchObject({
    body: { state: 'success', total_count: 1 },
  });
});

test('a branch made, moved and deleted through REST is a push each time', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  await using receiver = await startReceiver(() => standin.app.webhookSecret);
  const { main } = await standin.state.branches(repo);
  const tip = await standin.as('alice').pushFiles(repo, 'other', { a: 'b' }, 'Add a');
  standin.webhooks.target(receiver.url);

  await app('POST', `${at}/git/refs`, { ref: 'refs/heads/x', sha: main });
  await app('PATCH', `${at}/git/refs/heads/x`, { sha: tip });
  await app('DELETE', `${at}/git/refs/heads/x`);
  await standin.webhooks.idle();

  const pushes = receiver.received.filter(({ event }) => event === 'push').map(({ payload }) => payload);
  expect(pushes).toMatchObject([
    { created: true, deleted: false, after: main, commits: [] },
    {
      before: main,
      after: tip,
      forced: false,
      commits: [{ id: tip, added: ['a'], author: { username: 'alice' } }],
    },
    { created: false, deleted: true, head_commit: null },
  ]);
});
