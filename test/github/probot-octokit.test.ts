import { afterEach, describe, expect, test, vi } from 'vitest';
import { type GitHubAtStandin, fullNameOf, openGitHubAtStandin } from '../support/github-at-standin.ts';

afterEach(() => vi.useRealTimers());

describe('a client for GitHub', () => {
  test('names the version of the API in every request', async () => {
    await using at = await openGitHubAtStandin();
    const { octokit, path } = await aClient(at);
    const before = at.standin.state.requests().length;

    await octokit.rest.repos.get(path);
    await (await at.factory.appOctokit()).rest.apps.getAuthenticated();
    await at.github.identity();

    const versions = at.standin.state
      .requests()
      .slice(before)
      .map(({ requestHeaders }) => requestHeaders['x-github-api-version']);
    expect(new Set(versions)).toEqual(new Set(['2022-11-28']));
  });

  test('is the same for an installation each time, and mints one token', async () => {
    await using at = await openGitHubAtStandin();
    const target = await at.createTarget();

    const [first, second] = [
      await at.factory.octokitFor(target.installationId),
      await at.factory.octokitFor(target.installationId),
    ];
    await Promise.all([at.github.readSettingsFile(target), at.github.readPermission(target, 'alice')]);

    expect(first).toBe(second);
    expect(at.standin.state.tokens()).toHaveLength(1);
  });

  test('mints a new token when GitHub took the last one for dead', async () => {
    await using at = await openGitHubAtStandin();
    const target = await at.createTarget();
    // A token younger than five seconds is given time to reach all of GitHub's servers.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 10_000 });
    const fault = { method: 'GET', path: /\/contents\//, status: 401, body: { message: 'Bad credentials' } };
    at.standin.faults.add({ ...fault, times: 1 });

    await expect(at.github.readSettingsFile(target)).rejects.toMatchObject({
      kind: 'unavailable',
      status: 401,
    });

    await expect(at.github.readSettingsFile(target)).resolves.toBeNull();
    expect(at.standin.state.tokens()).toHaveLength(2);
  });

  test("asks the App's own server for tokens, however it is asked for one", async () => {
    await using at = await openGitHubAtStandin();
    const { installationId } = await at.createTarget();
    const app = await at.factory.appOctokit();

    const requests = await at.requestsOf(() =>
      app.auth({ type: 'installation', installationId, permissions: { metadata: 'read' } }),
    );

    expect(requests).toEqual([`POST /app/installations/${installationId}/access_tokens`]);
  });
});

describe('limits', () => {
  test('are kept for each installation by itself', async () => {
    await using at = await openGitHubAtStandin({ writeSpacingMs: 300 });
    const mine = await at.createTarget();
    at.standin.createOrganization('globex');
    const { fullName } = await at.standin.createRepository({ owner: 'globex', name: 'x', files: { a: 'b' } });
    const { installationId } = await at.standin.install('globex');
    const theirs = {
      installationId,
      repository: await at.github.readRepository({ installationId, fullName }),
    };
    const label = (name: string) => ({ name, color: '000000', description: '' });
    const startedMs = performance.now();

    await Promise.all([
      at.github.ensureLabels(mine, ['a', 'b', 'c'].map(label)),
      at.github.ensureLabels(theirs, ['a', 'b', 'c'].map(label)),
    ]);

    const tookMs = performance.now() - startedMs;
    expect(tookMs).toBeGreaterThanOrEqual(590);
    // One limiter for both would need five waits.
    expect(tookMs).toBeLessThan(1500);
  });

  test.each([
    ['the primary limit', 403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '4102444800' }],
    ['the secondary limit', 403, { 'retry-after': '30' }],
    ['too many requests', 429, { 'retry-after': '30' }],
  ])('%s comes back at once, after one request', async (_name, status, headers) => {
    await using at = await openGitHubAtStandin();
    const target = await at.createTarget();
    const body = { message: 'You have exceeded a secondary rate limit. API rate limit exceeded' };
    at.standin.faults.add({ method: 'GET', path: /\/contents\//, status, headers, body });

    const requests = await at.requestsOf(() =>
      expect(at.github.readSettingsFile(target)).rejects.toMatchObject({ kind: 'rate_limited' }),
    );

    expect(requests.filter((request) => request.includes('/contents/'))).toHaveLength(1);
  });

  test('an installation writes no more than its share of an hour, and says how long to wait; others go on', async () => {
    await using at = await openGitHubAtStandin({ writesPerHour: 2 });
    const target = await at.createTarget();
    const label = (name: string) => ({ name, color: '000000', description: '' });
    await at.github.ensureLabels(target, ['a', 'b'].map(label));

    const requests = await at.requestsOf(() =>
      expect(at.github.ensureLabels(target, [label('c')])).rejects.toMatchObject({
        kind: 'rate_limited',
        retryAfterMs: expect.closeTo(3_600_000, -5),
      }),
    );

    expect(requests.filter((request) => request.startsWith('POST'))).toEqual([]);
    // Tokens are no content: runners that are at work get theirs.
    expect(await at.github.mintToken(target, { contents: 'read' })).toBeDefined();
  });

  test.each([
    [
      'the primary limit',
      {
        status: 200,
        headers: {
          'x-ratelimit-remaining': '0',
          'x-ratelimit-reset': String(Math.ceil(Date.now() / 1000) + 900),
        },
        body: { errors: [{ type: 'RATE_LIMITED', message: 'API rate limit exceeded' }] },
      },
      900_000,
    ],
    [
      'the secondary limit',
      {
        status: 403,
        headers: { 'retry-after': '30' },
        body: { message: 'You have exceeded a secondary rate limit' },
      },
      30_000,
    ],
    [
      'the secondary limit as an answer',
      {
        status: 200,
        headers: { 'retry-after': '40' },
        body: { errors: [{ message: 'You have exceeded a secondary rate limit.' }] },
      },
      40_000,
    ],
  ])(
    '%s ends a question of GraphQL after one request, with how long to wait',
    async (_name, answer, waitMs) => {
      await using at = await openGitHubAtStandin();
      const target = await at.createTarget();
      at.standin.faults.add({ path: '/graphql', ...answer });

      const requests = await at.requestsOf(() =>
        expect(at.github.readClosingPullRequests(target, 1)).rejects.toMatchObject({
          kind: 'rate_limited',
          retryAfterMs: expect.closeTo(waitMs, -5),
        }),
      );

      expect(requests.filter((request) => request === 'POST /graphql')).toHaveLength(1);
    },
  );

  test('a question of GraphQL takes its turn among the reads of its installation, and is no write', async () => {
    await using at = await openGitHubAtStandin({ writesPerHour: 1, writeSpacingMs: 60_000 });
    const target = await at.createTarget();
    const { number } = await at.standin
      .as('alice')
      .openIssue({ repository: fullNameOf(target), title: 'Sums' });
    await at.github.ensureLabels(target, [{ name: 'a', color: '000000', description: '' }]);
    // As many as the limiter lets go on at once.
    const slow = at.standin.faults.add({ method: 'GET', path: /\/contents\//, delayMs: 800, times: 10 });

    const requests = await at.requestsOf(async () => {
      const reads = Array.from({ length: 10 }, () => at.github.readSettingsFile(target));
      // All of them are under way.
      await expect.poll(() => slow.remaining()).toBe(0);
      await at.github.readClosingPullRequests(target, number);
      await Promise.all(reads);
    });

    // Not before one of them was answered; nothing like the minute, or the hour, that a write would wait.
    expect(requests.indexOf('POST /graphql')).toBeGreaterThanOrEqual(1);
    expect(at.standin.state.tokens()).toHaveLength(1);
  });

  test('what may be repeated is repeated once GitHub is back', async () => {
    await using at = await openGitHubAtStandin();
    const target = await at.createTarget({ files: { '.github/yardmaster.yml': 'labels: {}' } });
    at.standin.faults.add({ method: 'GET', path: /\/contents\//, status: 502, times: 1 });

    expect(await at.github.readSettingsFile(target)).toBe('labels: {}');
  });
});

describe('the calls of one job', () => {
  test('are a counted handful: seven writes, five reads, two tokens', async () => {
    await using at = await openGitHubAtStandin();
    const { github, standin } = at;
    const target = await at.createTarget();
    const name = fullNameOf(target);
    const { number } = await standin.as('alice').openIssue({ repository: name, title: 'Sums' });
    await github.identity();
    const content = { status: 'queued', title: 'Waiting', summary: 'x' } as const;
    const marker = '<!-- here -->';

    const requests = await at.requestsOf(async () => {
      await github.readIssue(target, number);
      await github.readPermission(target, 'alice');
      await github.readSettingsFile(target);
      const { startCommit } = await github.ensureStartCommit(target, {
        branch: 'agent/1-sums',
        message: 'Start',
        takeOver: [],
      });
      await github.ensureCheckRun(target, {
        name: 'Yardmaster / backend',
        headCommit: startCommit,
        externalId: 'job:attempt',
        content,
        mayExist: false,
      });
      const comment = await github.publishStatusComment(target, number, {
        commentId: null,
        mayRecreate: true,
        marker,
        body: `${marker} accepted`,
      });
      await github.mintToken(target, { contents: 'read', checks: 'write' });
      await github.mintToken(target, { contents: 'write' });
      await standin.as('alice').pushFiles(name, 'agent/1-sums', { 'x.js': '1' }, 'Work');
      const { headCommit } = await github.ensurePullRequest(target, {
        head: 'agent/1-sums',
        base: 'main',
        title: 'Sums',
        body: `Closes #${number}`,
        draft: false,
        headCommit: null,
        mayExist: false,
      });
      await github.ensureCheckRun(target, {
        name: 'Yardmaster evidence / backend',
        headCommit,
        externalId: 'job:evidence',
        content,
        mayExist: false,
      });
      await github.publishStatusComment(target, number, {
        commentId: comment?.id ?? null,
        mayRecreate: true,
        marker,
        body: `${marker} done`,
      });
    });

    const tokens = requests.filter((request) => request.endsWith('/access_tokens'));
    const reads = requests.filter((request) => request.startsWith('GET'));
    expect({
      tokens: tokens.length,
      reads: reads.length,
      writes: requests.length - tokens.length - reads.length,
    }).toEqual({ tokens: 2, reads: 5, writes: 7 });
  });
});

async function aClient(at: GitHubAtStandin) {
  const { installationId, repository } = await at.createTarget();
  const octokit = await at.factory.octokitFor(installationId);
  return { octokit, path: { owner: repository.owner, repo: repository.name } };
}
