import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { RepositoryTarget } from '../../src/domain/trigger.ts';
import { type GitHubAtStandin, fullNameOf, openGitHubAtStandin } from '../support/github-at-standin.ts';

let at: GitHubAtStandin;
beforeAll(async () => {
  at = await openGitHubAtStandin();
});
afterEach(() => at.standin.faults.clear());
afterAll(() => at[Symbol.asyncDispose]());

const queued = { status: 'queued', title: 'Waiting', summary: 'For a **runner**' } as const;

describe('the check run of an attempt', () => {
  test('is created with one request', async () => {
    const { target, wanted } = await aWantedRun();

    const requests = await at.requestsOf(() => at.github.ensureCheckRun(target, wanted));

    expect(requests).toEqual(['POST …/check-runs']);
    expect(runsOf(target)).toMatchObject([
      {
        name: 'Yardmaster / backend',
        external_id: 'job:attempt',
        head_sha: wanted.headCommit,
        status: 'queued',
        conclusion: null,
        output: { title: 'Waiting', summary: 'For a **runner**' },
      },
    ]);
  });

  test('is found instead of created again when it may exist', async () => {
    const { target, wanted } = await aWantedRun();
    const first = await at.github.ensureCheckRun(target, wanted);

    const second = await at.github.ensureCheckRun(target, { ...wanted, mayExist: true });

    expect(second).toEqual(first);
    expect(runsOf(target).map((run) => ({ id: run.id, url: run.html_url }))).toEqual([first]);
  });

  test('is not mistaken for that of another attempt with the same name', async () => {
    const { target, wanted } = await aWantedRun();
    const first = await at.github.ensureCheckRun(target, wanted);

    const other = await at.github.ensureCheckRun(target, {
      ...wanted,
      externalId: 'job:other',
      mayExist: true,
    });

    expect(other.id).not.toBe(first.id);
    expect(runsOf(target)).toHaveLength(2);
  });

  test('is there once although the answer to its creation got lost', async () => {
    const { target, wanted } = await aWantedRun();
    at.standin.faults.add({ method: 'POST', path: /\/check-runs$/, breakSocket: 'after', times: 1 });

    const found = await at.github.ensureCheckRun(target, wanted);

    expect(runsOf(target).map(({ id }) => id)).toEqual([found.id]);
  });

  test('fails as unavailable, after one creation only, while GitHub is down', async () => {
    const { target, wanted } = await aWantedRun();
    at.standin.faults.add({ method: 'POST', path: /\/check-runs$/, status: 503 });

    const requests = await at.requestsOf(() =>
      expect(at.github.ensureCheckRun(target, wanted)).rejects.toMatchObject({ kind: 'unavailable' }),
    );

    expect(requests.filter((request) => request.startsWith('POST …/check-runs'))).toHaveLength(1);
  });

  test('can hang on no commit that does not exist', async () => {
    const { target, wanted } = await aWantedRun();

    await expect(
      at.github.ensureCheckRun(target, { ...wanted, headCommit: '0'.repeat(40) }),
    ).rejects.toMatchObject({ kind: 'invalid', status: 422 });
  });

  test('takes texts of any length', async () => {
    const { target, wanted } = await aWantedRun();
    const content = { ...queued, title: 't'.repeat(9000), summary: 's'.repeat(90_000) };

    await at.github.ensureCheckRun(target, { ...wanted, content });

    const [run] = runsOf(target);
    expect(run?.output.title).toHaveLength(255);
    expect(run?.output.summary).toHaveLength(65_535);
  });
});

describe('an update of a check run', () => {
  test('replaces state and text with one request', async () => {
    const { target, wanted } = await aWantedRun();
    const { id } = await at.github.ensureCheckRun(target, wanted);

    const requests = await at.requestsOf(() =>
      at.github.updateCheckRun(target, id, {
        status: 'completed',
        conclusion: 'cancelled',
        title: 'Cancelled',
        summary: 'By alice',
      }),
    );

    expect(requests).toEqual([`PATCH …/check-runs/${id}`]);
    expect(runsOf(target)).toMatchObject([
      { status: 'completed', conclusion: 'cancelled', output: { title: 'Cancelled', summary: 'By alice' } },
    ]);
  });

  test('fails as gone when there is no such run', async () => {
    const { target } = await aWantedRun();

    await expect(at.github.updateCheckRun(target, 999_999, queued)).rejects.toMatchObject({ kind: 'gone' });
  });
});

describe('annotations and buttons', () => {
  const annotations = Array.from({ length: 70 }, (_, at) => ({
    path: 'README.md',
    startLine: at + 1,
    endLine: at + 1,
    level: 'failure' as const,
    title: `Remark ${at}`,
    message: 'm',
  }));
  const done = {
    status: 'completed',
    conclusion: 'failure',
    title: 'Red',
    summary: 'Red.',
    annotations,
    buttons: ['retry'],
  } as const;

  test('go in as many requests as they take', async () => {
    const { target, wanted } = await aWantedRun();

    const requests = await at.requestsOf(() =>
      at.github.ensureCheckRun(target, { ...wanted, content: done }),
    );

    const [run] = runsOf(target);
    expect(requests).toEqual([
      'POST …/check-runs',
      `PATCH …/check-runs/${run?.id}`,
      `PATCH …/check-runs/${run?.id}`,
    ]);
    expect(run).toMatchObject({
      output: { title: 'Red', summary: 'Red.', annotations_count: 70 },
      actions: [{ identifier: 'retry', label: 'Retry' }],
    });
  });

  test.each(['before', 'after'] as const)(
    'are there once although a connection broke %s GitHub had them',
    async (breakSocket) => {
      const { target, wanted } = await aWantedRun();
      const again = { ...wanted, content: done, mayExist: true };
      at.standin.faults.add({ method: 'PATCH', path: /\/check-runs\/\d+$/, breakSocket, times: 1 });
      await expect(at.github.ensureCheckRun(target, again)).rejects.toMatchObject({ kind: 'unavailable' });

      const { id } = await at.github.ensureCheckRun(target, again);
      await at.github.updateCheckRun(target, id, done);

      expect(runsOf(target)).toMatchObject([{ id, output: { annotations_count: 70 } }]);
    },
  );

  test('that GitHub refuses do not cost the check run', async () => {
    const { target, wanted } = await aWantedRun();
    const content = { ...done, annotations: annotations.map((one) => ({ ...one, startLine: 1.5 })) };

    const { id } = await at.github.ensureCheckRun(target, { ...wanted, content });

    expect(runsOf(target)).toMatchObject([{ id, conclusion: 'failure', output: { annotations_count: 0 } }]);
  });
});

async function aWantedRun() {
  const target = await at.createTarget();
  const { main = '' } = await at.standin.state.branches(fullNameOf(target));
  const wanted = {
    name: 'Yardmaster / backend',
    headCommit: main,
    externalId: 'job:attempt',
    content: queued,
    mayExist: false,
  };
  return { target, wanted };
}

function runsOf(target: RepositoryTarget) {
  return at.standin.state.checkRuns(fullNameOf(target));
}
