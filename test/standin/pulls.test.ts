import { expect, test } from 'vitest';
import { createClient, mintToken } from './client.ts';
import { at, repo, startSetting, type Setting } from './setting.ts';
import { startReceiver } from './webhook-receiver.ts';

/** A branch `topic` with one commit more than main, by alice. */
async function pushTopic({ standin }: Setting): Promise<string> {
  return standin
    .as('alice')
    .pushFiles(repo, 'topic', { 'src/index.js': 'export const answer = 42;\n' }, 'Mend');
}

test('the App opens a pull request that shows what git shows', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  const head = await pushTopic(setting);

  const opened = await app('POST', `${at}/pulls`, {
    title: 'Mend',
    head: 'topic',
    base: 'main',
    body: 'Why',
  });

  expect(opened).toMatchObject({
    status: 201,
    body: {
      number: 1,
      head: { ref: 'topic', sha: head },
      base: { ref: 'main' },
      commits: 1,
      changed_files: 1,
      additions: 1,
      deletions: 1,
      mergeable: true,
      user: { login: standin.app.botLogin },
    },
  });
  expect((await app('GET', `${at}/pulls/1/files`)).body).toMatchObject([
    {
      filename: 'src/index.js',
      status: 'modified',
      patch: expect.stringContaining('+export const answer = 42;'),
    },
  ]);
  expect((await app('GET', `${at}/pulls/1/commits`)).body).toMatchObject([
    { sha: head, author: { login: 'alice' } },
  ]);
  expect((await app('GET', `${at}/commits/${head}/pulls`)).body).toMatchObject([{ number: 1 }]);
  expect((await app('GET', `${at}/commits/main/pulls`)).body).toEqual([]);
});

test.each([
  ['a head that does not exist', { head: 'nowhere' }, /Validation Failed/],
  ['a base that does not exist', { base: 'nowhere' }, /Validation Failed/],
  ['a head of another owner', { head: 'bob:topic' }, /Validation Failed/],
  ['nothing to merge', { head: 'same' }, /No commits between main and same/],
])('a pull request with %s is refused, and makes no branch', async (_, wrong, message) => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  await pushTopic(setting);
  const { main } = await standin.state.branches(repo);
  await app('POST', `${at}/git/refs`, { ref: 'refs/heads/same', sha: main });
  const before = await standin.state.branches(repo);

  const answer = await app('POST', `${at}/pulls`, { title: 'x', head: 'topic', base: 'main', ...wrong });

  expect(answer.status).toBe(422);
  expect(JSON.stringify(answer.body)).toMatch(message);
  expect(await standin.state.branches(repo)).toEqual(before);
});

test('there is one open pull request for a head and base', async () => {
  await using setting = await startSetting();
  const { app } = setting;
  await pushTopic(setting);
  const body = { title: 'x', head: 'acme:topic', base: 'main' };
  await app('POST', `${at}/pulls`, body);

  const again = await app('POST', `${at}/pulls`, body);

  expect(again.status).toBe(422);
  expect(JSON.stringify(again.body)).toContain('A pull request already exists for acme:topic.');
  expect((await app('GET', `${at}/pulls?head=acme:topic`)).body).toHaveLength(1);
  expect((await app('GET', `${at}/pulls?head=acme:other`)).body).toEqual([]);
  expect((await app('GET', `${at}/pulls?head=topic`)).body).toEqual([]);
});

test('an open pull request follows its head branch, a closed one does not', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  await using receiver = await startReceiver(() => standin.app.webhookSecret);
  const before = await pushTopic(setting);
  await app('POST', `${at}/pulls`, { title: 'x', head: 'topic', base: 'main' });
  standin.webhooks.target(receiver.url);

  const after = await standin.as('alice').pushFiles(repo, 'topic', { more: 'x' }, 'More');
  await standin.webhooks.idle();

  const synchronized = receiver.received.find(({ action }) => action === 'synchronize');
  expect(synchronized?.payload).toMatchObject({
    before,
    after,
    pull_request: { head: { sha: after }, commits: 2 },
  });
  expect((await app('PATCH', `${at}/pulls/1`, { state: 'closed', title: 'y' })).body).toMatchObject({
    state: 'closed',
    title: 'y',
    merged: false,
  });
  await standin.as('alice').pushFiles(repo, 'topic', { evenMore: 'x' }, 'Even more');
  expect(standin.state.pullRequests(repo)).toMatchObject([{ head: { sha: after } }]);
});

