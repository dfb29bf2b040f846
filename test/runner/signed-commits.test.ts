import { describe, expect, test } from 'vitest';
import { createSignedCommits } from '../../src/runner/signed-commits.ts';
import { aJobSpec } from '../support/job-spec.ts';

const [TREE, PARENT, COMMIT] = ['1'.repeat(40), '2'.repeat(40), '3'.repeat(40)];
const signed = { sha: COMMIT, tree: { sha: TREE }, verification: { verified: true, reason: 'valid' } };

/** GitHub as it answers to one call. */
function at(status: number, body: unknown) {
  const seen: { url: string; body: unknown; authorization: string | null }[] = [];
  const commits = createSignedCommits({
    spec: aJobSpec(),
    fetch: async (url, init) => {
      const authorization = new Headers(init?.headers).get('authorization');
      const sent: unknown = typeof init?.body === 'string' ? JSON.parse(init.body) : null;
      seen.push({ url: url instanceof Request ? url.url : url.toString(), body: sent, authorization });
      return Response.json(body, { status });
    },
    userAgent: 'test',
    signal: new AbortController().signal,
  });
  return { commits, seen };
}

describe('a commit that GitHub makes', () => {
  const wanted = { tree: TREE, parents: [PARENT], message: 'Fix the sum' };

  test('has no author of our own, since GitHub signs only what it names itself', async () => {
    const { commits, seen } = at(201, signed);

    expect(await commits.make(wanted, 'secret')).toEqual({ kind: 'made', commit: COMMIT });

    expect(seen).toMatchObject([
      {
        url: expect.stringMatching(/\/git\/commits$/) as string,
        body: { tree: TREE, parents: [PARENT], message: 'Fix the sum' },
        authorization: 'token secret',
      },
    ]);
    expect(Object.keys(seen[0]?.body ?? {}).sort()).toEqual(['message', 'parents', 'tree']);
  });

  test.each([
    [
      'is not signed',
      201,
      { ...signed, verification: { verified: false, reason: 'unsigned' } },
      /did not sign.*unsigned/,
    ],
    ['holds other files', 201, { ...signed, tree: { sha: PARENT } }, /other files/],
    ['may not be made', 403, { message: 'Resource not accessible by integration' }, /HTTP 403: Resource not/],
    ['breaks a rule', 422, { message: 'Repository rule violations found' }, /HTTP 422/],
  ])('is refused when it %s', async (_what, status, body, reason) => {
    const { commits } = at(status, body);

    expect(await commits.make(wanted, 'secret')).toEqual({
      kind: 'refused',
      reason: expect.stringMatching(reason) as string,
    });
  });
});

test.each([
  ['required_signatures', true],
  ['pull_request', false],
])('a rule of the kind %s requires signatures: %s', async (type, isRequired) => {
  const { commits, seen } = at(200, [{ type: 'deletion' }, { type }]);

  expect(await commits.areRequired('feature/x', 'secret')).toBe(isRequired);

  expect(seen[0]?.url).toMatch(/\/rules\/branches\/feature%2Fx\?per_page=100$/);
});
