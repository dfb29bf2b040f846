import { describe, expect, test } from 'vitest';
import type { AttemptResult } from '../../src/contract/attempt-result.ts';
import type { Trigger } from '../../src/domain/trigger.ts';
import type { ListedIssue } from '../../src/github/sweep-reads.ts';
import { sweepReviews } from '../../src/dispatch/reconcile-reviews.ts';
import { DEFAULT_TIMINGS } from '../../src/domain/timings.ts';
import { toListedThreadTrigger } from '../../src/webhooks/review.ts';
import { aLabelTrigger, anIdempotency, openDispatchWorld, value } from '../support/dispatch-world.ts';
import { aRepository, aResult } from '../support/job-builders.ts';
import { GitHubError } from '../../src/github/github-error.ts';

const target = { installationId: 5, repository: aRepository() };
const rita = { login: 'rita', id: 7, isBot: false };
const HEAD = aResult().headCommit ?? '';

type World = Awaited<ReturnType<typeof openPublished>>;
type Of<Kind extends Trigger['kind']> = Extract<Trigger, { kind: Kind }>;
let triggers = 0;

/** With an open pull request that a runner has made, and a review comment on it. */
async function openPublished(settings: string | null = null) {
  const world = await openDispatchWorld();
  const { recorder } = world;
  recorder.settingsFile = settings;
  const first = await world.label();
  const runner = await world.enrol();
  await finish(await world.takeAndFinish(runner), aResult());
  const number = recorder.pullRequests[0]?.number ?? 0;
  recorder.pullRequestNow = { state: 'open', mergeable: true };
  recorder.reviews = {
    comments: [
      {
        id: 31,
        threadId: 31,
        reviewId: 41,
        body: 'Name it total.',
        author: rita,
        createdAt: '2026-05-04T12:00:00Z',
        updatedAt: '2026-05-04T12:00:00Z',
        path: 'src/cart.js',
        line: 3,
        startLine: null,
        hunk: '+sum',
      },
    ],
    reviews: [
      { id: 41, author: rita, state: 'CHANGES_REQUESTED', body: '', submittedAt: '2026-05-04T12:00:00Z' },
    ],
  };

  /** What the runner pushes stands on the branch before it tells of it. */
  async function finish(
    { spec, lease }: Awaited<ReturnType<typeof world.take>>,
    result: AttemptResult,
  ): Promise<void> {
    if (result.headCommit !== null) recorder.branches.set(spec.branch, result.headCommit);
    const call = { lease, result, checkRunFinished: true, idempotency: anIdempotency() };
    value(await world.dispatcher.complete(call));
    await world.outbox.runDue();
  }

  return { ...world, first, runner, number, finish };
}

/** Newest first. */
const jobsOf = ({ store }: World) => store.jobs.ofIssue(target.repository.id, 42, 30);

async function accept(world: World, trigger: Trigger): Promise<string> {
  const { kind } = await world.acceptTrigger(trigger);
  await world.outbox.runDue();
  return kind;
}

function aReview({ number }: World, facts: Partial<Of<'review_submitted'>> = {}): Trigger {
  triggers += 1;
  return {
    kind: 'review_submitted',
    key: `review:${triggers}`,
    target,
    pullRequestNumber: number,
    reviewId: triggers,
    at: '2026-05-04T12:00:00Z',
    sender: rita,
    ...facts,
  };
}

function aFix(
  { number }: World,
  instructions: string | null,
  { place, review }: Pick<Of<'comment'>, 'place' | 'review'> = {
    place: { kind: 'conversation' },
    review: null,
  },
): Trigger {
  triggers += 1;
  return {
    kind: 'comment',
    key: `comment:${triggers}`,
    target,
    issueNumber: number,
    isPullRequest: true,
    commentId: triggers,
    place,
    review,
    at: '2026-05-04T12:00:00Z',
    reading: { kind: 'commands', lines: [{ line: 1, command: { name: 'fix', instructions } }] },
    issue: { title: 'The pull request', body: '' },
    sender: rita,
  };
}

