import { describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { ENGINES } from './support/database.ts';
import { PATIENCE_MS } from './support/fault-timings.ts';
import { type FaultYard, OWNER, REPOSITORY, startFaultYard } from './support/fault-yard.ts';
import { assertNothingLost, untilAtRest } from './support/nothing-lost.ts';
import { pass } from './support/pass.ts';
import { elapsedMs, noteRecovery } from './support/recovery.ts';

const SECONDARY = {
  message: 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.',
  documentation_url:
    'https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits',
};

describe.concurrent('secondary rate limit', () => {
  const LIMITS: readonly [number, number | null][] = [
    [403, 2],
    [429, 2],
    [403, null],
    [429, null],
  ];

  test.for(LIMITS)(
    '%i with Retry-After %s: nothing is written before it is over, then all catches up',
    async ([status, seconds], { task, expect }) => {
      await using yard = await startFaultYard();
      const issue = await yard.ask('Please wait');
      await yard.jobIn(issue, 'running');
      const limit = yard.github.faults.add({
        method: 'PATCH',
        path: '/repos/:owner/:repo/issues/comments/:id',
        status,
        body: SECONDARY,
        headers: seconds === null ? {} : { 'retry-after': String(seconds) },
        times: 1,
      });
      await yard.goOn();
      await until('the limit was met', () => limit.remaining() === 0, PATIENCE_MS);

      await until(
        'the comment tells of the pull request',
        () => yard.github.state.comments(REPOSITORY, issue)[0]?.body?.includes('/pull/') === true,
        2 * PATIENCE_MS,
        100,
      );

      const writes = coordinatorWrites(yard);
      const met = writes.findIndex((write) => write.status === status);
      const waitedMs = (writes[met + 1]?.atMs ?? NaN) - (writes[met]?.atMs ?? NaN);
      expect(waitedMs, 'until the next write, of whatever kind').toBeGreaterThanOrEqual(
        (seconds ?? 60) * 1000,
      );
      noteRecovery(
        { task },
        'coordinator ↔ GitHub cut, secondary rate limit',
        `${status}, Retry-After ${seconds ?? 'not told'}`,
        [waitedMs],
      );
      await assertNothingLost(yard, { [issue]: ['succeeded'] });
    },
  );
});

/** With the coordinator's own tokens. Those of runners, which know nothing of its limit, can't write issues. */
function coordinatorWrites(yard: FaultYard) {
  const tokens = yard.github.state.tokens().filter(({ permissions }) => permissions['issues'] === 'write');
  const actors = tokens.map(({ id, installationId }) => `installation:${installationId}:${id}`);
  return yard.writes.filter(({ actor }) => actors.includes(actor));
}

describe('crash between a GitHub write and our commit', () => {
  test.for(ENGINES)(
    'the answer to a create is lost: what was made is found again, and made once, on %s',
    async (engine, context) => {
      await using yard = await startFaultYard({ engine });
      const creates = [
        '/repos/:owner/:repo/git/commits',
        '/repos/:owner/:repo/git/refs',
        '/repos/:owner/:repo/check-runs',
        '/repos/:owner/:repo/issues/#number/comments',
        '/repos/:owner/:repo/pulls',
      ];
      const expected: Record<number, ['succeeded']> = {};
      const recoveries: number[] = [];

      for (const path of creates) {
        const fault = yard.github.faults.add({ method: 'POST', path, breakSocket: 'after', times: 1 });
        const askedMs = performance.now();
        const issue = await yard.ask();
        expected[issue] = ['succeeded'];
        await untilAtRest(yard, expected);
        recoveries.push(elapsedMs(askedMs));
        expect(fault.remaining(), `a lost answer to ${path}`).toBe(0);
      }

      await assertNothingLost(yard, expected);
      noteRecovery(
        context,
        'crash between a GitHub write and our commit',
        `answer lost, ${engine}, whole job`,
        recoveries,
      );
    },
  );
});

describe('status comment deleted or edited', () => {
  const ROW = 'status comment deleted or edited';

  test('deleted: made again once', async (context) => {
    await using yard = await startFaultYard();
    const issue = await yard.ask('Please wait');
    await yard.jobIn(issue, 'running');
    const comment = await until('there is a comment', () => yard.github.state.comments(REPOSITORY, issue)[0]);
    await untilCommentSettles();

    await yard.github.as(OWNER).deleteComment(REPOSITORY, comment.id);
    const deletedMs = performance.now();
    await yard.goOn();

    await until(
      'a new comment tells of the pull request',
      () => yard.github.state.comments(REPOSITORY, issue)[0]?.body?.includes('/pull/') === true,
      PATIENCE_MS,
    );
    noteRecovery(context, ROW, 'deleted, until the job is done', [elapsedMs(deletedMs)]);
    await assertNothingLost(yard, { [issue]: ['succeeded'] });
    const made = yard.created.filter(({ path }) => path.endsWith(`/issues/${issue}/comments`));
    expect(made).toHaveLength(2);

    /** What is on its way when the comment is deleted would make the test one of chance. */
    async function untilCommentSettles(): Promise<void> {
      await until(
        'nothing more is to be said for now',
        async () =>
          (await yard.database.query(`select id from tasks where state in ('ready', 'running')`)).length ===
          0,
        PATIENCE_MS,
        50,
      );
    }
  });

  test('edited by a person: overwritten at the next revision', { tags: ['ci'] }, async (context) => {
    await using yard = await startFaultYard();
    const issue = await yard.ask('Please wait');
    await yard.jobIn(issue, 'running');
    const comment = await until('there is a comment', () => yard.github.state.comments(REPOSITORY, issue)[0]);
    await pass(500);

    await yard.github.as(OWNER).editComment(REPOSITORY, comment.id, 'All of this is wrong.');
    const editedMs = performance.now();
    await yard.goOn();

    await until(
      'the comment tells of the pull request',
      () => yard.github.state.comments(REPOSITORY, issue)[0]?.body?.includes('/pull/') === true,
      PATIENCE_MS,
    );
    noteRecovery(context, ROW, 'edited, until the job is done', [elapsedMs(editedMs)]);
    expect(yard.github.state.comments(REPOSITORY, issue)[0]?.body).not.toContain('All of this is wrong.');
    await assertNothingLost(yard, { [issue]: ['succeeded'] });
  });
});

describe('token expires in a long run', () => {
  test('it is fetched anew, and no dead one is used', async (context) => {
    await using yard = await startFaultYard({ tokenLifeMs: 3000 });
    const issue = await yard.ask('Please wait');
    await yard.jobIn(issue, 'running');

    await pass(4000);
    await yard.goOn();
    const goneMs = performance.now();

    await yard.jobIn(issue, 'succeeded');
    noteRecovery(context, 'token expires in a long run', 'all tokens are over when the agent is done', [
      elapsedMs(goneMs),
    ]);
    await assertNothingLost(yard, { [issue]: ['succeeded'] });
    expect((await yard.jobs())[0]?.attempt).toBe(1);
  });
});
