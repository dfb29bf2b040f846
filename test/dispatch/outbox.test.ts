import { describe, expect, test } from 'vitest';
import { GitHubError } from '../../src/github/github-error.ts';
import { DEFAULT_TIMINGS as TIMINGS } from '../../src/domain/timings.ts';
import { anIdempotency, openDispatchWorld, value } from '../support/dispatch-world.ts';
import { aResult } from '../support/job-builders.ts';

const UNAVAILABLE = new GitHubError('unavailable', 'GitHub answers 502', { status: 502 });

describe('starting an attempt on GitHub', () => {
  test('a job can be offered only once its start commit and check run are there', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol();
    world.recorder.failNext('ensureCheckRun', UNAVAILABLE);
    const jobId = await world.label();

    const before = value(await world.poll(runner));
    world.clock.advance(TIMINGS.effectRetryBaseSeconds);
    await world.outbox.runDue();
    const after = value(await world.poll(runner));

    expect(before.offers).toEqual([]);
    expect(after.offers).toMatchObject([{ jobId }]);
    expect(world.recorder.calls.filter((call) => call === 'ensureStartCommit')).toHaveLength(1);
  });

  test.each(['ensureStartCommit', 'ensureCheckRun'] as const)(
    'when the answer to %s is lost, the repeat finds what was done',
    async (name) => {
      await using world = await openDispatchWorld();
      world.recorder.failNext(name, UNAVAILABLE, { after: true });
      const jobId = await world.label();

      world.clock.advance(TIMINGS.effectRetryBaseSeconds);
      await world.outbox.runDue();

      const { attempt } = await world.jobOf(jobId);
      expect(world.recorder.checkRuns).toMatchObject([{ headCommit: attempt.startCommit }]);
      expect([...world.recorder.branches.values()]).toContain(attempt.startCommit);
      expect(world.recorder.branches.size).toBe(2);
    },
  );

  test('a create that GitHub limited after it was done is found, although the wait was no try', async () => {
    await using world = await openDispatchWorld();
    const limited = new GitHubError('rate_limited', 'slow down', { status: 429, retryAfterMs: 5000 });
    world.recorder.failNext('ensureCheckRun', limited, { after: true });
    await world.label();

    world.clock.advance(6);
    await world.outbox.runDue();

    expect(world.recorder.calls.filter((call) => call === 'ensureCheckRun')).toHaveLength(2);
    expect(world.recorder.checkRuns).toHaveLength(1);
  });

  test('who is held up for longer than the claim lasts creates nothing beside whoever has it then', async () => {
    await using world = await openDispatchWorld();
    const { github } = world.recorder;
    const ensureStartCommit = github.ensureStartCommit.bind(github);
    github.ensureStartCommit = async (...given) => {
      const made = await ensureStartCommit(...given);
      world.clock.advance(TIMINGS.taskLeaseSeconds);
      return made;
    };
    const jobId = await world.label();
    expect(world.recorder.calls).not.toContain('ensureCheckRun');

    world.clock.advance(TIMINGS.effectRetryBaseSeconds);
    await world.outbox.runDue();

    const { attempt } = await world.jobOf(jobId);
    expect(world.recorder.checkRuns).toMatchObject([{ headCommit: attempt.startCommit }]);
    expect(world.recorder.calls.filter((call) => call === 'ensureStartCommit')).toHaveLength(1);
  });

  test('a branch with somebody’s work on it is left alone, and the next name taken', async () => {
    await using world = await openDispatchWorld();
    const taken = 'agent/42-totals-are-wrong-for-empty-carts';
    world.recorder.branches.set(taken, 'e'.repeat(40)).set(`${taken}-2`, 'f'.repeat(40));

    const jobId = await world.label();

    const { job, attempt } = await world.jobOf(jobId);
    expect(job.branch).toBe(`${taken}-3`);
    expect(world.recorder.branches.get(job.branch)).toBe(attempt.startCommit);
    expect(world.recorder.branches.get(taken)).toBe('e'.repeat(40));
  });

  test('two jobs of one issue get branches of their own', async () => {
    await using world = await openDispatchWorld();

    const backend = await world.jobOf(await world.label());
    const frontend = await world.jobOf(await world.label({ label: 'agent:frontend' }));

    expect(frontend.job.branch).toBe(`${backend.job.branch}-2`);
  });

  test('when nobody may write, the job fails with GitHub’s words on the issue', async () => {
    await using world = await openDispatchWorld();
    world.recorder.failNext('ensureStartCommit', new GitHubError('forbidden', 'Repository was archived'));

    const jobId = await world.label();

    expect((await world.jobOf(jobId)).job).toMatchObject({ state: 'failed', outcome: null });
    expect(world.recorder.comments[0]?.body).toContain('Repository was archived');
  });

  test('when the repository is gone, the job is cancelled', async () => {
    await using world = await openDispatchWorld();
    world.recorder.failNext('ensureStartCommit', new GitHubError('gone', 'Not Found'));

    const jobId = await world.label();

    expect((await world.jobOf(jobId)).job).toMatchObject({ state: 'cancelled' });
  });

  test('a mistake of our own is tried five times, then the job fails instead of waiting for ever', async () => {
    await using world = await openDispatchWorld();
    world.recorder.failNext('ensureStartCommit', new TypeError('x is undefined'), { times: 99 });

    const jobId = await world.label();
    for (let round = 0; round < 10; round += 1) {
      world.clock.advance(TIMINGS.effectRetryMaxSeconds);
      await world.outbox.runDue();
    }

    expect((await world.jobOf(jobId)).job).toMatchObject({ state: 'failed' });
    expect(world.recorder.calls.filter((call) => call === 'ensureStartCommit')).toHaveLength(5);
  });

  test('a job that is cancelled in the middle of it leaves no branch and no open check run', async () => {
    await using world = await openDispatchWorld();
    world.recorder.failNext('ensureCheckRun', UNAVAILABLE);
    const jobId = await world.label();

    await world.dispatcher.cancel(jobId, 'no more');
    world.clock.advance(TIMINGS.effectRetryMaxSeconds);
    await world.outbox.runDue();

    expect([...world.recorder.branches.keys()]).toEqual(['main']);
    expect(world.recorder.checkRuns).toEqual([]);
  });
});