/** A comment in a thread of its own. */
function say({ recorder }: World, id: number, body: string, at: string): void {
  const [comment] = recorder.reviews.comments;
  if (comment)
    recorder.reviews.comments.push({ ...comment, id, threadId: id, body, createdAt: at, updatedAt: at });
}

const gaveUp = aResult({ outcome: 'no_changes', reason: 'The agent changed nothing.', headCommit: null });

describe('a revision', () => {
  test('begins at the head, goes to whoever did the work, and ends in the same pull request', async () => {
    await using world = await openPublished();
    const { recorder } = world;
    // Who has been idle for longer would be the first choice otherwise.
    await world.enrol({ name: 'be-2' });

    await accept(world, aFix(world, 'shorter'));
    const taken = await world.takeAndFinish(world.runner);
    const next = 'd'.repeat(40);
    const summary = 'Comment 1: named it total.';
    await world.finish(taken, aResult({ headCommit: next, summary }));

    expect(taken.spec).toMatchObject({
      kind: 'revise',
      instructions: 'shorter',
      issue: { number: 42 },
      base: { branch: 'main', commit: HEAD },
      startCommit: HEAD,
      revision: {
        baseCommit: recorder.branches.get('main'),
        round: 1,
        threads: [{ id: 31, comments: [{ author: 'rita', body: 'Name it total.' }] }],
      },
    });
    expect(taken.spec.revision).not.toHaveProperty('reviewers');
    expect(recorder.pullRequests).toHaveLength(1);
    expect(recorder.pullRequests[0]?.body).toContain('about round 1');
    expect(recorder.answers).toMatchObject([
      { threadId: 31, body: expect.stringContaining('named it total') },
    ]);
    expect(recorder.wishes).toEqual([{ reviewers: ['rita'], labels: [], assignee: null }]);
    expect(recorder.checkRuns.findLast(({ headCommit }) => headCommit === next)?.name).toMatch(/evidence/);
    expect((await jobsOf(world))[0]).toMatchObject({
      kind: 'revise',
      state: 'succeeded',
      pullRequest: { number: world.number },
      label: 'agent:backend',
    });
  });

  test('that a crash interrupts answers each thread once', async () => {
    await using world = await openPublished();
    await accept(world, aFix(world, null));
    const taken = await world.takeAndFinish(world.runner);
    const error = new Error('the connection broke');
    world.recorder.failNext('addToPullRequest', error, { times: 1 });

    await world.finish(taken, aResult({ headCommit: 'd'.repeat(40) }));
    world.clock.advance(60);
    await world.outbox.runDue();

    expect(world.recorder.answers).toHaveLength(1);
    expect(world.recorder.wishes).toHaveLength(1);
  });

  test('of more threads than there is room for goes on with the others, which are told so, and of which none is answered unseen', async () => {
    await using world = await openPublished();
    const { recorder } = world;
    for (let id = 32; id <= 62; id += 1) say(world, id, `Say ${id}.`, '2026-05-04T12:00:00Z');
    await accept(world, aFix(world, null));
    const first = await world.takeAndFinish(world.runner);
    const told = first.spec.revision?.threads.map(({ id }) => id) ?? [];

    await world.finish(first, aResult({ headCommit: 'd'.repeat(40), toldThreads: told.slice(1) }));

    const later = recorder.answers.filter(({ body }) => body.includes('the next round takes it'));
    expect(told).toHaveLength(30);
    expect(later.map(({ threadId }) => threadId)).toEqual([31, 61, 62]);
    expect(recorder.answers).toHaveLength(32);
    const second = await world.takeAndFinish(world.runner);
    expect(second.spec.revision).toMatchObject({ cause: 'review', round: 2 });
    expect(second.spec.revision?.threads.map(({ id }) => id)).toEqual([31, 61, 62]);
    await world.finish(second, aResult({ headCommit: 'e'.repeat(40), toldThreads: [31, 61, 62] }));
    expect(recorder.answers).toHaveLength(35);
    expect(await jobsOf(world)).toHaveLength(3);
  });

  test('leaves a text alone that somebody has edited', async () => {
    await using world = await openPublished();
    for (const pull of world.recorder.pullRequests) pull.body += '\n\nMine.';
    await accept(world, aFix(world, null));

    await world.finish(await world.takeAndFinish(world.runner), aResult({ headCommit: 'd'.repeat(40) }));

    expect(world.recorder.pullRequests[0]?.body).toMatch(/Mine\.$/);
    expect(world.recorder.calls).not.toContain('changePullRequestBody');
  });

  test('whose branch somebody pushed to begins anew on that head', async () => {
    await using world = await openPublished();
    await accept(world, aFix(world, null));
    const { spec, lease } = await world.takeAndFinish(world.runner);
    world.recorder.branches.set(spec.branch, 'e'.repeat(40));

    const result = aResult({
      outcome: 'agent_failed',
      retryable: true,
      headCommit: null,
      reason: 'Somebody pushed.',
      overtaken: true,
    });
    value(
      await world.dispatcher.complete({
        lease,
        result,
        checkRunFinished: true,
        idempotency: anIdempotency(),
      }),
    );
    world.clock.advance(120);
    await world.outbox.runDue();

    const [job] = await jobsOf(world);
    expect(job).toMatchObject({ state: 'queued', attemptNumber: 2, avoid: [] });
    expect(await world.store.runners.get(world.runner.id)).toMatchObject({ failures: 0 });
    expect(await world.jobOf(job?.id ?? world.first)).toMatchObject({
      attempt: { startCommit: 'e'.repeat(40) },
    });
  });

  test('that comes to nothing is told on the pull request, leaves its branch, and retry asks for it again', async () => {
    await using world = await openPublished();
    const { recorder } = world;
    await accept(world, aFix(world, 'shorter'));

    await world.finish(await world.takeAndFinish(world.runner), gaveUp);
    const retry = aFix(world, null) as Of<'comment'>;
    const lines = [{ line: 1, command: { name: 'retry', specialty: null } as const }];
    await accept(world, { ...retry, reading: { kind: 'commands', lines } });

    expect(recorder.comments.map(({ body }) => body).join('\n')).toMatch(
      /came to nothing[^]*changed nothing/,
    );
    expect([...recorder.branches.values()]).toContain(HEAD);
    expect(await jobsOf(world)).toMatchObject([
      { state: 'queued', instructions: 'shorter', revision: { round: 2 } },
      { state: 'failed' },
      { kind: 'resolve' },
    ]);
  });

  test('is cancelled when its pull request ends', async () => {
    await using world = await openPublished();
    await accept(world, aFix(world, null));
    await world.take(world.runner);
    world.recorder.pullRequestNow = { state: 'merged', mergeable: null };

    const key = 'ended';
    const sender = rita;
    await accept(world, { kind: 'pull_request_ended', key, target, pullRequestNumber: world.number, sender });

    expect((await jobsOf(world))[0]).toMatchObject({
      state: 'cancelling',
      stateReason: expect.stringMatching(/merged by rita/),
    });
  });

  test('that was asked for and has not begun when its pull request ends does not begin', async () => {
    await using world = await openPublished();
    world.recorder.failNext('readHead', new Error('GitHub is away'));
    await accept(world, aFix(world, null));
    world.recorder.pullRequestNow = { state: 'closed', mergeable: null };
    world.clock.advance(60);
    await world.outbox.runDue();

    expect((await jobsOf(world))[0]).toMatchObject({ state: 'cancelled', attemptNumber: 1 });
  });

  test('is not offered to a runner that does not know such work, and says which one to upgrade', async () => {
    await using world = await openPublished();
    const { registry, runner } = world;
    value(await registry.authenticate(runner.sessionToken, '1.1'));
    await accept(world, aFix(world, null));

    expect(value(await world.poll(runner)).offers).toEqual([]);
    expect((await jobsOf(world))[0]).toMatchObject({
      state: 'queued',
      waitCode: 'too_old',
      stateReason: expect.stringContaining('upgrade be-1'),
    });

    value(await registry.authenticate(runner.sessionToken, '1.2'));
    expect((await world.take(runner)).spec.kind).toBe('revise');
  });

  test('keeps others of its issue out, also by label', async () => {
    await using world = await openPublished();
    await accept(world, aFix(world, null));

    expect(await accept(world, aLabelTrigger())).toBe('ignored');
    expect(await accept(world, aFix(world, 'more'))).toBe('refused');
    expect(await jobsOf(world)).toHaveLength(2);
  });
});

