import { expect, test } from 'vitest';
import { createClient } from './client.ts';
import { at, repo, startSetting } from './setting.ts';
import { startReceiver } from './webhook-receiver.ts';

test('an issue opened by the App is its bot’s, and says that it came through the App', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;

  const opened = await app('POST', `${at}/issues`, {
    title: 'Bug',
    body: 'It breaks',
    labels: ['bug', { name: 'p1' }],
  });

  expect(opened).toMatchObject({
    status: 201,
    body: {
      number: 1,
      state: 'open',
      user: { login: standin.app.botLogin, type: 'Bot' },
      labels: [{ name: 'bug' }, { name: 'p1' }],
      performed_via_github_app: { id: standin.app.id },
    },
  });
  expect(await app('GET', `${at}/issues/1`)).toMatchObject({ status: 200, body: { title: 'Bug' } });
});

test('people without triage rights open issues without labels', async () => {
  await using setting = await startSetting();
  const mallory = createClient(setting.standin, setting.standin.createUserToken('mallory'));

  const opened = await mallory('POST', `${at}/issues`, { title: 'Bug', labels: ['agent:backend'] });

  expect(opened).toMatchObject({ status: 201, body: { labels: [], performed_via_github_app: null } });
});

test('lists hold issues and pull requests, newest first, filtered as asked', async () => {
  let nowMs = Date.now() - 600_000;
  await using setting = await startSetting({
    options: { clock: { nowMs: () => nowMs } },
    nowSeconds: nowMs / 1000,
  });
  const { standin, app } = setting;
  const alice = standin.as('alice');
  await alice.openIssue({ repository: repo, title: 'One', labels: ['bug'] });
  nowMs += 60_000;
  await alice.openIssue({ repository: repo, title: 'Two' });
  await alice.closeIssue(repo, 2, 'not_planned');
  nowMs += 60_000;
  await alice.pushFiles(repo, 'topic', { a: 'b' }, 'Add a');
  await alice.openPullRequest(repo, { title: 'Three', head: 'topic' });
  const numbers = async (query: string) =>
    ((await app('GET', `${at}/issues?${query}`)).body as { number: number }[]).map(({ number }) => number);

  expect(await numbers('')).toEqual([3, 1]);
  expect(await numbers('state=all')).toEqual([3, 2, 1]);
  expect(await numbers('state=closed')).toEqual([2]);
  expect(await numbers('labels=BUG')).toEqual([1]);
  expect(await numbers('state=all&direction=asc')).toEqual([1, 2, 3]);
  expect(await numbers(`state=all&since=${new Date(nowMs - 60_000).toISOString()}`)).toEqual([3, 2]);
  expect(await numbers('assignee=none')).toEqual([3, 1]);
  expect(await app('GET', `${at}/issues/3`)).toMatchObject({ body: { pull_request: { merged_at: null } } });
  expect(await app('GET', `${at}/issues/2`)).toMatchObject({ body: { state_reason: 'not_planned' } });
});

test('an update replaces labels, and closes and reopens', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  await standin.as('alice').openIssue({ repository: repo, title: 'One', labels: ['a', 'b'] });

  const closed = await app('PATCH', `${at}/issues/1`, { labels: ['b', 'c'], state: 'closed', title: 'Uno' });
  const reopened = await app('PATCH', `${at}/issues/1`, { state: 'open' });

  expect(closed).toMatchObject({
    status: 200,
    body: {
      title: 'Uno',
      state: 'closed',
      state_reason: 'completed',
      labels: [{ name: 'b' }, { name: 'c' }],
    },
  });
  expect(reopened).toMatchObject({ body: { state: 'open', state_reason: 'reopened', closed_at: null } });
});

test.each([
  ['no title', {}],
  ['an empty title', { title: '' }],
  ['a title that is too long', { title: 'x'.repeat(257) }],
  ['a body that is too long', { title: 'x', body: 'y'.repeat(65_537) }],
  ['labels that are no names', { title: 'x', labels: [{ name: '' }] }],
  ['an unknown assignee', { title: 'x', assignees: ['nobody-at-all'] }],
])('an issue with %s is refused', async (_, body) => {
  await using setting = await startSetting();

  expect((await setting.app('POST', `${at}/issues`, body)).status).toBe(422);
});

test('only who may push can be assigned; others are left out in silence', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  await standin.as('alice').openIssue({ repository: repo, title: 'One' });

  const assigned = await app('POST', `${at}/issues/1/assignees`, { assignees: ['alice', 'mallory'] });

  expect(assigned).toMatchObject({ status: 201, body: { assignees: [{ login: 'alice' }] } });
  const removed = await app('DELETE', `${at}/issues/1/assignees`, { assignees: ['alice'] });
  expect(removed).toMatchObject({ status: 200, body: { assignees: [] } });
  expect((await app('GET', `${at}/assignees/alice`)).status).toBe(204);
  expect((await app('GET', `${at}/assignees/mallory`)).status).toBe(404);
});

