import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { BUILT_IN_LABELS } from '../../src/domain/labels.ts';
import type { RepositoryTarget } from '../../src/domain/trigger.ts';
import { type GitHubAtStandin, fullNameOf, openGitHubAtStandin } from '../support/github-at-standin.ts';

let at: GitHubAtStandin;
beforeAll(async () => {
  at = await openGitHubAtStandin();
});
afterEach(() => at.standin.faults.clear());
afterAll(() => at[Symbol.asyncDispose]());

describe('our labels', () => {
  test('are created in a new repository', async () => {
    const target = await at.createTarget();

    await at.github.ensureLabels(target, BUILT_IN_LABELS);

    expect(labelsOf(target)).toEqual(
      expect.arrayContaining(BUILT_IN_LABELS.map((label) => expect.objectContaining(label))),
    );
  });

  test('that are there already cost nothing and stay as people made them', async () => {
    const target = await at.createTarget();
    const own = { name: 'Agent:Backend', color: '000000', description: 'Mine' };
    await at.github.ensureLabels(target, [own]);

    const requests = await at.requestsOf(() =>
      at.github.ensureLabels(target, [{ name: 'agent:backend', color: 'ffffff', description: 'Ours' }]),
    );

    expect(requests).toEqual(['GET …/labels?per_page=100&page=1']);
    expect(labelsOf(target)).toContainEqual(expect.objectContaining(own));
  });

  test('are found on any page', async () => {
    const target = await at.createTarget();
    const many = Array.from({ length: 102 }, (_, index) => ({
      name: `label-${index}`,
      color: '000000',
      description: '',
    }));
    await at.github.ensureLabels(target, many);

    const requests = await at.requestsOf(() => at.github.ensureLabels(target, many));

    expect(requests).toEqual([1, 2].map((page) => `GET …/labels?per_page=100&page=${page}`));
  });

  test('that somebody creates at the same moment are no error', async () => {
    const target = await at.createTarget();
    at.standin.faults.add({ method: 'GET', path: /\/labels$/, status: 200, body: [] });

    await at.github.ensureLabels(target, BUILT_IN_LABELS);
    await at.github.ensureLabels(target, BUILT_IN_LABELS);

    expect(labelsOf(target).filter(({ name }) => name === 'agent:backend')).toHaveLength(1);
  });
});

function labelsOf(target: RepositoryTarget) {
  return at.standin.state.labels(fullNameOf(target));
}

test('a permission that the App was not granted is named, with the page where it is', async () => {
  const { standin, github } = at;
  standin.createOrganization('globex');
  const { fullName } = await standin.createRepository({ owner: 'globex', name: 'gears', files: { a: 'b' } });
  const { installationId } = await standin.install('globex');
  await standin.acceptNewPermissions(installationId, { metadata: 'read', issues: 'read', contents: 'write' });
  const target = { installationId, repository: await github.readRepository({ installationId, fullName }) };

  const refused = github.ensureLabels(target, BUILT_IN_LABELS);

  await expect(refused).rejects.toMatchObject({
    kind: 'forbidden',
    message: expect.stringMatching(
      /403: Resource not accessible by integration.*\. The App lacks a permission there \(issues: write.*\): grant it at [\w.:]+\/.*installations\/\d+, then ask again$/,
    ),
  });
});