describe('the status comment', () => {
  const writes = (world: { recorder: { calls: string[] } }) =>
    world.recorder.calls.filter((call) => call === 'publishStatusComment').length;

  test('follows what happens, in edits that are well apart; the end is told at once', async () => {
    await using world = await openDispatchWorld();
    const jobId = await world.label();
    const { lease } = await world.take(await world.enrol());
    const told: [string, number][] = [];
    const look = async (when: string) => {
      await world.outbox.runDue();
      told.push([when, writes(world)]);
    };

    for (const phase of ['baseline', 'agent', 'verify'] as const) {
      await world.dispatcher.heartbeat(lease, { phase });
      await look(phase);
    }
    world.clock.advance(TIMINGS.progressReportSeconds);
    await look('later');
    const shown = world.recorder.comments[0]?.body;
    await world.dispatcher.heartbeat(lease, { phase: 'agent' });
    await look('again');
    const result = aResult({ outcome: 'no_changes', headCommit: null });
    const call = { lease, result, checkRunFinished: true, idempotency: anIdempotency() };
    value(await world.dispatcher.complete(call));
    await look('end');

    expect(told).toEqual([
      ['baseline', 1],
      ['agent', 1],
      ['verify', 1],
      ['later', 2],
      ['again', 2],
      ['end', 3],
    ]);
    expect(shown).toContain('▶️ verify');
    expect((await world.jobOf(jobId)).job.state).toBe('failed');
  });

  test('tells agent and cost with what it has to tell anyway, and is never edited for them alone', async () => {
    await using world = await openDispatchWorld();
    await world.label();
    const { lease } = await world.take(await world.enrol());
    const spend = async (costUsd: number, phase: 'agent' | 'verify' = 'agent') => {
      const usage = { inputTokens: 9, outputTokens: 1, costUsd, turns: 1 };
      const progress = { agent: { name: 'claude', model: 'big' }, usage };
      value(await world.dispatcher.heartbeat(lease, { phase, progress }));
      world.clock.advance(TIMINGS.progressReportSeconds);
      await world.outbox.runDue();
      return [writes(world), world.recorder.comments[0]?.body.match(/cost so far \$[\d.]+/)?.[0]];
    };

    const told = [await spend(0.1), await spend(0.2), await spend(0.3), await spend(0.4, 'verify')];
    value(await world.dispatcher.heartbeat(lease, { phase: 'agent' }));
    world.clock.advance(TIMINGS.progressReportSeconds);
    await world.outbox.runDue();

    expect(told).toEqual([
      [2, 'cost so far $0.10'],
      [2, 'cost so far $0.10'],
      [2, 'cost so far $0.10'],
      [3, 'cost so far $0.40'],
    ]);
    // A heartbeat of an older runner takes nothing back.
    expect(world.recorder.comments[0]?.body).toContain('agent `claude` · model `big` · cost so far $0.40');
  });

  test('tells that a runner gave the job back', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol();
    await world.label();
    const { attemptId, epoch } = await world.offerFor(runner);

    const decline = { session: runner.session, attemptId, epoch, detail: '', idempotency: anIdempotency() };
    value(await world.dispatcher.decline({ ...decline, reason: 'no_capacity' }));
    world.clock.advance(TIMINGS.progressReportSeconds);
    await world.outbox.runDue();

    expect(world.recorder.comments[0]?.body).toContain('be-1 has no free slot');
  });
});

