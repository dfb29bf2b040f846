import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { RepositoryTarget } from '../../src/domain/trigger.ts';
import { createTokenOctokit } from '../../src/github/probot-octokit.ts';
import { type GitHubAtStandin, openGitHubAtStandin } from '../support/github-at-standin.ts';
import { createTestLogger } from '../support/test-logger.ts';

let at: GitHubAtStandin;
beforeAll(async () => {
  at = await openGitHubAtStandin();
});
afterEach(() => at.standin.faults.clear());
afterAll(() => at[Symbol.asyncDispose]());

const permissions = { contents: 'read', checks: 'write' } as const;

describe('a token for a job', () => {
  test('reaches this one repository, with these permissions, for an hour', async () => {
    const [target, other] = [
      await at.createTarget({ private: true }),
      await at.createTarget({ private: true }),
    ];

    const { token, expiresAtMs } = await at.github.mintToken(target, permissions);

    const octokit = as(token);
    const { data } = await octokit.rest.repos.get(pathOf(target));
    expect(data.id).toBe(target.repository.id);
    await expect(octokit.rest.repos.get(pathOf(other))).rejects.toMatchObject({ status: 404 });
    await expect(
      octokit.rest.issues.create({ ...pathOf(target), title: 'Not permitted' }),
    ).rejects.toMatchObject({ status: 403 });
    expect(expiresAtMs - Date.now()).toBeGreaterThan(59 * 60_000);
    expect(expiresAtMs - Date.now()).toBeLessThanOrEqual(60 * 60_000 + 1000);
  });

  test('is a new one each time, so that ending one leaves the others', async () => {
    const target = await at.createTarget();
    const [first, second] = [
      await at.github.mintToken(target, permissions),
      await at.github.mintToken(target, permissions),
    ];

    await at.github.revokeToken(first.token);

    await expect(as(first.token).rest.repos.get(pathOf(target))).rejects.toMatchObject({ status: 401 });
    await expect(as(second.token).rest.repos.get(pathOf(target))).resolves.toMatchObject({ status: 200 });
  });

  test('that is dead already can be revoked again', async () => {
    const { token } = await at.github.mintToken(await at.createTarget(), permissions);

    await at.github.revokeToken(token);
    await at.github.revokeToken(token);

    await expect(as(token).rest.meta.get()).rejects.toMatchObject({ status: 401 });
  });

  test('that could not be revoked is an error', async () => {
    const { token } = await at.github.mintToken(await at.createTarget(), permissions);
    at.standin.faults.add({ method: 'DELETE', path: '/installation/token', breakSocket: 'before', times: 1 });

    await expect(at.github.revokeToken(token)).rejects.toMatchObject({ kind: 'unavailable', status: null });
  });

  test('with a permission that the App lacks is refused', async () => {
    await expect(
      at.github.mintToken(await at.createTarget(), { administration: 'write' }),
    ).rejects.toMatchObject({ kind: 'invalid', status: 422 });
  });

  test('of an installation that is gone is gone, of a suspended one forbidden', async () => {
    await using own = await openGitHubAtStandin();
    const target = await own.createTarget();

    await own.standin.suspend(target.installationId);
    await expect(own.github.mintToken(target, permissions)).rejects.toMatchObject({ kind: 'forbidden' });
    await own.standin.uninstall(target.installationId);
    await expect(own.github.mintToken(target, permissions)).rejects.toMatchObject({ kind: 'gone' });
  });
});

function as(token: string) {
  return createTokenOctokit({ baseUrl: at.standin.url, token, log: createTestLogger() });
}

function pathOf(target: RepositoryTarget) {
  return { owner: target.repository.owner, repo: target.repository.name };
}
