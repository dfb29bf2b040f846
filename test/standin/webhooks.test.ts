import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { appToken, createClient } from './client.ts';
import { repo, startSetting } from './setting.ts';
import { startReceiver } from './webhook-receiver.ts';

test('a webhook is signed and carries GitHub’s headers', async () => {
  await using setting = await startSetting();
  const { standin, installationId } = setting;
  await using receiver = await startReceiver(() => standin.app.webhookSecret);
  standin.webhooks.target(receiver.url);

  await standin.as('alice').openIssue({ repository: repo, title: 'Ümlaut 😀' });
  await standin.webhooks.idle();

  const [webhook] = receiver.received;
  expect(webhook).toMatchObject({
    isSigned: true,
    headers: {
      'user-agent': expect.stringMatching(/^GitHub-Hookshot\//),
      'content-type': 'application/json',
      'x-github-event': 'issues',
      'x-github-hook-installation-target-id': String(standin.app.id),
      'x-github-hook-installation-target-type': 'integration',
    },
    payload: {
      action: 'opened',
      issue: { title: 'Ümlaut 😀' },
      installation: { id: installationId },
      organization: { login: 'acme' },
      sender: { login: 'alice', type: 'User' },
    },
  });
  expect(webhook?.headers['x-github-hook-id']).toMatch(/^\d+$/);
});

test('the App hears of what it does itself, as done by its bot', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  await using receiver = await startReceiver(() => standin.app.webhookSecret);
  await standin.as('alice').openIssue({ repository: repo, title: 'One' });
  standin.webhooks.target(receiver.url);

  await app('POST', `/repos/${repo}/issues/1/comments`, { body: 'mine' });
  await standin.webhooks.idle();

  expect(receiver.received).toMatchObject([
    { event: 'issue_comment', payload: { sender: { login: standin.app.botLogin, type: 'Bot' } } },
  ]);
});

test('failed deliveries stay failed in the log until they are delivered again, under the same GUID', async () => {
  await using setting = await startSetting();
  const { standin } = setting;
  let status = 500;
  await using receiver = await startReceiver(
    () => standin.app.webhookSecret,
    () => status,
  );
  standin.webhooks.target(receiver.url);
  const asApp = createClient(standin, appToken(standin.app));
  await standin.as('alice').openIssue({ repository: repo, title: 'One' });
  await standin.webhooks.idle();
  status = 200;

  const failed = await asApp('GET', '/app/hook/deliveries?status=failure');
  const [delivery] = failed.body as { id: number; guid: string }[];
  const again = await asApp('POST', `/app/hook/deliveries/${delivery?.id}/attempts`);
  await standin.webhooks.idle();

  expect(failed).toMatchObject({
    status: 200,
    body: [{ event: 'issues', action: 'opened', status_code: 500, redelivery: false }],
  });
  expect(again.status).toBe(202);
  expect(receiver.received.map(({ guid }) => guid)).toEqual([delivery?.guid, delivery?.guid]);
  const log = await asApp('GET', '/app/hook/deliveries');
  expect(log.body).toMatchObject([
    { guid: delivery?.guid, redelivery: true, status: 'OK' },
    { guid: delivery?.guid, redelivery: false, status: 'Invalid HTTP Response: 500' },
  ]);
  expect(await asApp('GET', `/app/hook/deliveries/${delivery?.id}`)).toMatchObject({
    status: 200,
    body: { request: { payload: { action: 'opened' } }, response: { payload: 'ok' } },
  });
  expect((await asApp('GET', '/app/hook/deliveries/1')).status).toBe(404);
  expect((await asApp('POST', '/app/hook/deliveries/1/attempts')).status).toBe(404);
});

test('the delivery log is read page by page', async () => {
  await using setting = await startSetting();
  const { standin } = setting;
  await using receiver = await startReceiver(() => standin.app.webhookSecret);
  standin.webhooks.target(receiver.url);
  const asApp = createClient(standin, appToken(standin.app));
  for (const title of ['One', 'Two', 'Three'])
    await standin.as('alice').openIssue({ repository: repo, title });
  await standin.webhooks.idle();

  const first = await asApp('GET', '/app/hook/deliveries?per_page=2');
  const next = /<([^>]+)>; rel="next"/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
  const second = await asApp('GET', next.slice(standin.url.length));

  expect(first.body).toHaveLength(2);
  expect(second.body).toHaveLength(1);
  expect(second.headers.get('link')).toBeNull();
});

