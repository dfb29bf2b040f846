import { expect, test } from 'vitest';
import { createClient } from './client.ts';
import { at, repo, startSetting } from './setting.ts';
import { startReceiver } from './webhook-receiver.ts';

test('the App writes, edits and deletes its comment', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  await standin.as('alice').openIssue({ repository: repo, title: 'One' });

  const posted = await app('POST', `${at}/issues/1/comments`, { body: 'first' });
  const { id } = posted.body as { id: number };

  expect(posted).toMatchObject({
    status: 201,
    body: { user: { login: standin.app.botLogin }, performed_via_github_app: { slug: 'yardmaster' } },
  });
  expect(await app('PATCH', `${at}/issues/comments/${id}`, { body: 'second' })).toMatchObject({
    status: 200,
    body: { id, body: 'second' },
  });
  expect(await app('GET', `${at}/issues/comments/${id}`)).toMatchObject({ body: { body: 'second' } });
  expect((await app('DELETE', `${at}/issues/comments/${id}`)).status).toBe(204);
  expect((await app('GET', `${at}/issues/comments/${id}`)).status).toBe(404);
  expect((await app('PATCH', `${at}/issues/comments/${id}`, { body: 'x' })).status).toBe(404);
});

test('65,536 characters fit, one more does not', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  await standin.as('alice').openIssue({ repository: repo, title: 'One' });

  expect((await app('POST', `${at}/issues/1/comments`, { body: '😀'.repeat(65_536) })).status).toBe(201);
  expect(await app('POST', `${at}/issues/1/comments`, { body: 'x'.repeat(65_537) })).toMatchObject({
    status: 422,
    body: {
      errors: [{ resource: 'IssueComment', message: 'Body is too long (maximum is 65536 characters)' }],
    },
  });
  expect((await app('POST', `${at}/issues/1/comments`, { body: '  ' })).status).toBe(422);
  expect((await app('POST', `${at}/issues/1/comments`, {})).status).toBe(422);
});

test('a body that is no JSON is refused', async () => {
  await using setting = await startSetting();
  const { standin, token } = setting;
  await standin.as('alice').openIssue({ repository: repo, title: 'One' });

  const response = await fetch(`${standin.url}${at}/issues/1/comments`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: '{"body":',
  });

  expect(response.status).toBe(400);
});

test('lists are by issue or repository-wide, since a time', async () => {
  let nowMs = Date.now() - 600_000;
  await using setting = await startSetting({
    options: { clock: { nowMs: () => nowMs } },
    nowSeconds: nowMs / 1000,
  });
  const { standin, app } = setting;
  const alice = standin.as('alice');
  await alice.openIssue({ repository: repo, title: 'One' });
  await alice.openIssue({ repository: repo, title: 'Two' });
  const first = await alice.comment(repo, 1, 'a');
  nowMs += 60_000;
  await alice.comment(repo, 2, 'b');
  nowMs += 60_000;
  await alice.editComment(repo, first.id, 'a2');
  const bodies = async (path: string) =>
    ((await app('GET', `${at}${path}`)).body as { body: string }[]).map(({ body }) => body);
  const since = (ms: number) => `since=${new Date(ms).toISOString()}`;

  expect(await bodies('/issues/1/comments')).toEqual(['a2']);
  expect(await bodies(`/issues/1/comments?${since(nowMs + 1000)}`)).toEqual([]);
  expect(await bodies('/issues/comments')).toEqual(['a2', 'b']);
  expect(await bodies(`/issues/comments?${since(nowMs)}`)).toEqual(['a2']);
  expect(await bodies('/issues/comments?sort=updated&direction=desc')).toEqual(['a2', 'b']);
  expect(await bodies('/issues/comments?sort=updated&direction=asc')).toEqual(['b', 'a2']);
});

test('writers may edit what others wrote; the event tells who and what it was', async () => {
  await using setting = await startSetting();
  const { standin } = setting;
  await using receiver = await startReceiver(() => standin.app.webhookSecret);
  await standin.as('alice').openIssue({ repository: repo, title: 'One' });
  const comment = await standin.as('mallory').comment(repo, 1, '/agent run');
  standin.webhooks.target(receiver.url);

  await standin.as('alice').editComment(repo, comment.id, '/agent run backend');
  await standin.as('mallory').deleteComment(repo, comment.id);
  await standin.webhooks.idle();

  const edited = receiver.received.find(({ action }) => action === 'edited');
  expect(edited?.payload).toMatchObject({
    changes: { body: { from: '/agent run' } },
    comment: { user: { login: 'mallory' } },
    sender: { login: 'alice' },
  });
  expect(receiver.names().sort()).toEqual(['issue_comment.deleted', 'issue_comment.edited']);
});

test('a reaction is given once and taken back by whoever gave it', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  await standin.as('alice').openIssue({ repository: repo, title: 'One' });
  const comment = await standin.as('alice').comment(repo, 1, 'x');
  const path = `${at}/issues/comments/${comment.id}/reactions`;

  const first = await app('POST', path, { content: 'eyes' });
  const again = await app('POST', path, { content: 'eyes' });
  await standin.as('alice').react(repo, comment.id, 'rocket');

  expect(first.status).toBe(201);
  expect(again).toMatchObject({ status: 200, body: { id: (first.body as { id: number }).id } });
  expect((await app('POST', path, { content: 'applause' })).status).toBe(422);
  expect(await app('GET', `${path}?content=eyes`)).toMatchObject({ body: [{ content: 'eyes' }] });
  expect(standin.state.reactions(comment.id).map(({ content }) => content)).toEqual(['eyes', 'rocket']);
  expect(await app('GET', `${at}/issues/comments/${comment.id}`)).toMatchObject({
    body: { reactions: { eyes: 1, rocket: 1, total_count: 2 } },
  });
  const [eyes, rocket] = standin.state.reactions(comment.id);
  expect((await app('DELETE', `${path}/${eyes?.id}`)).status).toBe(204);
  expect((await app('DELETE', `${path}/${rocket?.id}`)).status).toBe(403);
});

test('issues take reactions too', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  await standin.as('alice').openIssue({ repository: repo, title: 'One' });

  expect((await app('POST', `${at}/issues/1/reactions`, { content: '+1' })).status).toBe(201);
  expect(await app('GET', `${at}/issues/1/reactions`)).toMatchObject({
    status: 200,
    body: [{ content: '+1' }],
  });
  const nobody = createClient(standin);
  expect((await nobody('POST', `${at}/issues/1/reactions`, { content: '+1' })).status).toBe(401);
});
