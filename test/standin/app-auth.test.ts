import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { startStandin } from '../support/standin.ts';
import { appToken, createClient, mintToken } from './client.ts';
import { at, startSetting } from './setting.ts';

const soon = () => Math.floor(Date.now() / 1000);

test('an App sees itself with a token issued for its number or its client id', async () => {
  await using standin = await startStandin();

  for (const iss of [standin.app.id, String(standin.app.id), standin.app.clientId]) {
    const answer = await createClient(standin, appToken(standin.app, { iss }))('GET', '/app');

    expect(answer).toMatchObject({ status: 200, body: { id: standin.app.id, slug: 'yardmaster' } });
  }
});

test.each([
  ['has expired', () => ({ exp: soon() - 1 }), /'Expiration time' claim \('exp'\) must be/],
  ['lives longer than ten minutes', () => ({ exp: soon() + 3600 }), /is too far in the future/],
  ['was issued in the future', () => ({ iat: soon() + 120 }), /'Issued at' claim \('iat'\)/],
  ['comes from another App', () => ({ iss: 1 }), /Integration not found/],
  ['names no issuer', () => ({ iss: undefined }), /Missing 'issuer' claim/],
])('an App token that %s is refused', async (_, claims, message) => {
  await using standin = await startStandin();

  const answer = await createClient(standin, appToken(standin.app, claims()))('GET', '/app');

  expect(answer).toMatchObject({ status: 401, body: { message: expect.stringMatching(message) } });
});

test('an App token signed by another key is refused', async () => {
  await using standin = await startStandin();
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });

  const answer = await createClient(standin, appToken({ id: standin.app.id, privateKey }))('GET', '/app');

  expect(answer).toMatchObject({ status: 401, body: { message: 'A JSON web token could not be decoded' } });
});

test('the Date header follows the clock, so that clients can mend their skew', async () => {
  const nowMs = Date.parse('2030-01-02T03:04:05Z');
  await using standin = await startStandin({ clock: { nowMs: () => nowMs } });

  const answer = await createClient(standin, appToken(standin.app))('GET', '/app');

  expect(answer.status).toBe(401);
  expect(answer.headers.get('date')).toBe('Wed, 02 Jan 2030 03:04:05 GMT');
});

test('the pages of an App are closed to nobody, people and installation tokens', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  const asAlice = createClient(standin, standin.createUserToken('alice'));

  for (const call of [createClient(standin), asAlice, app]) {
    expect((await call('GET', `${at}/installation`)).status).toBe(401);
    expect((await call('GET', '/app/installations')).status).toBe(401);
  }
});

test('an App token opens no repository', async () => {
  await using setting = await startSetting();
  const asApp = createClient(setting.standin, appToken(setting.standin.app));

  expect((await asApp('GET', `${at}/issues`)).status).toBe(404);
  expect((await asApp('GET', '/installation/repositories')).status).toBe(403);
});

test('installations are found by id and by repository, and listed', async () => {
  await using setting = await startSetting();
  const { standin, installationId } = setting;
  const asApp = createClient(standin, appToken(standin.app));

  for (const path of [`/app/installations/${installationId}`, `${at}/installation`]) {
    expect(await asApp('GET', path)).toMatchObject({ status: 200, body: { id: installationId } });
  }
  expect(await asApp('GET', '/app/installations')).toMatchObject({
    status: 200,
    body: [{ id: installationId }],
  });
  expect((await asApp('GET', '/repos/acme/nothing/installation')).status).toBe(404);
});

test('a manifest code is exchanged for the credentials of the App', async () => {
  await using standin = await startStandin();

  const answer = await createClient(standin)('POST', '/app-manifests/some-code/conversions');

  expect(answer).toMatchObject({
    status: 201,
    body: { id: standin.app.id, pem: standin.app.privateKey, webhook_secret: standin.app.webhookSecret },
  });
});

test('the App is public by its slug and its bot is a user of its own', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;

  const bot = await app('GET', '/users/yardmaster%5Bbot%5D');

  expect(bot).toMatchObject({ status: 200, body: { login: standin.app.botLogin, type: 'Bot' } });
  expect((bot.body as { id: number }).id).not.toBe(standin.app.id);
  expect(await app('GET', '/apps/yardmaster')).toMatchObject({ status: 200, body: { id: standin.app.id } });
  expect((await app('GET', '/apps/other')).status).toBe(404);
});

test('an App can suspend and delete its installation', async () => {
  await using setting = await startSetting();
  const { standin, installationId, app } = setting;
  const asApp = createClient(standin, appToken(standin.app));

  expect((await asApp('PUT', `/app/installations/${installationId}/suspended`)).status).toBe(204);
  expect(await app('GET', at)).toMatchObject({
    status: 403,
    body: { message: 'This installation has been suspended' },
  });
  expect((await asApp('DELETE', `/app/installations/${installationId}/suspended`)).status).toBe(204);
  expect((await app('GET', at)).status).toBe(200);
  expect((await asApp('DELETE', `/app/installations/${installationId}`)).status).toBe(204);
  expect((await app('GET', at)).status).toBe(401);
  await expect(mintToken(standin, installationId)).rejects.toThrow('404');
});