test('the App reads and sets where its webhooks go', async () => {
  await using setting = await startSetting();
  const { standin } = setting;
  await using receiver = await startReceiver(() => standin.app.webhookSecret);
  const asApp = createClient(standin, appToken(standin.app));

  const set = await asApp('PATCH', '/app/hook/config', { url: receiver.url, secret: 'another' });
  await standin.as('alice').openIssue({ repository: repo, title: 'One' });
  await standin.webhooks.idle();

  expect(set).toMatchObject({ status: 200, body: { url: receiver.url, content_type: 'json' } });
  expect(await asApp('GET', '/app/hook/config')).toMatchObject({ body: { url: receiver.url } });
  expect(standin.app.webhookSecret).toBe('another');
  expect(receiver.received).toMatchObject([{ isSigned: true }]);
  expect((await asApp('PATCH', '/app/hook/config', { url: 'no address' })).status).toBe(422);
});

test('only repositories of the installation and granted permissions bring events', async () => {
  await using setting = await startSetting();
  const { standin, installationId } = setting;
  await using receiver = await startReceiver(() => standin.app.webhookSecret);
  standin.createUser('bob');
  for (const name of ['in', 'out']) {
    await standin.createRepository({ owner: 'bob', name, files: { a: 'b' } });
  }
  const { installationId: bobs } = await standin.install('bob', { repositories: ['in'] });
  await standin.acceptNewPermissions(installationId, { metadata: 'read', checks: 'write' });
  standin.webhooks.target(receiver.url);

  await standin.as('bob').openIssue({ repository: 'bob/in', title: 'Heard' });
  await standin.as('bob').openIssue({ repository: 'bob/out', title: 'Not installed there' });
  await standin.as('alice').openIssue({ repository: repo, title: 'Not permitted' });
  await standin.suspend(bobs);
  await standin.as('bob').openIssue({ repository: 'bob/in', title: 'Suspended' });
  await standin.webhooks.idle();

  expect(receiver.names().sort()).toEqual(['installation.suspend', 'issues.opened']);
  expect(receiver.received.find(({ event }) => event === 'issues')?.payload).toMatchObject({
    issue: { title: 'Heard' },
    installation: { id: bobs },
  });
});

test('the life of an installation is told', async () => {
  await using setting = await startSetting();
  const { standin } = setting;
  await using receiver = await startReceiver(() => standin.app.webhookSecret);
  standin.webhooks.target(receiver.url);
  standin.createUser('bob');
  for (const name of ['one', 'two'])
    await standin.createRepository({ owner: 'bob', name, files: { a: 'b' } });

  const { installationId } = await standin.install('bob', { repositories: ['one'] });
  await standin.addRepositories(installationId, ['two']);
  await standin.removeRepositories(installationId, ['bob/one']);
  await standin.suspend(installationId);
  await standin.unsuspend(installationId);
  await standin.acceptNewPermissions(installationId, { metadata: 'read', workflows: 'write' });
  await standin.uninstall(installationId);
  await standin.webhooks.idle();

  expect(receiver.names().sort()).toEqual(
    [
      'installation.created',
      'installation_repositories.added',
      'installation_repositories.removed',
      'installation.suspend',
      'installation.unsuspend',
      'installation.new_permissions_accepted',
      'installation.deleted',
    ].sort(),
  );
  const created = receiver.received.find(({ action }) => action === 'created');
  expect(created?.payload).toMatchObject({
    installation: { id: installationId, repository_selection: 'selected' },
    repositories: [{ full_name: 'bob/one' }],
  });
  await expect(standin.install('acme')).rejects.toThrow('installed at acme already');
});

test('what happens to a repository is told', async () => {
  await using setting = await startSetting();
  const { standin } = setting;
  await using receiver = await startReceiver(() => standin.app.webhookSecret);
  standin.webhooks.target(receiver.url);
  const ada = standin.as('ada');

  await standin.createRepository({ owner: 'acme', name: 'new' });
  await ada.renameRepository(repo, 'gadgets');
  await ada.archiveRepository('acme/gadgets');
  standin.setRole('acme/new', 'ada', 'admin');
  await ada.deleteRepository('acme/new');
  await standin.webhooks.idle();

  expect(receiver.names().sort()).toEqual([
    'repository.archived',
    'repository.created',
    'repository.deleted',
    'repository.renamed',
  ]);
  const renamed = receiver.received.find(({ action }) => action === 'renamed');
  expect(renamed?.payload).toMatchObject({
    changes: { repository: { name: { from: 'widgets' } } },
    repository: { full_name: 'acme/gadgets' },
  });
});

test('a repository that is transferred is told of to its new owner’s installation, which alone reaches it', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  await using receiver = await startReceiver(() => standin.app.webhookSecret);
  standin.createOrganization('globex');
  const { installationId } = await standin.install('globex');
  standin.webhooks.target(receiver.url);

  await standin.as('ada').transferRepository(repo, 'globex');
  await standin.webhooks.idle();

  expect(receiver.received).toMatchObject([
    {
      event: 'repository',
      action: 'transferred',
      payload: {
        changes: { owner: { from: { organization: { login: 'acme' } } } },
        repository: { full_name: 'globex/widgets' },
        installation: { id: installationId },
      },
    },
  ]);
  expect((await app('GET', `/repos/${repo}/issues`)).status).toBe(301);
  expect((await app('POST', '/repos/globex/widgets/issues', { title: 'x' })).status).toBe(403);
});

