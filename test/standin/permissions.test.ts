import { expect, test } from 'vitest';
import { createClient } from './client.ts';
import { at, repo, startSetting } from './setting.ts';

test('a stranger may read and comment in a public repository, and change nothing', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  await standin.as('alice').openIssue({ repository: repo, title: 'Bug' });
  const comment = await standin.as('alice').comment(repo, 1, 'mine');
  const [sha] = Object.values(await standin.state.branches(repo));
  await app('POST', `${at}/check-runs`, { name: 'check', head_sha: sha });
  const [run] = standin.state.checkRuns(repo);
  const mallory = createClient(standin, standin.createUserToken('mallory'));

  expect((await mallory('GET', `${at}/issues/1`)).status).toBe(200);
  expect((await mallory('POST', `${at}/issues/1/comments`, { body: 'hello' })).status).toBe(201);
  for (const [method, path, body] of [
    ['POST', `${at}/issues/1/labels`, { labels: ['x'] }],
    ['PATCH', `${at}/issues/comments/${comment.id}`, { body: 'changed' }],
    ['DELETE', `${at}/issues/comments/${comment.id}`, undefined],
    ['PATCH', `${at}/issues/1`, { state: 'closed' }],
    ['PATCH', `${at}/check-runs/${run?.id}`, { status: 'in_progress' }],
    ['POST', `${at}/check-runs`, { name: 'mine', head_sha: sha }],
    ['POST', `${at}/labels`, { name: 'mine' }],
    ['POST', `${at}/git/refs`, { ref: 'refs/heads/mine', sha }],
    ['PUT', `${at}/contents/new.txt`, { message: 'new', content: 'bmV3' }],
    ['GET', `${at}/collaborators/alice/permission`, undefined],
  ] as const) {
    expect({ method, path, status: (await mallory(method, path, body)).status }).toEqual({
      method,
      path,
      status: 403,
    });
  }
});

test('not even an administrator can write checks: that takes an App', async () => {
  await using setting = await startSetting();
  const { standin } = setting;
  const [sha] = Object.values(await standin.state.branches(repo));
  const ada = createClient(standin, standin.createUserToken('ada'));

  const answer = await ada('POST', `${at}/check-runs`, { name: 'mine', head_sha: sha });

  expect(answer).toMatchObject({ status: 403, body: { message: 'You must authenticate via a GitHub App.' } });
});

test('nobody may read what is public, and is asked to log in for more', async () => {
  await using setting = await startSetting();
  const nobody = createClient(setting.standin);

  expect((await nobody('GET', at)).status).toBe(200);
  expect(await nobody('POST', `${at}/issues`, { title: 'x' })).toMatchObject({
    status: 401,
    body: { message: 'Requires authentication' },
  });
});

test('a private repository is hidden from whoever has no role there', async () => {
  await using setting = await startSetting({ private: true });
  const { standin } = setting;

  for (const call of [createClient(standin), createClient(standin, standin.createUserToken('mallory'))]) {
    expect((await call('GET', at)).status).toBe(404);
    expect((await call('POST', `${at}/issues`, { title: 'x' })).status).toBe(404);
  }
  expect((await createClient(standin, standin.createUserToken('alice'))('GET', at)).status).toBe(200);
});

test.each([
  ['admin', 'admin', 'admin'],
  ['maintain', 'write', 'maintain'],
  ['write', 'write', 'write'],
  ['triage', 'read', 'triage'],
  ['read', 'read', 'read'],
  ['none', 'read', 'read'],
] as const)(
  'the role %s in a public repository reads as permission %s',
  async (role, permission, roleName) => {
    await using setting = await startSetting();
    const { standin, app } = setting;
    standin.setRole(repo, 'mallory', role);

    const answer = await app('GET', `${at}/collaborators/mallory/permission`);

    expect(answer).toMatchObject({ status: 200, body: { permission, role_name: roleName } });
  },
);

test('a stranger has no permission in a private repository, and an unknown user is not found', async () => {
  await using setting = await startSetting({ private: true });

  expect(await setting.app('GET', `${at}/collaborators/mallory/permission`)).toMatchObject({
    status: 200,
    body: { permission: 'none' },
  });
  expect((await setting.app('GET', `${at}/collaborators/nobody-at-all/permission`)).status).toBe(404);
});

test('triage may label and close, but not push or merge', async () => {
  await using setting = await startSetting();
  const { standin } = setting;
  await standin.as('alice').openIssue({ repository: repo, title: 'Bug' });
  const tom = createClient(standin, standin.createUserToken('tom'));
  const [sha] = Object.values(await standin.state.branches(repo));

  expect((await tom('POST', `${at}/issues/1/labels`, { labels: ['bug'] })).status).toBe(200);
  expect((await tom('PATCH', `${at}/issues/1`, { state: 'closed' })).status).toBe(200);
  expect((await tom('POST', `${at}/git/refs`, { ref: 'refs/heads/x', sha })).status).toBe(403);
});

test('an archived repository can be read and not changed', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  await standin.as('alice').openIssue({ repository: repo, title: 'Bug' });
  await standin.as('ada').archiveRepository(repo);

  expect((await app('GET', `${at}/issues/1`)).status).toBe(200);
  expect(await app('POST', `${at}/issues/1/comments`, { body: 'late' })).toMatchObject({
    status: 403,
    body: { message: 'Repository was archived so is read-only.' },
  });
});

test('a renamed repository redirects: reads by 301, writes by 307', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  await standin.as('ada').renameRepository(repo, 'gadgets');
  const { id } = standin.state.repository('acme/gadgets');

  const read = await app('GET', `${at}/issues?state=all`);
  const write = await app('POST', `${at}/issues`, { title: 'x' });

  expect(read.status).toBe(301);
  expect(read.headers.get('location')).toBe(`${standin.url}/api/v3/repositories/${id}/issues?state=all`);
  expect(write.status).toBe(307);
  expect((await app('GET', `/repositories/${id}/issues?state=all`)).status).toBe(200);
});

test('what everyone may know of GitHub needs no permission', async () => {
  await using setting = await startSetting();

  expect((await setting.app('GET', '/meta')).status).toBe(200);
  expect((await setting.app('GET', '/nothing/of/this/kind')).status).toBe(404);
  expect(await setting.app('GET', '/user')).toMatchObject({
    status: 403,
    body: { message: 'Resource not accessible by integration' },
  });
});