describe('a review', () => {
  test('begins a round if its author may write, and is answered if it can’t', async () => {
    await using world = await openPublished();
    world.recorder.permission = 'read';
    expect(await accept(world, aReview(world))).toBe('ignored');
    world.recorder.permission = 'write';

    expect(await accept(world, aReview(world))).toBe('started');
    const [job] = await jobsOf(world);
    await world.dispatcher.cancel(job?.id ?? world.first, 'enough');
    world.recorder.issue.state = 'closed';
    expect(await accept(world, aReview(world))).toBe('refused');

    expect(job).toMatchObject({ requestedBy: 'rita', revision: { cause: 'review' } });
    expect(world.recorder.comments.at(-1)?.body).toMatch(/not worked on now[^]*is closed/);
  });

  test('and the commands in it begin one round together, whichever is read first', async () => {
    await using world = await openPublished();
    const fix = (reviewId: number, what: string, isText = false) =>
      aFix(world, what, {
        place: isText ? { kind: 'review' } : { kind: 'thread', threadId: 31 },
        review: { id: reviewId, wantsChanges: isText },
      });

    expect(await accept(world, fix(50, 'shorter', true))).toBe('commanded');
    expect(await accept(world, aReview(world, { reviewId: 50 }))).toBe('ignored');
    expect(await accept(world, fix(50, 'on this line, too'))).toBe('commanded');
    const [job, ...others] = await jobsOf(world);
    // Another one waits, and so do the commands in it: nobody is told that nothing comes of them.
    expect(await accept(world, fix(51, 'more', true))).toBe('refused');
    expect(await accept(world, aReview(world, { reviewId: 51 }))).toBe('noted');
    expect(await accept(world, fix(51, 'there'))).toBe('commanded');

    expect(job).toMatchObject({ instructions: 'shorter', revision: { cause: 'asked' } });
    expect(others).toHaveLength(1);
    expect(await jobsOf(world)).toHaveLength(2);
    const told = world.recorder.comments.map(({ body }) => body).filter((body) => !body.includes(':status'));
    expect(told).toEqual([expect.stringContaining('in the next round')]);
    // A comment on its own asks as any other does.
    expect(await accept(world, fix(52, 'now'))).toBe('refused');
  });

  test('that no webhook told of is found later, and commands in threads, as they were written and sent', async () => {
    await using world = await openPublished();
    const { comments, reviews } = world.recorder.reviews;
    const [comment] = comments;
    if (!comment) throw new Error('there is a comment');
    const at = '2026-05-04T12:30:00Z';
    const pull = {
      number: world.number,
      title: '',
      body: '',
      author: 'yardmaster[bot]',
      labels: [],
      state: 'open',
      locked: false,
      isPullRequest: true,
      updatedAt: at,
      closedAt: null,
    } satisfies ListedIssue;
    const look = (nowMs = Date.parse(at) + 3_600_000) =>
      sweepReviews(
        { target, since: '2026-05-04T12:10:00Z', notBefore: '2026-05-04T12:10:00Z', issues: [pull], nowMs },
        {
          ...world,
          github: world.recorder.github,
          timings: DEFAULT_TIMINGS,
          toThreadTrigger: toListedThreadTrigger,
        },
      );
    // Written long before it was sent with its review, which GitHub takes for a change.
    const sent = { ...comment, id: 32, threadId: 32, reviewId: 42, updatedAt: at, body: '/agent fix Sums.' };
    comments.push(
      { ...sent, id: 33, threadId: 33, updatedAt: '2026-05-04T12:31:00Z', body: '/agent fix Changed since.' },
      { ...sent, id: 34, threadId: 34, reviewId: null, body: '/agent fix Changed, too.' },
      sent,
    );
    const said = { author: rita, submittedAt: at, body: '/agent help', state: 'COMMENTED' };
    reviews.push({ id: 42, ...said }, { id: 43, ...said, body: 'Fine.' });

    expect(await look(Date.parse(at) + 1000)).toEqual({ found: 0, nextSince: at });
    expect(await look()).toEqual({ found: 2, nextSince: null });
    await world.outbox.runDue();
    expect((await jobsOf(world))[0]).toMatchObject({
      instructions: 'Sums.',
      requestedBy: 'rita',
      revision: { cause: 'asked' },
    });
    expect(world.recorder.comments.at(-1)?.body).toMatch(/review by rita late/);

    reviews.push({ id: 44, ...said, state: 'CHANGES_REQUESTED' });
    expect(await look()).toEqual({ found: 1, nextSince: null });
    expect(await look()).toEqual({ found: 0, nextSince: null });
    await world.outbox.runDue();
    expect(world.recorder.comments.at(-1)?.body).toContain('in the next round');
  });

  test('during a round is the next one, once its answers are there, also after a restart', async () => {
    await using world = await openPublished();
    const { recorder } = world;
    await accept(world, aReview(world));
    const taken = await world.takeAndFinish(world.runner);
    say(world, 32, 'And rename it everywhere.', '2026-05-04T12:30:00Z');
    const during = { at: '2026-05-04T12:30:00Z', sender: { ...rita, login: 'sam', id: 8 } };
    expect(await accept(world, aReview(world))).toBe('noted');
    expect(await accept(world, aReview(world, during))).toBe('noted');
    expect(recorder.comments.filter(({ body }) => body.includes('in the next round'))).toHaveLength(1);

    const away = new GitHubError('unavailable', 'GitHub is away');
    recorder.failNext('readReviews', away);
    await world.finish(taken, aResult({ headCommit: 'd'.repeat(40) }));
    expect(await jobsOf(world)).toHaveLength(2);
    world.clock.advance(600);
    await using restarted = await openDispatchWorld(world);
    await restarted.outbox.runDue();

    expect((await jobsOf(world))[0]).toMatchObject({
      state: 'queued',
      requestedBy: 'sam',
      revision: { cause: 'review', round: 2, counted: 2, threads: [{ id: 32 }] },
    });
    expect(await world.store.reviews.listWaiting()).toEqual([]);
  });

  test('during a round that comes to nothing is the next one as well, and none when somebody stops the round', async () => {
    await using world = await openPublished();
    await accept(world, aReview(world));
    const first = await world.takeAndFinish(world.runner);
    await accept(world, aReview(world));
    await world.finish(first, gaveUp);
    expect((await jobsOf(world))[0]).toMatchObject({ state: 'queued', revision: { round: 2 } });

    const second = await world.take(world.runner);
    await accept(world, aReview(world));
    await world.dispatcher.cancel(second.spec.jobId, 'enough');
    world.clock.advance(120);
    await world.sweeper.sweep();
    await world.outbox.runDue();

    expect(await jobsOf(world)).toHaveLength(3);
    expect(await world.store.reviews.listWaiting()).toEqual([]);
  });

  test('during a round that works on it already is not worked on twice', async () => {
    await using world = await openPublished();
    await accept(world, aReview(world));
    const taken = await world.takeAndFinish(world.runner);
    await accept(world, aReview(world));

    await world.finish(taken, aResult({ headCommit: 'd'.repeat(40) }));

    expect(await jobsOf(world)).toHaveLength(2);
    expect(world.recorder.comments.map(({ body }) => body).join('\n')).not.toContain('not worked on');
  });

  test('during the last of five rounds is for a person', async () => {
    await using world = await openPublished();
    for (let round = 1; round <= 4; round += 1) {
      await accept(world, aReview(world));
      await world.finish(await world.takeAndFinish(world.runner), gaveUp);
    }
    await accept(world, aReview(world));
    const last = await world.takeAndFinish(world.runner);
    await accept(world, aReview(world));

    await world.finish(last, gaveUp);

    expect(await jobsOf(world)).toHaveLength(6);
    expect(world.recorder.labels).toContain('agent:needs-human');
    expect(await world.store.reviews.listWaiting()).toEqual([]);
  });

  test('of a pull request that is none of ours asks nothing of GitHub', async () => {
    await using world = await openPublished();
    const before = world.recorder.calls.length;

    expect(await accept(world, aReview(world, { pullRequestNumber: 999 }))).toBe('ignored');
    expect(world.recorder.calls).toHaveLength(before);
  });

  test('is one too many after five rounds; a command begins anew', async () => {
    await using world = await openPublished();
    const { recorder } = world;
    for (let round = 1; round <= 5; round += 1) {
      expect(await accept(world, aReview(world))).toBe('started');
      await world.finish(await world.takeAndFinish(world.runner), gaveUp);
    }

    expect(await accept(world, aReview(world))).toBe('refused');
    expect(await accept(world, aReview(world))).toBe('refused');
    expect(recorder.comments.filter(({ body }) => body.includes('Please review it'))).toHaveLength(1);
    expect(recorder.labels).toContain('agent:needs-human');
    expect(recorder.wishes.at(-1)).toMatchObject({ labels: ['agent:needs-human'] });

    expect(await accept(world, aFix(world, 'once more'))).toBe('commanded');
    expect(recorder.calls).toContain('removeLabel');
    expect((await jobsOf(world))[0]).toMatchObject({ revision: { round: 6, counted: 1 } });
  });
});

