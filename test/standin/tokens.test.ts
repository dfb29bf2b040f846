import { expect, test } from 'vitest';
import { appToken, createClient, mintToken } from './client.ts';
import { at, repo, startSetting } from './setting.ts';

test.each(['garbage', `ghs_${'0'.repeat(36)}`, 'ghs_1_eyJ.a.b', ''])(
  'a credential that nobody was given is refused: %j',
  async (token) => {
    await using setting = await startSetting();
    const call = createClient(setting.standin);

    for (const scheme of ['token', 'Bearer', 'Strange']) {
      const answer = await call('GET', '/meta', undefined, { authorization: `${scheme} ${token}` });
      expect(answer).toMatchObject({ status: 401, body: { message: 'Bad credentials' } });
    }
  },
);

test('a token dies an hour after it was minted, by the clock', async () => {
  let nowMs = Date.now();
  await using setting = await startSetting({ options: { clock: { nowMs: () => nowMs } } });
  const { app } = setting;

  nowMs += 3_599_000;
  expect((await app('GET', at)).status).toBe(200);
  nowMs += 1000;
  expect(await app('GET', at)).toMatchObject({ status: 401, body: { message: 'Bad credentials' } });
});

test('a revoked token opens nothing any more, others do', async () => {
  await using setting = await startSetting();
  const { standin, installationId, app } = setting;
  const second = createClient(standin, await mintToken(standin, installationId));

  expect((await app('DELETE', '/installation/token')).status).toBe(204);

  expect((await app('GET', at)).status).toBe(401);
  expect((await app('DELETE', '/installation/token')).status).toBe(401);
  expect((await second('GET', at)).status).toBe(200);
  expect(standin.state.tokens().map(({ revoked }) => revoked)).toEqual([true, false]);
});

test('tokens that expire open nothing any more, and one that is minted afterwards does', async () => {
  await using setting = await startSetting();
  const { standin, installationId, app } = setting;

  standin.expireTokens(installationId);

  expect((await app('GET', at)).status).toBe(401);
  const next = createClient(standin, await mintToken(standin, installationId));
  expect((await next('GET', at)).status).toBe(200);
});

test('a token cut down to a permission can do no more', async () => {
  await using setting = await startSetting({ private: true });
  const { standin, installationId } = setting;
  await standin.as('alice').openIssue({ repository: repo, title: 'Bug' });
  const call = createClient(
    standin,
    await mintToken(standin, installationId, { permissions: { issues: 'read' }, repositories: ['widgets'] }),
  );

  expect((await call('GET', `${at}/issues/1`)).status).toBe(200);
  const refused = await call('POST', `${at}/issues/1/comments`, { body: 'no' });
  expect(refused).toMatchObject({ status: 403, body: { message: 'Resource not accessible by integration' } });
  expect(refused.headers.get('x-accepted-github-permissions')).toBe('issues=write');
  expect((await call('GET', `${at}/contents/README.md`)).status).toBe(403);
  expect((await call('GET', `${at}/commits/main/check-runs`)).status).toBe(403);
  expect((await call('GET', `${at}/collaborators/alice/permission`)).status).toBe(200);
});

test('a token cut down to a repository does not see that others exist', async () => {
  await using setting = await startSetting({ private: true });
  const { standin, installationId } = setting;
  const other = await standin.createRepository({
    owner: 'acme',
    name: 'secret',
    private: true,
    files: { a: 'b' },
  });
  await standin.createRepository({ owner: 'acme', name: 'open', files: { a: 'b' } });
  const call = createClient(standin, await mintToken(standin, installationId, { repositories: ['widgets'] }));

  expect((await call('GET', '/repos/acme/secret')).status).toBe(404);
  expect((await call('GET', `/repositories/${other.id}`)).status).toBe(404);
  expect((await call('GET', '/repos/acme/open/contents/a')).status).toBe(200);
  expect((await call('POST', '/repos/acme/open/issues', { title: 'no' })).status).toBe(403);
  expect(await call('GET', '/installation/repositories')).toMatchObject({
    body: { total_count: 1, repository_selection: 'selected', repositories: [{ full_name: repo }] },
  });
});

test.each([
  ['a permission the installation lacks', { permissions: { administration: 'read' } }],
  ['a higher level than granted', { permissions: { metadata: 'write' } }],
  ['a repository outside of the installation', { repositories: ['elsewhere'] }],
  ['an unknown repository id', { repository_ids: [7] }],
])('minting for %s is refused', async (_, request) => {
  await using setting = await startSetting();
  const { standin, installationId } = setting;
  const asApp = createClient(standin, appToken(standin.app));

  const answer = await asApp('POST', `/app/installations/${installationId}/access_tokens`, request);

  expect(answer.status).toBe(422);
});

test('tokens are long and dotted unless the short form is asked for', async () => {
  await using setting = await startSetting();
  const { standin, installationId, token } = setting;
  const asApp = createClient(standin, appToken(standin.app));
  const path = `/app/installations/${installationId}/access_tokens`;

  const short = await asApp('POST', path, {}, { 'x-github-stateless-s2s-token': 'disabled' });

  expect(token).toMatch(/^ghs_[\w.-]{450,}$/);
  expect((short.body as { token: string }).token).toMatch(/^ghs_[A-Za-z0-9]{36}$/);
});

test('a repository taken out of the installation is out of reach of tokens already minted', async () => {
  await using setting = await startSetting();
  const { standin } = setting;
  standin.createUser('bob');
  await standin.createRepository({ owner: 'bob', name: 'one', private: true, files: { a: 'b' } });
  const { installationId } = await standin.install('bob', { repositories: ['one'] });
  const call = createClient(standin, await mintToken(standin, installationId));
  expect((await call('GET', '/repos/bob/one')).status).toBe(200);

  await standin.removeRepositories(installationId, ['one']);

  expect((await call('GET', '/repos/bob/one')).status).toBe(404);
});

test('Basic credentials carry the token as the password', async () => {
  await using setting = await startSetting();
  const encoded = Buffer.from(`x-access-token:${setting.token}`).toString('base64');

  const answer = await createClient(setting.standin)('GET', at, undefined, {
    authorization: `Basic ${encoded}`,
  });

  expect(answer.status).toBe(200);
});

test('the log of exchanges holds no credentials', async () => {
  await using setting = await startSetting();

  await setting.app('GET', at);

  const exchange = setting.standin.state.requests().at(-1);
  expect(exchange).toMatchObject({
    method: 'GET',
    path: at,
    actor: expect.stringMatching(/^installation:\d+:\d+$/),
  });
  expect(JSON.stringify(exchange)).not.toContain(setting.token);
});
