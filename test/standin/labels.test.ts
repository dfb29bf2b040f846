import { expect, test } from 'vitest';
import { at, repo, startSetting } from './setting.ts';
import { startReceiver } from './webhook-receiver.ts';

test('labels of a repository are made, changed and removed', async () => {
  await using setting = await startSetting();
  const { app } = setting;

  expect(
    await app('POST', `${at}/labels`, { name: 'agent:backend', color: 'ABCDEF', description: 'Python' }),
  ).toMatchObject({ status: 201, body: { name: 'agent:backend', color: 'abcdef', description: 'Python' } });
  expect(await app('POST', `${at}/labels`, { name: 'Agent:Backend' })).toMatchObject({
    status: 422,
    body: { errors: [{ code: 'already_exists', field: 'name' }] },
  });
  expect((await app('POST', `${at}/labels`, { name: 'x', color: 'red' })).status).toBe(422);
  expect(await app('PATCH', `${at}/labels/agent:backend`, { new_name: 'agent:api' })).toMatchObject({
    status: 200,
    body: { name: 'agent:api', color: 'abcdef' },
  });
  expect(await app('GET', `${at}/labels`)).toMatchObject({ body: [{ name: 'agent:api' }] });
  expect((await app('GET', `${at}/labels/agent%3Abackend`)).status).toBe(404);
  expect((await app('DELETE', `${at}/labels/agent:api`)).status).toBe(204);
  expect((await app('GET', `${at}/labels/agent:api`)).status).toBe(404);
});

test('labels on an issue are added, set and taken off one by one', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  await standin.as('alice').openIssue({ repository: repo, title: 'One' });
  const names = (answer: { body: unknown }) => (answer.body as { name: string }[]).map(({ name }) => name);
  const path = `${at}/issues/1/labels`;

  expect(names(await app('POST', path, { labels: ['a', 'b'] }))).toEqual(['a', 'b']);
  expect(names(await app('POST', path, { labels: ['B', 'c'] }))).toEqual(['a', 'b', 'c']);
  expect(names(await app('DELETE', `${path}/b`))).toEqual(['a', 'c']);
  expect(await app('DELETE', `${path}/b`)).toMatchObject({
    status: 404,
    body: { message: 'Label does not exist' },
  });
  expect(names(await app('PUT', path, { labels: ['d'] }))).toEqual(['d']);
  expect((await app('DELETE', path)).status).toBe(204);
  expect(names(await app('GET', path))).toEqual([]);
});

test('each label of one request is an event of its own, with its own GUID', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  await using receiver = await startReceiver(() => standin.app.webhookSecret);
  await standin.as('alice').openIssue({ repository: repo, title: 'One' });
  standin.webhooks.target(receiver.url);

  await app('POST', `${at}/issues/1/labels`, { labels: ['a', 'b', 'c', 'd', 'e'] });
  await standin.webhooks.idle();

  const labeled = receiver.received.filter(({ event }) => event === 'issues');
  expect(labeled).toHaveLength(5);
  expect(new Set(labeled.map(({ guid }) => guid)).size).toBe(5);
});

test('renaming a label follows on the issues, deleting it takes it off', async () => {
  await using setting = await startSetting();
  const { standin } = setting;
  await using receiver = await startReceiver(() => standin.app.webhookSecret);
  const alice = standin.as('alice');
  await alice.openIssue({ repository: repo, title: 'One', labels: ['old'] });
  standin.webhooks.target(receiver.url);

  await alice.renameLabel(repo, 'old', 'new');
  expect(standin.state.issue(repo, 1).labels).toMatchObject([{ name: 'new' }]);
  await alice.deleteLabel(repo, 'new');
  expect(standin.state.issue(repo, 1).labels).toEqual([]);
  await standin.webhooks.idle();

  expect(receiver.names().sort()).toEqual(['label.deleted', 'label.edited']);
  expect(receiver.received[0]?.payload).toMatchObject({ changes: { name: { from: 'old' } } });
});

test('a label on a pull request is told as pull_request, not as issues', async () => {
  await using setting = await startSetting();
  const { standin } = setting;
  await using receiver = await startReceiver(() => standin.app.webhookSecret);
  const alice = standin.as('alice');
  await alice.pushFiles(repo, 'topic', { a: 'b' }, 'Add a');
  const pull = await alice.openPullRequest(repo, { title: 'A', head: 'topic' });
  standin.webhooks.target(receiver.url);

  await alice.addLabel(repo, pull.number, 'x');
  await standin.webhooks.idle();

  expect(receiver.names().sort()).toEqual(['label.created', 'pull_request.labeled']);
});