test('events are lost, doubled and shuffled on demand', async () => {
  await using setting = await startSetting();
  const { standin } = setting;
  await using receiver = await startReceiver(() => standin.app.webhookSecret);
  standin.webhooks.target(receiver.url);
  const alice = standin.as('alice');
  await alice.openIssue({ repository: repo, title: 'One' });
  await standin.webhooks.idle();
  receiver.received.length = 0;
  const comments = () =>
    receiver.received.map(({ payload }) => (payload['comment'] as { body: string }).body);

  standin.webhooks.faults.dropNext(1, ({ event }) => event === 'issue_comment');
  standin.webhooks.faults.duplicateNext(1, ({ payload }) => JSON.stringify(payload).includes('doubled'));
  await alice.comment(repo, 1, 'lost');
  await alice.comment(repo, 1, 'doubled');
  await standin.webhooks.idle();
  expect(comments()).toEqual(['doubled', 'doubled']);
  expect(new Set(receiver.received.map(({ guid }) => guid)).size).toBe(1);
  const [lost] = standin.webhooks.deliveries().filter(({ status }) => status !== 'OK');
  expect(lost).toMatchObject({ statusCode: 502 });
  standin.webhooks.redeliver(lost?.id ?? 0);
  await standin.webhooks.idle();
  expect(comments()).toContain('lost');

  receiver.received.length = 0;
  standin.webhooks.faults.shuffleNext(2);
  await alice.comment(repo, 1, 'first');
  expect(receiver.received).toEqual([]);
  await alice.comment(repo, 1, 'second');
  await standin.webhooks.idle();
  expect(comments().sort()).toEqual(['first', 'second']);
});

test('a late event is overtaken by later ones', async () => {
  await using setting = await startSetting();
  const { standin } = setting;
  await using receiver = await startReceiver(() => standin.app.webhookSecret);
  standin.webhooks.target(receiver.url);
  standin.webhooks.faults.delay(50, ({ action }) => action === 'opened');

  await standin.as('alice').openIssue({ repository: repo, title: 'One' });
  await standin.as('alice').comment(repo, 1, 'x');
  await standin.webhooks.idle();

  expect(receiver.names()).toEqual(['issue_comment.created', 'issues.opened']);
});

test('who waits for held events lets everything else go on, and a second shuffle loses none of the first', async () => {
  await using setting = await startSetting();
  const { standin } = setting;
  await using receiver = await startReceiver(() => standin.app.webhookSecret);
  standin.webhooks.target(receiver.url);
  standin.webhooks.faults.shuffleNext(5);
  await standin.as('alice').openIssue({ repository: repo, title: 'One' });

  const idle = standin.webhooks.idle();
  await setTimeout(20);
  expect(receiver.received).toEqual([]);
  standin.webhooks.faults.shuffleNext(1);
  await idle;

  expect(receiver.names()).toEqual(['issues.opened']);
});

test('events held for a shuffle are sent when the faults are cleared', async () => {
  await using setting = await startSetting();
  const { standin } = setting;
  await using receiver = await startReceiver(() => standin.app.webhookSecret);
  standin.webhooks.target(receiver.url);
  standin.webhooks.faults.shuffleNext(5);
  await standin.as('alice').openIssue({ repository: repo, title: 'One' });

  standin.webhooks.faults.clear();
  await standin.webhooks.idle();

  expect(receiver.names()).toEqual(['issues.opened']);
});

test('a receiver that is not there is in the log, and closing waits for nothing', async () => {
  await using setting = await startSetting();
  const { standin } = setting;
  await using receiver = await startReceiver(() => standin.app.webhookSecret);
  const { url } = receiver;
  await receiver[Symbol.asyncDispose]();
  standin.webhooks.target(url);

  await standin.as('alice').openIssue({ repository: repo, title: 'One' });
  await standin.webhooks.idle();

  expect(standin.webhooks.deliveries()).toMatchObject([
    { status: 'failed to connect to host', statusCode: 502 },
  ]);
  standin.webhooks.faults.delay(3_600_000);
  await standin.as('alice').comment(repo, 1, 'never sent');
});

test('a new webhook is greeted', async () => {
  await using setting = await startSetting();
  const { standin } = setting;
  await using receiver = await startReceiver(() => standin.app.webhookSecret);
  standin.webhooks.target(receiver.url);

  standin.webhooks.ping();
  await standin.webhooks.idle();

  expect(receiver.received).toMatchObject([
    { event: 'ping', isSigned: true, payload: { hook: { type: 'App' } } },
  ]);
});