describe('what nobody asked for', () => {
  const SETTINGS = 'defaults: {pull_request: {fix_ci: true, resolve_conflicts: true}}';

  function failedChecks(world: World, facts: Partial<Of<'checks_failed'>> = {}): Trigger {
    triggers += 1;
    const branch = world.recorder.pullRequests[0]?.head ?? '';
    const key = `checks:${triggers}`;
    return {
      kind: 'checks_failed',
      key,
      target,
      appId: 99,
      checkSuiteId: 1,
      headCommit: HEAD,
      branch,
      ...facts,
    };
  }

  test('failed checks of others begin a round, once on each head', async () => {
    await using world = await openPublished(SETTINGS);
    const check = { name: 'lint', output: 'no-undef', annotations: [] };
    world.recorder.failedChecks = [check];

    expect(await accept(world, failedChecks(world, { appId: 3 }))).toBe('ignored');
    expect(await accept(world, failedChecks(world, { headCommit: 'f'.repeat(40) }))).toBe('ignored');
    expect(await accept(world, failedChecks(world))).toBe('started');
    const { spec } = await world.take(world.runner);
    await world.dispatcher.cancel(spec.jobId, 'enough');
    world.clock.advance(120);
    await world.sweeper.sweep();

    expect(spec.revision).toMatchObject({ cause: 'checks', checks: [check] });
    // Whoever asked for the work answers for it.
    expect(spec.requestedBy).toBe('alice');
    expect(await accept(world, failedChecks(world))).toBe('ignored');
  });

  test('failed statuses on the head have all looked at that failed there, where somebody wants it mended', async () => {
    const branchOf = ({ recorder }: World) => recorder.pullRequests[0]?.head ?? '';
    const failed = (branches: string[]): Trigger => {
      triggers += 1;
      return { kind: 'status_failed', key: `status:${triggers}`, target, headCommit: HEAD, branches };
    };
    await using unwanted = await openPublished();
    await using world = await openPublished(SETTINGS);
    world.recorder.failedChecks = [{ name: 'ci/jenkins', output: 'build 7 failed', annotations: [] }];

    expect(await accept(unwanted, failed([branchOf(unwanted)]))).toBe('ignored');
    expect(await accept(world, failed(['main']))).toBe('ignored');
    expect(await accept(world, failed(['main', branchOf(world)]))).toBe('noted');

    expect((await jobsOf(world))[0]).toMatchObject({
      requestedBy: 'alice',
      revision: { cause: 'checks', checks: [{ name: 'ci/jenkins' }] },
    });
    // As often as the settings say on one head.
    expect(await accept(world, failed([branchOf(world)]))).toBe('ignored');
    expect(await jobsOf(world)).toHaveLength(2);
  });

  test('failed checks are worked on as often as the settings say on one head, and then left to people', async () => {
    await using world = await openPublished('defaults: {pull_request: {fix_ci: 2}}');
    world.recorder.failedChecks = [{ name: 'ci/jenkins', output: 'build 7 failed', annotations: [] }];
    // No webhook tells again of a suite that failed while a round was under way: the sweep has looks made.
    const look = async () => {
      await world.store.transact((tx) =>
        tx.want({ effect: { kind: 'look-at-checks', jobId: world.first }, installationId: 5 }),
      );
      await world.outbox.runDue();
    };

    await look();
    expect((await jobsOf(world))[0]).toMatchObject({ revision: { cause: 'checks', round: 1 } });
    expect(await accept(world, failedChecks(world))).toBe('refused');
    await look();
    expect(await jobsOf(world)).toHaveLength(2);
    await world.finish(await world.takeAndFinish(world.runner), gaveUp);
    await look();
    const second = await world.takeAndFinish(world.runner);
    expect(second.spec.revision).toMatchObject({ checks: [{ name: 'ci/jenkins' }], round: 2 });
    await world.finish(second, gaveUp);

    const { calls } = world.recorder;
    const before = calls.filter((name) => name === 'readFailedOfCommit').length;
    await look();
    expect(await accept(world, failedChecks(world))).toBe('ignored');
    expect(await jobsOf(world)).toHaveLength(3);
    // Not even asked for.
    expect(calls.filter((name) => name === 'readFailedOfCommit')).toHaveLength(before);
  });

  test('conflicts begin a round once GitHub has found them, once on each head', async () => {
    await using world = await openPublished(SETTINGS);
    const pushed = (): Trigger => ({
      kind: 'branch_pushed',
      key: `pushed:${(triggers += 1)}`,
      target,
      branch: 'main',
      changesSettings: false,
    });
    world.recorder.pullRequestNow = { state: 'open', mergeable: null };
    await accept(world, pushed());
    expect(await jobsOf(world)).toHaveLength(1);
    world.recorder.pullRequestNow = { state: 'open', mergeable: false };
    world.clock.advance(60);
    await world.outbox.runDue();

    const { spec } = await world.take(world.runner);
    expect(spec.revision).toMatchObject({ cause: 'conflict', mergeBase: true });
    await world.dispatcher.cancel(spec.jobId, 'enough');
    world.clock.advance(120);
    await world.sweeper.sweep();
    await accept(world, pushed());
    expect(await jobsOf(world)).toHaveLength(2);
  });

  test('conflicts that come while a round is under way wait for its end', async () => {
    await using world = await openPublished(SETTINGS);
    await accept(world, aFix(world, null));
    const taken = await world.takeAndFinish(world.runner);
    world.recorder.pullRequestNow = { state: 'open', mergeable: false };
    const push = { key: 'pushed', target, branch: 'main', changesSettings: false };
    await accept(world, { kind: 'branch_pushed', ...push });
    expect(await jobsOf(world)).toHaveLength(2);

    await world.finish(taken, aResult({ headCommit: 'd'.repeat(40) }));

    expect((await jobsOf(world))[0]).toMatchObject({ revision: { cause: 'conflict', round: 2 } });
  });

  test('is left alone without a word of the settings, or of somebody who may write', async () => {
    await using plain = await openPublished();
    plain.recorder.failedChecks = [{ name: 'lint', output: '', annotations: [] }];
    expect(await accept(plain, failedChecks(plain))).toBe('ignored');

    await using world = await openPublished(SETTINGS);
    world.recorder.failedChecks = plain.recorder.failedChecks;
    world.recorder.permission = 'read';
    expect(await accept(world, failedChecks(world))).toBe('ignored');
    expect(await jobsOf(world)).toHaveLength(1);
  });
});
