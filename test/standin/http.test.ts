import { expect, test, vi } from 'vitest';
import { appToken, createClient, mintToken } from './client.ts';
import { at, repo, startSetting } from './setting.ts';

test('lists come in pages, and the Link header leads through them', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  for (let n = 1; n <= 5; n += 1)
    await standin.as('alice').openIssue({ repository: repo, title: `Issue ${n}` });

  const first = await app('GET', `${at}/issues?state=all&direction=asc&per_page=2`);
  const next = /<([^>]+)>; rel="next"/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
  const second = await app('GET', next.slice(standin.url.length));
  const last = await app('GET', `${at}/issues?state=all&direction=asc&per_page=2&page=3`);

  expect(first.body).toMatchObject([{ number: 1 }, { number: 2 }]);
  expect(first.headers.get('link')).toMatch(/page=3>; rel="last"/);
  expect(new URL(next).pathname).toBe(`/api/v3${at}/issues`);
  expect(second.body).toMatchObject([{ number: 3 }, { number: 4 }]);
  expect(second.headers.get('link')).toMatch(/rel="prev".*rel="next".*rel="last".*rel="first"/);
  expect(last.body).toMatchObject([{ number: 5 }]);
  expect(last.headers.get('link')).not.toContain('rel="next"');
  expect((await app('GET', `${at}/issues?per_page=100`)).headers.get('link')).toBeNull();
});

test('an unchanged answer is 304 for the same token, and costs nothing', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  await standin.as('alice').openIssue({ repository: repo, title: 'One' });
  const path = `${at}/issues/1`;
  const first = await app('GET', path);
  const etag = first.headers.get('etag') ?? '';

  const second = await app('GET', path, undefined, { 'if-none-match': etag });

  expect(second).toMatchObject({ status: 304, body: undefined });
  expect(second.headers.get('x-ratelimit-used')).toBe(first.headers.get('x-ratelimit-used'));
  await standin.as('alice').comment(repo, 1, 'changes the count');
  expect((await app('GET', path, undefined, { 'if-none-match': etag })).status).toBe(200);
});

test('another token of the same installation does not share the ETag', async () => {
  await using setting = await startSetting();
  const { standin, installationId, app } = setting;
  const other = createClient(standin, await mintToken(standin, installationId));
  const etag = (await app('GET', at)).headers.get('etag') ?? '';

  expect((await other('GET', at, undefined, { 'if-none-match': etag })).status).toBe(200);
});

test('If-Modified-Since is answered by 304 too', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  await standin.as('alice').openIssue({ repository: repo, title: 'One' });
  const modified = (await app('GET', `${at}/issues/1`)).headers.get('last-modified') ?? '';

  const unchanged = await app('GET', `${at}/issues/1`, undefined, { 'if-modified-since': modified });
  const before = await app('GET', `${at}/issues/1`, undefined, {
    'if-modified-since': new Date(Date.parse(modified) - 1000).toUTCString(),
  });

  expect([unchanged.status, before.status]).toEqual([304, 200]);
});

test('all tokens of an installation draw on one budget, which comes back after an hour', async () => {
  let nowMs = Date.now();
  const options = { rateLimitPerHour: 3, clock: { nowMs: () => nowMs } };
  await using setting = await startSetting({ options });
  const { standin, installationId, app } = setting;
  const other = createClient(standin, await mintToken(standin, installationId));

  const used = [await app('GET', at), await other('GET', at), await app('GET', at)];
  const refused = await other('GET', at);

  expect(used.map(({ headers }) => headers.get('x-ratelimit-remaining'))).toEqual(['2', '1', '0']);
  expect(refused).toMatchObject({
    status: 403,
    body: { message: expect.stringContaining('API rate limit exceeded') },
  });
  expect(refused.headers.get('x-ratelimit-remaining')).toBe('0');
  expect(Number(refused.headers.get('x-ratelimit-reset'))).toBe(Math.floor(nowMs / 1000) + 3600);
  expect(await app('GET', '/rate_limit')).toMatchObject({
    status: 200,
    body: { rate: { remaining: 0, limit: 3 } },
  });
  nowMs += 3_600_000;
  const fresh = createClient(standin, await mintToken(standin, installationId, {}, Math.floor(nowMs / 1000)));
  expect((await fresh('GET', at)).status).toBe(200);
});

test('the prefix /api/v3 reaches the same API', async () => {
  await using setting = await startSetting();

  expect(await setting.app('GET', `/api/v3${at}`)).toMatchObject({ status: 200, body: { full_name: repo } });
  expect(setting.standin.state.requests().at(-1)?.path).toBe(at);
});

test('every answer says what GitHub’s say', async () => {
  await using setting = await startSetting();

  const { headers } = await setting.app('GET', at);

  expect(headers.get('x-github-request-id')).toMatch(/^[\dA-F]+$/);
  expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(headers.get('x-github-api-version-selected')).toBe('2022-11-28');
  expect(headers.get('x-ratelimit-resource')).toBe('core');
});

test('a request that does not say who sends it is refused', async () => {
  await using setting = await startSetting();

  const answer = await setting.app('GET', at, undefined, { 'user-agent': '' });

  expect(answer.status).toBe(403);
});

test('a fault answers in place of GitHub as often as it is told to', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  const fault = standin.faults.add({
    method: 'POST',
    path: '/repos/:owner/:repo/issues',
    status: 503,
    headers: { 'Retry-After': '7' },
    times: 1,
  });

  const faulty = await app('POST', `${at}/issues`, { title: 'x' });
  const fine = await app('POST', `${at}/issues`, { title: 'x' });

  expect(faulty.status).toBe(503);
  expect(faulty.headers.get('retry-after')).toBe('7');
  expect(fine).toMatchObject({ status: 201, body: { number: 1 } });
  expect(fault.remaining()).toBe(0);
});

test('a connection cut before leaves nothing done, one cut after leaves it done', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  standin.faults.add({ path: /\/issues$/, breakSocket: 'before', times: 1 });
  await expect(app('POST', `${at}/issues`, { title: 'before' })).rejects.toThrow('fetch failed');
  standin.faults.add({ path: /\/issues$/, breakSocket: 'after', times: 1 });
  await expect(app('POST', `${at}/issues`, { title: 'after' })).rejects.toThrow('fetch failed');

  expect(standin.state.issue(repo, 1).title).toBe('after');
});

test('faults may be for one actor only, and end when cleared', async () => {
  await using setting = await startSetting();
  const { standin, installationId, app } = setting;
  const alice = createClient(standin, standin.createUserToken('alice'));
  standin.faults.add({ path: at, actor: `installation:${installationId}`, status: 500, delayMs: 1 });

  expect([(await app('GET', at)).status, (await alice('GET', at)).status]).toEqual([500, 200]);
  standin.faults.clear();
  expect((await app('GET', at)).status).toBe(200);
  expect((await createClient(standin, appToken(standin.app))('GET', '/app')).status).toBe(200);
});

test('closing ends requests that a fault delays', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  const fault = standin.faults.add({ path: at, delayMs: 3_600_000, times: 1 });
  const outcome = app('GET', at).then(
    () => 'answered',
    () => 'cut',
  );
  await vi.waitFor(() => expect(fault.remaining()).toBe(0));

  await standin.close();

  expect(await outcome).toBe('cut');
});