test('deleting the head branch closes the pull request', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  await pushTopic(setting);
  await app('POST', `${at}/pulls`, { title: 'x', head: 'topic', base: 'main' });

  await app('DELETE', `${at}/git/refs/heads/topic`);

  expect(standin.state.pullRequests(repo)).toMatchObject([{ state: 'closed', merged_at: null }]);
  expect((await app('PATCH', `${at}/pulls/1`, { state: 'open' })).status).toBe(422);
});

test.each([
  ['merge', 2],
  ['squash', 1],
  ['rebase', 1],
] as const)(
  'merging by %s puts the work on the base branch and closes the issue it names',
  async (method, parents) => {
    await using setting = await startSetting();
    const { standin, app } = setting;
    await standin.as('alice').openIssue({ repository: repo, title: 'Bug' });
    await pushTopic(setting);
    await app('POST', `${at}/pulls`, { title: 'Mend', head: 'topic', base: 'main', body: 'Fixes #1' });
    expect((await app('GET', `${at}/pulls/2/merge`)).status).toBe(404);

    const merged = await app('PUT', `${at}/pulls/2/merge`, { merge_method: method });

    const { sha } = merged.body as { sha: string };
    expect(merged).toMatchObject({ status: 200, body: { merged: true } });
    expect((await standin.state.branches(repo))['main']).toBe(sha);
    expect((await standin.state.commits(repo, sha))[0]?.parents).toHaveLength(parents);
    expect(await standin.state.file(repo, 'main', 'src/index.js')).toBe('export const answer = 42;\n');
    expect(standin.state.issue(repo, 1)).toMatchObject({ state: 'closed', state_reason: 'completed' });
    expect(await app('GET', `${at}/pulls/2`)).toMatchObject({
      body: { merged: true, merge_commit_sha: sha, merged_by: { type: 'Bot' } },
    });
    expect((await app('GET', `${at}/pulls/2/merge`)).status).toBe(204);
    expect((await app('PUT', `${at}/pulls/2/merge`, {})).status).toBe(405);
  },
);

test('a conflict, a draft and a moved head cannot be merged', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  const alice = standin.as('alice');
  const head = await pushTopic(setting);
  await app('POST', `${at}/pulls`, { title: 'x', head: 'topic', base: 'main', draft: true });
  expect((await app('PUT', `${at}/pulls/1/merge`, {})).status).toBe(405);
  await alice.setDraft(repo, 1, false);
  expect((await app('PUT', `${at}/pulls/1/merge`, { sha: '0'.repeat(40) })).status).toBe(409);

  await alice.pushFiles(repo, 'main', { 'src/index.js': 'export const answer = 7;\n' }, 'Conflict');

  expect(await app('GET', `${at}/pulls/1`)).toMatchObject({
    body: { mergeable: false, mergeable_state: 'dirty' },
  });
  expect((await app('PUT', `${at}/pulls/1/merge`, { sha: head })).status).toBe(405);
});

test('commits that reach the base by a push count as merged', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  const sha = await pushTopic(setting);
  await app('POST', `${at}/pulls`, { title: 'x', head: 'topic', base: 'main' });

  await app('PATCH', `${at}/git/refs/heads/main`, { sha });

  expect(standin.state.pullRequests(repo)).toMatchObject([{ state: 'closed', merge_commit_sha: sha }]);
});

test('merging needs the contents permission, opening does not', async () => {
  await using setting = await startSetting();
  const { standin, installationId } = setting;
  await pushTopic(setting);
  const call = createClient(
    standin,
    await mintToken(standin, installationId, { permissions: { pull_requests: 'write' } }),
  );

  expect((await call('POST', `${at}/pulls`, { title: 'x', head: 'topic', base: 'main' })).status).toBe(201);
  const refused = await call('PUT', `${at}/pulls/1/merge`, {});

  expect(refused.status).toBe(403);
  expect(refused.headers.get('x-accepted-github-permissions')).toBe('contents=write');
  // On a pull request its own permission serves for what is otherwise an issue's.
  expect((await call('POST', `${at}/issues/1/comments`, { body: 'fine' })).status).toBe(201);
  expect((await call('POST', `${at}/issues/1/labels`, { labels: ['x'] })).status).toBe(200);
});