describe('what GitHub asks of us', () => {
  test('a limited installation is left alone for as long as GitHub says, and no try is lost by it', async () => {
    await using world = await openDispatchWorld();
    const limit = new GitHubError('rate_limited', 'secondary rate limit', { retryAfterMs: 120_000 });
    world.recorder.failNext('ensureStartCommit', limit, { times: 20 });
    const jobId = await world.label();
    const callsBefore = world.recorder.calls.length;

    world.clock.advance(119);
    await world.outbox.runDue();
    const callsDuring = world.recorder.calls.length - callsBefore;
    for (let pause = 0; pause < 20; pause += 1) {
      world.clock.advance(120);
      await world.outbox.runDue();
    }

    expect(callsDuring).toBe(0);
    expect((await world.jobOf(jobId)).job).toMatchObject({ state: 'queued', ready: true });
  });

  test('an outage is waited out, however long', async () => {
    await using world = await openDispatchWorld();
    world.recorder.failNext('ensureStartCommit', UNAVAILABLE, { times: 40 });
    const jobId = await world.label();

    for (let hour = 0; hour < 41; hour += 1) {
      world.clock.advance(TIMINGS.effectRetryMaxSeconds);
      await world.outbox.runDue();
    }

    expect((await world.jobOf(jobId)).job).toMatchObject({ state: 'queued', ready: true });
  });

  test('a comment whose text has not changed is not sent again', async () => {
    await using world = await openDispatchWorld();
    const jobId = await world.label();
    const sent = () => world.recorder.calls.filter((call) => call === 'publishStatusComment').length;
    const before = sent();

    await world.store.transact((tx) =>
      tx.want({ effect: { kind: 'status-comment', repositoryId: 71, issueNumber: 42 }, installationId: 5 }),
    );
    await world.outbox.runDue();
    const unchanged = sent();
    await world.dispatcher.cancel(jobId, 'no more');
    await world.outbox.runDue();

    expect([before, unchanged, sent()]).toEqual([1, 1, 2]);
  });

  test('a whole job costs GitHub a counted handful of writes', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol();
    await world.label();
    const { lease, spec } = await world.takeAndFinish(runner);
    await world.outbox.runDue();
    world.recorder.branches.set(spec.branch, aResult().headCommit ?? '');
    await world.dispatcher.complete({
      lease,
      result: aResult(),
      checkRunFinished: true,
      idempotency: anIdempotency(),
    });

    await world.outbox.runDue();

    const count = (name: string) => world.recorder.calls.filter((call) => call === name).length;
    expect({
      starts: count('ensureStartCommit'),
      checkRuns: count('ensureCheckRun') + count('updateCheckRun'),
      comments: count('publishStatusComment'),
      pullRequests: count('ensurePullRequest'),
      tokens: count('mintToken'),
    }).toEqual({ starts: 1, checkRuns: 2, comments: 2, pullRequests: 1, tokens: 2 });
  });

  test('a commit that somebody put on the branch before the pull request was open is told apart', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol();
    await world.label();
    const { lease, spec } = await world.takeAndFinish(runner);
    const later = 'e'.repeat(40);
    world.recorder.branches.set(spec.branch, later);
    const call = { lease, result: aResult(), checkRunFinished: true, idempotency: anIdempotency() };
    await world.dispatcher.complete(call);

    await world.outbox.runDue();

    expect(
      world.recorder.checkRuns.slice(1).map(({ headCommit, content }) => [headCommit, content.conclusion]),
    ).toEqual([
      [aResult().headCommit, 'success'],
      [later, 'neutral'],
    ]);
  });

  test('a pull request that GitHub refuses is told on the issue; the work stays on its branch', async () => {
    await using world = await openDispatchWorld();
    const jobId = await world.label();
    const { lease, spec } = await world.takeAndFinish(await world.enrol());
    world.recorder.branches.set(spec.branch, aResult().headCommit ?? '');
    world.recorder.failNext(
      'ensurePullRequest',
      new GitHubError('invalid', 'No commits between main and it'),
    );

    await world.dispatcher.complete({
      lease,
      result: aResult(),
      checkRunFinished: true,
      idempotency: anIdempotency(),
    });
    await world.outbox.runDue();

    expect((await world.jobOf(jobId)).job).toMatchObject({ state: 'succeeded', pullRequest: null });
    expect(world.recorder.comments[0]?.body).toContain('No commits between main and it');
    expect(world.recorder.branches.has(spec.branch)).toBe(true);
  });

  test('a pull request is opened when GitHub is back, and only once', async () => {
    await using world = await openDispatchWorld();
    const jobId = await world.label();
    const { lease } = await world.takeAndFinish(await world.enrol());
    world.recorder.failNext('ensurePullRequest', UNAVAILABLE, { after: true });

    await world.dispatcher.complete({
      lease,
      result: aResult(),
      checkRunFinished: true,
      idempotency: anIdempotency(),
    });
    await world.outbox.runDue();
    const between = (await world.jobOf(jobId)).job.pullRequest;
    world.clock.advance(TIMINGS.effectRetryBaseSeconds);
    await world.outbox.runDue();

    expect(between).toBeNull();
    expect(world.recorder.pullRequests).toHaveLength(1);
    expect((await world.jobOf(jobId)).job.pullRequest).not.toBeNull();
  });

  test.for(['closed', 'merged'] as const)(
    'a pull request that we never heard of, and that a person has %s meanwhile, is the job’s, and no second one is opened',
    async (state) => {
      await using world = await openDispatchWorld();
      const jobId = await world.label();
      const { lease, spec } = await world.takeAndFinish(await world.enrol());
      world.recorder.branches.set(spec.branch, aResult().headCommit ?? '');
      world.recorder.failNext('ensurePullRequest', UNAVAILABLE, { after: true });
      const call = { lease, result: aResult(), checkRunFinished: true, idempotency: anIdempotency() };
      await world.dispatcher.complete(call);
      await world.outbox.runDue();

      world.recorder.pullRequestNow = { state, mergeable: null };
      world.clock.advance(TIMINGS.effectRetryBaseSeconds);
      await world.outbox.runDue();

      const [pull] = world.recorder.pullRequests;
      expect(world.recorder.pullRequests).toHaveLength(1);
      expect((await world.jobOf(jobId)).job.pullRequest).toMatchObject({
        number: pull?.number,
        ended: { how: state },
      });
      expect(world.recorder.comments[0]?.body).toContain(`/pull/${pull?.number}`);
    },
  );

  test('tokens that can’t be revoked just now are revoked later', async () => {
    await using world = await openDispatchWorld();
    await world.label();
    const { lease } = await world.takeAndFinish(await world.enrol());
    world.recorder.failNext('revokeToken', UNAVAILABLE);

    await world.dispatcher.complete({
      lease,
      result: aResult(),
      checkRunFinished: true,
      idempotency: anIdempotency(),
    });
    await world.outbox.runDue();
    world.clock.advance(TIMINGS.effectRetryBaseSeconds);
    await world.outbox.runDue();

    expect(world.recorder.tokens.map((token) => token.revoked)).toEqual([true, true]);
  });
});

describe('the loop', () => {
  test('does what is wanted as soon as it is committed, and stops when told to', async () => {
    await using world = await openDispatchWorld();
    world.outbox.start();

    const created = new Promise<void>((resolve) => {
      world.store.subscribe((topic) => {
        if (topic === 'queue') resolve();
      });
    });
    await world.acceptTrigger({
      kind: 'repositories_added',
      key: 'installation',
      installationId: 5,
      repositories: [{ id: 71, fullName: 'acme/widgets' }],
    });
    await world.label();
    await created;
    await world.outbox.stop();

    expect(world.recorder.labels).toContain('agent:backend');
  });
});
