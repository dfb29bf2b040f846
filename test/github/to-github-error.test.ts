import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { GitHubErrorKind } from '../../src/github/github-error.ts';
import { createTokenOctokit } from '../../src/github/probot-octokit.ts';
import { toGitHubError } from '../../src/github/to-github-error.ts';
import type { FaultPlan } from '../../src/standin/http/faults.ts';
import { type GitHubAtStandin, openGitHubAtStandin } from '../support/github-at-standin.ts';
import { createTestLogger } from '../support/test-logger.ts';

let at: GitHubAtStandin;
beforeAll(async () => {
  at = await openGitHubAtStandin();
});
afterEach(() => at.standin.faults.clear());
afterAll(() => at[Symbol.asyncDispose]());

const NOW_MS = Date.UTC(2026, 4, 4, 12);
const message = (text: string) => ({ message: text, documentation_url: 'https://docs.github.com/rest' });

describe('what GitHub answers says what to do', () => {
  test.each<{ name: string; answer: Omit<FaultPlan, 'path'>; kind: GitHubErrorKind; waitMs: number | null }>([
    {
      name: 'the primary limit',
      answer: {
        status: 403,
        body: message('API rate limit exceeded for installation ID 5.'),
        headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW_MS / 1000 + 600) },
      },
      kind: 'rate_limited',
      waitMs: 601_000,
    },
    {
      name: 'the primary limit, by 429',
      answer: {
        status: 429,
        body: message('API rate limit exceeded'),
        headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW_MS / 1000 - 50) },
      },
      kind: 'rate_limited',
      waitMs: 1000,
    },
    {
      name: 'the secondary limit, with a figure',
      answer: {
        status: 403,
        body: message('You have exceeded a secondary rate limit.'),
        headers: { 'retry-after': '17', 'x-ratelimit-remaining': '4000' },
      },
      kind: 'rate_limited',
      waitMs: 17_000,
    },
    {
      name: 'the secondary limit, in words alone',
      answer: {
        status: 403,
        body: message('You have exceeded a secondary rate limit and have been temporarily blocked.'),
        headers: { 'x-ratelimit-remaining': '4000' },
      },
      kind: 'rate_limited',
      waitMs: 60_000,
    },
    {
      name: 'the secondary limit in older words',
      answer: {
        status: 403,
        body: message('You have triggered an abuse detection mechanism.'),
        headers: { 'x-ratelimit-remaining': '9' },
      },
      kind: 'rate_limited',
      waitMs: 60_000,
    },
    {
      name: 'a limit without anything',
      answer: { status: 429, headers: { 'x-ratelimit-remaining': '9' } },
      kind: 'rate_limited',
      waitMs: 60_000,
    },
    {
      name: 'a limit for days, as no GitHub says it',
      answer: { status: 429, headers: { 'retry-after': '999999' } },
      kind: 'rate_limited',
      waitMs: 7_200_000,
    },
    ...[
      'Resource not accessible by integration',
      'Unable to create comment because issue is locked.',
      'Repository was archived so is read-only.',
      'This installation has been suspended',
      'Although you appear to have the correct authorization, the organization has an IP allow list enabled',
    ].map((text) => ({
      name: text,
      answer: { status: 403, body: message(text), headers: { 'x-ratelimit-remaining': '4000' } },
      kind: 'forbidden' as const,
      waitMs: null,
    })),
    { name: 'legal reasons', answer: { status: 451, body: message('No') }, kind: 'forbidden', waitMs: null },
    { name: 'not found', answer: { status: 404, body: message('Not Found') }, kind: 'gone', waitMs: null },
    { name: 'deleted', answer: { status: 410, body: message('Gone') }, kind: 'gone', waitMs: null },
    {
      name: 'a dead token',
      answer: { status: 401, body: message('Bad credentials') },
      kind: 'unavailable',
      waitMs: null,
    },
    {
      name: 'a conflict',
      answer: { status: 409, body: message('Conflict') },
      kind: 'conflict',
      waitMs: null,
    },
    ...[
      message('Reference already exists'),
      message('Update is not a fast forward'),
      {
        ...message('Validation Failed'),
        errors: [{ resource: 'Label', field: 'name', code: 'already_exists' }],
      },
      {
        ...message('Validation Failed'),
        errors: [{ code: 'custom', message: 'A pull request already exists for acme:agent/42.' }],
      },
    ].map((body) => ({
      name: JSON.stringify(body),
      answer: { status: 422, body },
      kind: 'conflict' as const,
      waitMs: null,
    })),
    ...[
      message('Validation Failed'),
      { ...message('Validation Failed'), errors: ['odd'] },
      { ...message('Validation Failed'), errors: 'odd' },
      { ...message('Validation Failed'), errors: [{ code: 'custom', message: 'No commits between' }] },
    ].map((body) => ({
      name: JSON.stringify(body),
      answer: { status: 422, body },
      kind: 'invalid' as const,
      waitMs: null,
    })),
    {
      name: 'nonsense',
      answer: { status: 400, body: message('Problems parsing JSON') },
      kind: 'invalid',
      waitMs: null,
    },
    {
      name: 'an error of its own',
      answer: { status: 500, body: message('Oops') },
      kind: 'unavailable',
      waitMs: null,
    },
    {
      name: 'maintenance',
      answer: { status: 503, headers: { 'retry-after': '120' } },
      kind: 'unavailable',
      waitMs: 120_000,
    },
    { name: 'no answer', answer: { breakSocket: 'before' }, kind: 'unavailable', waitMs: null },
  ])('$name → $kind', async ({ answer, kind, waitMs }) => {
    at.standin.faults.add({ path: '/app', ...answer });

    const error = toGitHubError(await failureOf({ retries: 0 }), NOW_MS);

    expect(error).toMatchObject({ name: 'GitHubError', kind, retryAfterMs: waitMs });
  });

  test('a page of HTML becomes a line of text', async () => {
    const page = `<!DOCTYPE html><html><body><h1>Unicorn!</h1>${'<p>Sorry</p>'.repeat(500)}</body></html>`;
    const proxy = createServer((_request, response) =>
      response.writeHead(502, { 'content-type': 'text/html' }).end(page),
    ).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const { port } = proxy.address() as AddressInfo;
    const octokit = createTokenOctokit({
      baseUrl: `http://127.0.0.1:${port}`,
      token: null,
      log: createTestLogger(),
    });

    const thrown: unknown = await octokit.rest.meta.get().catch((error: unknown) => error);
    proxy.close();

    const { message: text } = toGitHubError(thrown, NOW_MS);
    expect(text).toMatch(/^GitHub answered 502: Unicorn! Sorry Sorry/);
    expect(text.length).toBeLessThan(600);
  });

  test('a time-out is no answer', async () => {
    at.standin.faults.add({ path: '/app', delayMs: 20_000 });

    const error = toGitHubError(await failureOf({ retries: 0, signal: AbortSignal.timeout(50) }), NOW_MS);

    expect(error).toMatchObject({ kind: 'unavailable', status: null });
  });
});

test('a mistake of our own stays what it is', () => {
  const mistake = new TypeError('x is not a function');

  expect(toGitHubError(mistake, NOW_MS)).toBe(mistake);
});

/** What a request of the App throws; as an installation, minting its token would meet no fault. */
async function failureOf(request: Record<string, unknown>): Promise<unknown> {
  const octokit = await at.factory.appOctokit();
  return octokit.request('GET /app', { request }).then(
    () => new Error('GitHub answered'),
    (error: unknown) => error,
  );
}