test('a deleted issue is gone, a transferred one redirects, an unknown one is not found', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  await standin.createRepository({ owner: 'acme', name: 'gadgets', files: { a: 'b' } });
  standin.setRole('acme/gadgets', 'alice', 'write');
  await standin.as('alice').openIssue({ repository: repo, title: 'Delete me' });
  await standin.as('alice').openIssue({ repository: repo, title: 'Move me' });
  await standin.as('alice').comment(repo, 2, 'comes along');

  await standin.as('ada').deleteIssue(repo, 1);
  const number = await standin.as('alice').transferIssue(repo, 2, 'acme/gadgets');

  expect((await app('GET', `${at}/issues/1`)).status).toBe(410);
  expect((await app('POST', `${at}/issues/1/comments`, { body: 'x' })).status).toBe(410);
  const moved = await app('GET', `${at}/issues/2`);
  expect(moved.status).toBe(301);
  expect(moved.headers.get('location')).toBe(`${standin.url}/api/v3/repos/acme/gadgets/issues/${number}`);
  expect(standin.state.comments('acme/gadgets', number)).toMatchObject([{ body: 'comes along' }]);
  expect((await app('GET', `${at}/issues/99`)).status).toBe(404);
  await expect(standin.as('alice').deleteIssue(repo, 1)).rejects.toThrow('Not Found');
});

test('a locked issue takes no comment of Apps and strangers', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  await standin.as('alice').openIssue({ repository: repo, title: 'Hot' });
  expect((await app('PUT', `${at}/issues/1/lock`, { lock_reason: 'too heated' })).status).toBe(204);

  expect(await app('POST', `${at}/issues/1/comments`, { body: 'x' })).toMatchObject({
    status: 403,
    body: { message: 'Unable to create comment because issue is locked.' },
  });
  await expect(standin.as('mallory').comment(repo, 1, 'x')).rejects.toThrow('locked');
  await standin.as('alice').comment(repo, 1, 'I may');
  expect((await app('DELETE', `${at}/issues/1/lock`)).status).toBe(204);
  expect((await app('POST', `${at}/issues/1/comments`, { body: 'x' })).status).toBe(201);
});

test('what happens to an issue is told step by step, by the person who did it', async () => {
  await using setting = await startSetting();
  const { standin } = setting;
  await using receiver = await startReceiver(() => standin.app.webhookSecret);
  standin.webhooks.target(receiver.url);
  const alice = standin.as('alice');

  await alice.openIssue({ repository: repo, title: 'One', labels: ['agent:backend'] });
  await alice.editIssue(repo, 1, { body: 'more' });
  await alice.removeLabel(repo, 1, 'agent:backend');
  await alice.assign(repo, 1, 'alice');
  await alice.lockIssue(repo, 1);
  await alice.unlockIssue(repo, 1);
  await alice.closeIssue(repo, 1);
  await alice.reopenIssue(repo, 1);
  await standin.webhooks.idle();

  expect(receiver.names().sort()).toEqual(
    [
      'label.created',
      'issues.opened',
      'issues.labeled',
      'issues.edited',
      'issues.unlabeled',
      'issues.assigned',
      'issues.locked',
      'issues.unlocked',
      'issues.closed',
      'issues.reopened',
    ].sort(),
  );
  const labeled = receiver.received.find(({ action }) => action === 'labeled');
  expect(labeled?.payload).toMatchObject({ label: { name: 'agent:backend' }, sender: { login: 'alice' } });
  const edited = receiver.received.find(({ action }) => action === 'edited');
  expect(edited?.payload).toMatchObject({ changes: { body: { from: '' } } });
});

test('issues block each other, and tell how many open ones do', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  const alice = standin.as('alice');
  const blocked = await alice.openIssue({ repository: repo, title: 'Blocked' });
  const blocker = await alice.openIssue({ repository: repo, title: 'Blocker' });
  const dependencies = `${at}/issues/${blocked.number}/dependencies/blocked_by`;
  const summary = async (number: number) =>
    ((await app('GET', `${at}/issues/${number}`)).body as { issue_dependencies_summary: unknown })
      .issue_dependencies_summary;

  expect(await app('POST', dependencies, { issue_id: blocked.id })).toMatchObject({ status: 422 });
  expect(await app('POST', dependencies, { issue_id: 1 })).toMatchObject({ status: 404 });
  expect(await app('POST', dependencies, { issue_id: blocker.id })).toMatchObject({ status: 201 });
  expect(await app('GET', dependencies)).toMatchObject({ body: [{ number: blocker.number }] });
  expect(await summary(blocked.number)).toMatchObject({ blocked_by: 1, total_blocked_by: 1, blocking: 0 });
  expect(await summary(blocker.number)).toMatchObject({ blocked_by: 0, blocking: 1 });

  await alice.closeIssue(repo, blocker.number);
  expect(await summary(blocked.number)).toMatchObject({ blocked_by: 0, total_blocked_by: 1 });
  expect(await app('DELETE', `${dependencies}/${blocker.id}`)).toMatchObject({ status: 200 });
  expect(await summary(blocked.number)).toMatchObject({ blocked_by: 0, total_blocked_by: 0 });
});