test('a review asks for changes, with comments on lines and answers to them', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  await using receiver = await startReceiver(() => standin.app.webhookSecret);
  await pushTopic(setting);
  await app('POST', `${at}/pulls`, { title: 'x', head: 'topic', base: 'main' });
  standin.webhooks.target(receiver.url);

  const review = await standin.as('alice').reviewPullRequest(repo, 1, {
    event: 'REQUEST_CHANGES',
    body: 'Not yet',
    comments: [{ path: 'src/index.js', line: 1, body: 'Why 42?' }],
  });
  await standin.webhooks.idle();

  const [comment] = (await app('GET', `${at}/pulls/1/comments`)).body as { id: number; body: string }[];
  expect(comment).toMatchObject({ body: 'Why 42?', path: 'src/index.js', pull_request_review_id: review.id });
  expect(comment).toMatchObject({ start_line: null, start_side: null, line: 1, side: 'RIGHT' });
  const several = { path: 'src/index.js', start_line: 1, line: 2, body: '```suggestion\n41\n```' };
  const wanted = { event: 'COMMENT', body: 'These two', comments: [several] };
  const second = (await app('POST', `${at}/pulls/1/reviews`, wanted)).body as { id: number };
  expect((await app('GET', `${at}/pulls/1/reviews/${second.id}/comments`)).body).toMatchObject([
    { start_line: 1, start_side: 'RIGHT', line: 2, side: 'RIGHT' },
  ]);
  const backwards = { ...wanted, comments: [{ ...several, start_line: 3 }] };
  expect((await app('POST', `${at}/pulls/1/reviews`, backwards)).status).toBe(422);
  const reply = await app('POST', `${at}/pulls/1/comments/${comment?.id}/replies`, { body: 'Because' });
  expect(reply).toMatchObject({ status: 201, body: { in_reply_to_id: comment?.id } });
  expect((await app('GET', `${at}/pulls/comments`)).body).toHaveLength(3);
  expect(await app('GET', `${at}/pulls/comments/${comment?.id}`)).toMatchObject({
    body: { body: 'Why 42?' },
  });
  expect((await app('GET', `${at}/pulls/1/reviews/${review.id}/comments`)).body).toHaveLength(1);
  expect((await app('GET', `${at}/pulls/1/reviews`)).body).toMatchObject([
    { id: review.id, state: 'CHANGES_REQUESTED' },
    { id: second.id, state: 'COMMENTED' },
    { state: 'COMMENTED' },
  ]);
  const submitted = receiver.received.find(({ event }) => event === 'pull_request_review');
  expect(submitted?.payload).toMatchObject({ action: 'submitted', review: { state: 'changes_requested' } });
  expect(receiver.names()).toContain('pull_request_review_comment.created');
  const dismissed = await app('PUT', `${at}/pulls/1/reviews/${review.id}/dismissals`, { message: 'Done' });
  expect(dismissed).toMatchObject({ status: 200, body: { state: 'DISMISSED' } });
});

test('nobody approves or refuses their own pull request', async () => {
  await using setting = await startSetting();
  const { app } = setting;
  await pushTopic(setting);
  await app('POST', `${at}/pulls`, { title: 'x', head: 'topic', base: 'main' });

  expect((await app('POST', `${at}/pulls/1/reviews`, { event: 'APPROVE' })).status).toBe(422);
  expect(await app('POST', `${at}/pulls/1/reviews`, { event: 'COMMENT', body: 'note' })).toMatchObject({
    status: 200,
    body: { state: 'COMMENTED' },
  });
  expect((await app('POST', `${at}/pulls/1/reviews`, { event: 'REQUEST_CHANGES' })).status).toBe(422);
});

test('reviewers are asked, and are done with it by their review', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  await pushTopic(setting);
  await app('POST', `${at}/pulls`, { title: 'x', head: 'topic', base: 'main' });
  const path = `${at}/pulls/1/requested_reviewers`;

  const asked = await app('POST', path, { reviewers: ['alice', 'ada'] });
  await app('DELETE', path, { reviewers: ['ada'] });

  expect(asked).toMatchObject({
    status: 201,
    body: { requested_reviewers: [{ login: 'alice' }, { login: 'ada' }] },
  });
  expect(await app('GET', path)).toMatchObject({ body: { users: [{ login: 'alice' }] } });
  expect((await app('POST', path, { reviewers: ['nobody-at-all'] })).status).toBe(422);
  await standin.as('alice').reviewPullRequest(repo, 1, { event: 'APPROVE' });
  expect(await app('GET', path)).toMatchObject({ body: { users: [] } });
});
