import { describe, expect, test } from 'vitest';
import { GitHubError } from '../../src/github/github-error.ts';
import { createInstallationLimits } from '../../src/github/installation-limits.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { openGitHubAtStandin } from '../support/github-at-standin.ts';

const SECONDARY = new GitHubError('rate_limited', 'slow down', { status: 403, retryAfterMs: 60_000 });
const USED_UP = new GitHubError('rate_limited', 'used up', {
  status: 403,
  retryAfterMs: 60_000,
  isUsedUp: true,
});

describe('while GitHub limits an installation', () => {
  test('nothing is sent for it, others go on, and it goes on when the time is over', async () => {
    const { limits, clock, ask, sent } = aLimiter();
    await ask(1, 'installation', SECONDARY);

    clock.advance(59);
    const refusal = await limits.obey(1, 'installation', () => Promise.resolve('x')).catch(toKind);
    const others = await ask(2, 'installation');
    clock.advance(1);
    const later = await ask(1, 'installation');

    expect(refusal).toEqual({ kind: 'rate_limited', retryAfterMs: 1000 });
    expect([others, later]).toEqual(['answered', 'answered']);
    expect(sent).toEqual([1, 2, 1]);
  });

  test.each([
    { name: 'by a secondary limit, no tokens are asked for either', error: SECONDARY, token: 'rate_limited' },
    {
      name: 'since its hour is used up, tokens are: the App asks for them',
      error: USED_UP,
      token: 'answered',
    },
  ])('$name', async ({ error, token }) => {
    const { ask } = aLimiter();
    await ask(1, 'installation', error);

    expect(await ask(1, 'app')).toBe(token);
  });

  test('a shorter wait that is told later takes nothing off', async () => {
    const { limits, clock, ask } = aLimiter();
    const short = new GitHubError('rate_limited', 'slow down', { status: 429, retryAfterMs: 1000 });
    await Promise.all([
      limits.obey(1, 'installation', () => Promise.reject(SECONDARY)).catch(toKind),
      limits.obey(1, 'installation', () => Promise.reject(short)).catch(toKind),
    ]);

    clock.advance(30);

    expect(await ask(1, 'installation')).toBe('rate_limited');
  });

  test.each([
    ['a limit of our own', new GitHubError('rate_limited', 'used up', { retryAfterMs: 60_000 })],
    ['a failure', new GitHubError('unavailable', 'away', { status: 503, retryAfterMs: 60_000 })],
  ])('%s holds up nothing', async (_name, error) => {
    const { ask } = aLimiter();
    await ask(1, 'installation', error);

    expect(await ask(1, 'installation')).toBe('answered');
  });
});

test('after a Retry-After on one read, no other read, write or token of the installation is sent; revoking is', async () => {
  await using at = await openGitHubAtStandin();
  const target = await at.createTarget();
  const { token } = await at.github.mintToken(target, { contents: 'read' });
  const limited = {
    status: 403,
    headers: { 'retry-after': '60' },
    body: { message: 'secondary rate limit' },
  };
  at.standin.faults.add({ method: 'GET', path: /\/contents\//, ...limited, times: 1 });
  await at.github.readSettingsFile(target).catch(() => undefined);

  const requests = await at.requestsOf(async () => {
    const label = { name: 'a', color: '000000', description: '' };
    const refusals = await Promise.allSettled([
      at.github.readSettingsFile(target),
      at.github.readIssue(target, 1),
      at.github.ensureLabels(target, [label]),
      at.github.mintToken(target, { contents: 'read' }),
      at.github.sweeps.repositories(target.installationId),
    ]);
    for (const refusal of refusals)
      expect(refusal).toMatchObject({ status: 'rejected', reason: { kind: 'rate_limited' } });
    await at.github.revokeToken(token);
  });

  expect(requests).toEqual(['DELETE /installation/token']);
});

function aLimiter() {
  const clock = createFakeClock();
  const limits = createInstallationLimits(clock);
  const sent: number[] = [];
  /** What came of a request that GitHub answers, with `error` if one is given. */
  const ask = (installationId: number, asker: 'installation' | 'app', error?: GitHubError) =>
    limits
      .obey(installationId, asker, async () => {
        sent.push(installationId);
        if (error) throw error;
        return 'answered';
      })
      .catch((thrown: unknown) => toKind(thrown).kind);
  return { limits, clock, sent, ask };
}

function toKind(thrown: unknown): Pick<GitHubError, 'kind' | 'retryAfterMs'> {
  if (!(thrown instanceof GitHubError)) throw thrown;
  return { kind: thrown.kind, retryAfterMs: thrown.retryAfterMs };
}
