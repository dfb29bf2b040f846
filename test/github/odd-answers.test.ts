import nock from 'nock';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { GitHubError } from '../../src/github/github-error.ts';
import { createTokenOctokit } from '../../src/github/probot-octokit.ts';
import { toGitHubError } from '../../src/github/to-github-error.ts';
import { createTestLogger } from '../support/test-logger.ts';

// Answers that GitHub itself never describes: proxies, load balancers and half-sent bodies in between.
const API = 'https://github.example.test/api/v3';

beforeAll(() => nock.disableNetConnect());
afterEach(() => nock.cleanAll());
afterAll(() => {
  nock.enableNetConnect();
  nock.restore();
});

test.each([
  {
    name: 'an HTML page of a proxy',
    reply: (mock: nock.Interceptor) =>
      mock.reply(502, '<html>Bad Gateway</html>', { 'content-type': 'text/html' }),
    kind: 'unavailable',
  },
  {
    name: 'a proxy that wants a password',
    reply: (mock: nock.Interceptor) =>
      mock.reply(407, 'Proxy Authentication Required', { 'content-type': 'text/plain' }),
    kind: 'unavailable',
  },
  {
    name: 'a 429 of a load balancer, without a word of when to come again',
    reply: (mock: nock.Interceptor) => mock.reply(429, 'slow down', { 'content-type': 'text/plain' }),
    kind: 'rate_limited',
  },
  {
    name: 'a name that does not resolve',
    reply: (mock: nock.Interceptor) =>
      mock.replyWithError(Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' })),
    kind: 'unavailable',
  },
])('$name is $kind', async ({ reply, kind }) => {
  reply(nock(API).get('/repos/acme/widgets/issues/1'));
  const octokit = createTokenOctokit({ baseUrl: API, token: null, log: createTestLogger() });

  const error = await octokit.rest.issues.get({ owner: 'acme', repo: 'widgets', issue_number: 1 }).then(
    () => null,
    (thrown: unknown) => toGitHubError(thrown, 0),
  );

  expect(error).toBeInstanceOf(GitHubError);
  expect(error).toMatchObject({ kind });
});
