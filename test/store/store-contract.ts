import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { AttemptId, JobId } from '../../src/contract/identifiers.ts';
import type { JobState } from '../../src/contract/job.ts';
import type { StoredAttempt } from '../../src/store/attempts.ts';
import type { StoredJob } from '../../src/store/stored-job.ts';
import type { Store } from '../../src/store/store.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import { aResult, aRevision } from '../support/job-builders.ts';
import { aDelivery, aStoredAttempt, aStoredJob, aStoredRunner, forIssue } from '../support/store-builders.ts';
import type { WakeTopic } from '../../src/store/wakes.ts';

/** A store with nothing in it, whose clock can be turned. */
export type StoreUnderTest = { store: Store; clock: FakeClock } & AsyncDisposable;

const LEASE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** What every store promises, whatever is beneath. */
export function describeStore(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name}: inbox`, () => {
    test('a delivery that comes twice is kept once', async () => {
      await using opened = await open();
      const delivery = aDelivery();

      const answers = [await opened.store.putDelivery(delivery), await opened.store.putDelivery(delivery)];

      expect(answers).toEqual(['stored', 'known']);
      expect(await opened.store.claimDelivery()).toMatchObject({ ...delivery, attempt: 1 });
      expect(await opened.store.claimDelivery()).toBeNull();
    });

    test('deliveries are listed newest first, found by the beginning of their id, and counted', async () => {
      await using opened = await open();
      const { store } = opened;
      const [first, second] = [
        aDelivery({ guid: 'aaaa-1', event: 'label' }),
        aDelivery({
          guid: 'aaaa-2',
          payload: JSON.stringify({
            action: 'closed',
            issue: { body: '"repository":{"id":8,"full_name":"mallory/elsewhere"' },
            pull_request: { head: { repo: { id: 8, full_name: 'mallory/fork' } } },
            repository: { id: 7, node_id: 'R_7', name: 'widgets', full_name: 'acme/widgets', owner: {} },
          }),
        }),
      ];
      await store.putDelivery(first);
      opened.clock.advance(1);
      await store.putDelivery(second);
      const claim = await store.claimDelivery();
      if (!claim) throw new Error('nothing to claim');
      await store.failDelivery(claim, 'no luck', null);

      const all = { states: [], event: null, limit: 10 };
      const listed = await store.listDeliveries(all);
      expect(listed.map(({ guid, action, repository }) => [guid, action, repository])).toEqual([
        ['aaaa-2', 'closed', 'acme/widgets'],
        ['aaaa-1', 'labeled', null],
      ]);
      expect(await store.listDeliveries({ ...all, states: ['dead'] })).toMatchObject([
        { guid: 'aaaa-1', attempts: 1, error: 'no luck' },
      ]);
      expect(await store.listDeliveries({ ...all, event: 'label' })).toHaveLength(1);
      expect(await store.findDeliveries('aaaa-')).toHaveLength(2);
      expect(await store.findDeliveries('aaaa-2')).toMatchObject([{ payload: second.payload }]);
      expect(await store.findDeliveries('b')).toEqual([]);
      expect(await store.countDeliveries()).toEqual({ ready: 1, running: 0, done: 0, dead: 1 });
      expect(await store.knownDeliveries(['aaaa-1', 'cccc'])).toEqual(new Set(['aaaa-1']));
    });

    test('a replay has a delivery handled again from its first try on, but not twice at the same time', async () => {
      await using opened = await open();
      const { store } = opened;
      for (const guid of ['one', 'two']) {
        await store.putDelivery(aDelivery({ guid }));
        const claim = await store.claimDelivery();
        if (!claim) throw new Error('nothing to claim');
        await store.failDelivery(claim, 'no luck', null);
      }

      expect(await store.replayDelivery('one')).toBe('ready');
      expect(await store.replayDelivery('one')).toBe('ready');
      const claim = await store.claimDelivery();
      expect(claim).toMatchObject({ guid: 'one', attempt: 1 });
      expect(await store.replayDelivery('one')).toBe('running');
      expect(await store.replayDelivery('none')).toBeNull();
      expect(await store.replayDeadLetters()).toBe(1);
      expect(await store.replayDeadLetters()).toBe(0);
      expect(await store.claimDelivery()).toMatchObject({ guid: 'two', attempt: 1 });
      expect(await store.claimDelivery()).toBeNull();
      if (claim) await store.finishDelivery(claim);
      expect(await store.replayDelivery('one')).toBe('ready');
      expect(await store.claimDelivery()).toMatchObject({ guid: 'one', attempt: 1 });
    });

    test('of a burst with the same delivery in it many times, each is kept once', async () => {
      await using opened = await open();
      const deliveries = Array.from({ length: 300 }, () => aDelivery());
      const burst = deliveries.flatMap((delivery) => [delivery, delivery]);

      const answers = await Promise.all(burst.map((delivery) => opened.store.putDelivery(delivery)));

      expect(answers.filter((answer) => answer === 'stored')).toHaveLength(300);
      const claimed = new Set<string>();
      for (
        let claim = await opened.store.claimDelivery();
        claim;
        claim = await opened.store.claimDelivery()
      ) {
        claimed.add(claim.guid);
      }
      expect(claimed).toEqual(new Set(deliveries.map((delivery) => delivery.guid)));
    });

    test('deliveries of one issue come one after the other in the order of arrival, others beside them', async () => {
      await using opened = await open();
      const { store } = opened;
      const [first, second, other] = [
        aDelivery({ orderKey: '1#1' }),
        aDelivery({ orderKey: '1#1' }),
        aDelivery({ orderKey: '1#2' }),
      ];
      for (const delivery of [first, second, other]) await store.putDelivery(delivery);

      const claims = [await store.claimDelivery(), await store.claimDelivery(), await store.claimDelivery()];
      if (!claims[0]) throw new Error('nothing to claim');
      await store.finishDelivery(claims[0]);
      const next = await store.claimDelivery();

      expect(claims.map((claim) => claim?.guid)).toEqual([first.guid, other.guid, undefined]);
      expect(next?.guid).toBe(second.guid);
    });

    test('one that failed is tried again after its wait, and holds back the later ones of its issue', async () => {
      await using opened = await open();
      const { store, clock } = opened;
      const [first, second] = [aDelivery({ orderKey: '1#1' }), aDelivery({ orderKey: '1#1' })];
      for (const delivery of [first, second]) await store.putDelivery(delivery);
      const claim = await store.claimDelivery();
      if (!claim) throw new Error('nothing to claim');

      await store.failDelivery(claim, 'GitHub is away', { afterMs: 5000, countsAsTry: true });
      const meanwhile = await store.claimDelivery();
      clock.advance(5);
      const again = await store.claimDelivery();

      expect(meanwhile).toBeNull();
      expect(again).toMatchObject({ guid: first.guid, attempt: 2 });
    });

    test('a failure that it is not to blame for is no try', async () => {
      await using opened = await open();
      const { store } = opened;
      await store.putDelivery(aDelivery());
      const claim = await store.claimDelivery();
      if (!claim) throw new Error('nothing to claim');

      await store.failDelivery(claim, 'GitHub is away', { afterMs: 0, countsAsTry: false });

      expect(await store.claimDelivery()).toMatchObject({ guid: claim.guid, attempt: 1 });
    });

    test('a dead letter lets the others pass, and a redelivery of it gets a new chance', async () => {
      await using opened = await open();
      const { store } = opened;
      const [first, second] = [aDelivery({ orderKey: '1#1' }), aDelivery({ orderKey: '1#1' })];
      for (const delivery of [first, second]) await store.putDelivery(delivery);
      const claim = await store.claimDelivery();
      if (!claim) throw new Error('nothing to claim');

      await store.failDelivery(claim, 'it makes no sense', null);
      const next = await store.claimDelivery();
      if (!next) throw new Error('nothing to claim');

      expect(next.guid).toBe(second.guid);
      expect(await Promise.all([store.putDelivery(first), store.putDelivery(first)])).toEqual([
        'stored',
        'known',
      ]);
      expect(await store.claimDelivery()).toBeNull();
      await store.finishDelivery(next);
      expect(await store.claimDelivery()).toMatchObject({ guid: first.guid, attempt: 1 });
      expect(await store.putDelivery(first)).toBe('known');
    });

    test('a claim that lapsed can neither finish nor fail the delivery of whoever took over', async () => {
      await using opened = await open();
      const { store, clock } = opened;
      await store.putDelivery(aDelivery());
      const lapsed = await store.claimDelivery();
      if (!lapsed) throw new Error('nothing to claim');
      clock.advance(3600);
      expect(await store.requeueLapsedTasks()).toBe(1);
      const current = await store.claimDelivery();

      await store.finishDelivery(lapsed);
      await store.failDelivery(lapsed, 'late', null);
      clock.advance(3600);

      expect(current).toMatchObject({ guid: lapsed.guid, attempt: 2 });
      expect(await store.requeueLapsedTasks()).toBe(1);
    });

    test('finished deliveries are remembered for days, then forgotten', async () => {
      await using opened = await open();
      const { store, clock } = opened;
      const delivery = aDelivery();
      await store.putDelivery(delivery);
      const claim = await store.claimDelivery();
      if (!claim) throw new Error('nothing to claim');
      await store.finishDelivery(claim);

      clock.advance(3 * 24 * 3600);
      await store.prune();
      const soon = await store.putDelivery(delivery);
      clock.advance(5 * 24 * 3600);
      await store.prune();

      expect(soon).toBe('known');
      expect(await store.putDelivery(delivery)).toBe('stored');
    });
  });

  describe(`${name}: jobs`, () => {
    test('a job is read back as it was stored', async () => {
      await using opened = await open();
      const job = aStoredJob({
        stateReason: 'because',
        needs: ['node:22'],
        instructions: 'Be quick',
        pullRequest: { number: 7, url: 'https://github.com/acme/widgets/pull/7' },
        avoid: [{ runnerId: aStoredRunner().id, untilMs: 5, why: 'failed' }],
      });

      await opened.store.jobs.insert(job);

      expect(await opened.store.jobs.get(job.id)).toEqual(job);
    });

    test('what a revision is about comes back, as do threads that are done and what is said once', async () => {
      await using opened = await open();
      const { store } = opened;
      const thread = { id: 9, path: 'a.js', line: null, hunk: '+1', comments: [] };
      const job = aStoredJob({
        kind: 'revise',
        revision: aRevision({ threads: [thread], runnerId: aStoredRunner().id }),
      });
      const note = { key: 'k', repository: job.repository, installationId: 5, number: 7, text: 'Hear, hear' };
      const place = { repositoryId: job.repository.id, pullNumber: 7 };

      await store.jobs.insert(job);
      await store.reviews.insertNote(note, 1);
      await store.reviews.insertNote({ ...note, text: 'again' }, 2);
      for (const [threadId, isResolved] of [
        [8, true],
        [9, true],
        [8, false],
      ] as const)
        await store.reviews.noteThread({ ...place, threadId, isResolved }, 1);

      expect(await store.jobs.get(job.id)).toEqual(job);
      expect(await store.reviews.getNote('k')).toEqual(note);
      expect(await store.reviews.getNote('l')).toBeNull();
      expect(await store.reviews.resolvedThreads(place.repositoryId, 7)).toEqual(new Set([9]));
      expect(await store.reviews.resolvedThreads(place.repositoryId, 8)).toEqual(new Set());
    });

    test('of the reviews that wait on a pull request the newest is kept, until it is dropped', async () => {
      await using opened = await open();
      const { reviews } = opened.store;
      const first = {
        repositoryId: 1,
        pullNumber: 7,
        sender: { login: 'rita', id: 8 },
        at: '2026-05-04T12:00:00Z',
      };
      const second = { ...first, sender: { login: 'sam', id: 9 }, at: '2026-05-04T12:01:00Z' };
      const elsewhere = { ...first, pullNumber: 8 };

      for (const review of [first, second, elsewhere]) await reviews.putWaiting(review);

      expect(await reviews.getWaiting(1, 7)).toEqual(second);
      expect(await reviews.getWaiting(2, 7)).toBeNull();
      await reviews.dropWaiting(1, 7);
      expect(await reviews.listWaiting()).toEqual([elsewhere]);
    });

    test('of an open pull request the newest job counts, and of one that has ended none', async () => {
      await using opened = await open();
      const { jobs } = opened.store;
      const url = 'https://github.com/acme/widgets/pull/7';
      const ended = { how: 'merged' as const, by: null, atMs: 1 };
      const done = { state: 'succeeded' as const, finishedAtMs: 1 };
      const [first, second, third, fourth] = [
        aStoredJob({ ...done, id: jobId(1), pullRequest: { number: 7, url } }),
        aStoredJob({ ...done, id: jobId(2), pullRequest: { number: 7, url } }),
        aStoredJob({ ...done, id: jobId(3), pullRequest: { number: 8, url } }),
        aStoredJob({ ...done, id: jobId(4), pullRequest: { number: 8, url, ended } }),
      ];
      for (const job of [first, second, third, fourth]) await jobs.restore(job);

      expect((await jobs.withOpenPullRequest(first.repository.id)).map(({ id }) => id)).toEqual([second.id]);
    });

    test('there is one live job for an issue and specialty, and a new one once it has ended', async () => {
      await using opened = await open();
      const { jobs } = opened.store;
      const first = aStoredJob();

      expect(await jobs.insert(first)).toBe(true);
      expect(await jobs.insert(aStoredJob())).toBe(false);
      expect(await jobs.insert(aStoredJob({ specialty: 'frontend' }))).toBe(true);
      expect(await jobs.insert(forIssue(aStoredJob(), 43))).toBe(true);
      await jobs.move(first, 'cancelled', {}, 1);
      expect(await jobs.insert(aStoredJob())).toBe(true);
    });

    test('refused jobs stand in nobody’s way', async () => {
      await using opened = await open();
      const { jobs } = opened.store;

      expect(await jobs.insert(aStoredJob({ state: 'refused' }))).toBe(true);
      expect(await jobs.insert(aStoredJob({ state: 'refused' }))).toBe(true);
      expect(await jobs.insert(aStoredJob())).toBe(true);
    });

    test('a job whose check run was taken away meanwhile is not offered', async () => {
      await using opened = await open();
      const { jobs } = opened.store;
      const job = aStoredJob();
      await jobs.insert(job);
      await jobs.change(job.id, { ready: false }, 1);

      expect(await jobs.move(job, 'offered', {}, 2)).toBe(false);
      await jobs.change(job.id, { ready: true }, 3);
      expect(await jobs.move(job, 'offered', {}, 4)).toBe(true);
    });

    test('of two that move a job from the same state, one is too late', async () => {
      await using opened = await open();
      const { jobs } = opened.store;
      const job = aStoredJob();
      await jobs.insert(job);

      const moved = await Promise.all([
        jobs.move(job, 'offered', { deadlineAtMs: 9 }, 1),
        jobs.move(job, 'cancelled', {}, 1),
      ]);

      expect(moved.filter(Boolean)).toHaveLength(1);
    });

    test('a move that the lifecycle does not know is a mistake, not a state', async () => {
      await using opened = await open();
      const { jobs } = opened.store;
      const job = aStoredJob();
      await jobs.insert(job);

      await expect(jobs.move(job, 'succeeded', {}, 1)).rejects.toThrow('queued to succeeded');
      await expect(jobs.insert(aStoredJob({ state: 'running' }))).rejects.toThrow('begin as running');
    });

    test('leaving a slot frees the runner and its clocks, ending sets the end', async () => {
      await using opened = await open();
      const { jobs } = opened.store;
      const runner = aStoredRunner();
      const job = aStoredJob();
      await jobs.insert(job);
      await jobs.move(job, 'offered', { runnerId: runner.id, deadlineAtMs: 9, runUntilMs: 10 }, 1);
      const offered = await jobs.get(job.id);
      if (!offered) throw new Error('gone');

      await jobs.move(offered, 'queued', {}, 2);
      const queued = await jobs.get(job.id);
      if (!queued) throw new Error('gone');
      await jobs.move(queued, 'cancelled', {}, 3);

      expect(offered).toMatchObject({
        state: 'offered',
        runnerId: runner.id,
        deadlineAtMs: 9,
        runUntilMs: 10,
      });
      expect(queued).toMatchObject({
        runnerId: null,
        deadlineAtMs: null,
        runUntilMs: null,
        finishedAtMs: null,
      });
      expect(await jobs.get(job.id)).toMatchObject({ state: 'cancelled', finishedAtMs: 3 });
    });

    test('what can be offered comes by urgency and age, page by page, without what waits or is not ready', async () => {
      await using opened = await open();
      const { store, clock } = opened;
      const nowMs = clock.nowMs();
      const wanted = [
        forIssue(aStoredJob({ id: jobId(3) }), 1),
        forIssue(aStoredJob({ id: jobId(1) }), 2),
        forIssue(aStoredJob({ id: jobId(9), priority: 5 }), 3),
        forIssue(aStoredJob({ id: jobId(4), ready: false }), 4),
        forIssue(aStoredJob({ id: jobId(5), runAtMs: nowMs + 1 }), 5),
        forIssue(aStoredJob({ id: jobId(6), specialty: 'frontend' }), 6),
      ];
      for (const job of wanted) await store.jobs.insert(job);
      const ask = { specialties: ['backend'], nowMs, limit: 2 };

      const first = await store.jobs.offerable({ ...ask, after: null });
      const second = await store.jobs.offerable({ ...ask, after: first[1] ?? null });

      expect([first, second].map((page) => page.map((job) => job.id))).toEqual([
        [jobId(9), jobId(1)],
        [jobId(3)],
      ]);
      expect(await store.jobs.offerable({ ...ask, specialties: [], after: null })).toEqual([]);
    });

    test('the place in the queue counts who is served before', async () => {
      await using opened = await open();
      const { jobs } = opened.store;
      const [late, early, urgent] = [
        forIssue(aStoredJob({ id: jobId(2) }), 1),
        forIssue(aStoredJob({ id: jobId(1) }), 2),
        forIssue(aStoredJob({ id: jobId(3), priority: 1 }), 3),
      ];
      for (const job of [late, early, urgent]) await jobs.insert(job);

      expect(await Promise.all([urgent, early, late].map((job) => jobs.queuePosition(job)))).toEqual([
        1, 2, 3,
      ]);
      expect(await jobs.queuePosition({ ...late, state: 'running' })).toBeNull();
    });

    test('overdue is who passed a deadline or the longest run', async () => {
      await using opened = await open();
      const { jobs } = opened.store;
      const [lapsed, running, long] = [aStoredJob(), forIssue(aStoredJob(), 43), forIssue(aStoredJob(), 44)];
      for (const [job, change] of [
        [lapsed, { deadlineAtMs: 100 }],
        [running, { deadlineAtMs: 101, runUntilMs: 500 }],
        [long, { deadlineAtMs: 900, runUntilMs: 100 }],
      ] as const) {
        await jobs.insert(job);
        await jobs.move(job, 'offered', change, 1);
      }

      expect((await jobs.overdue(100, 10)).map((job) => job.id).sort()).toEqual([lapsed.id, long.id].sort());
    });

    test('leases can be extended all at once, and so can offers; longer leases stay as they are', async () => {
      await using opened = await open();
      const { jobs } = opened.store;
      const [offered, short, long] = [aStoredJob(), forIssue(aStoredJob(), 43), forIssue(aStoredJob(), 44)];
      for (const job of [offered, short, long]) {
        await jobs.insert(job);
        await jobs.move(job, 'offered', { deadlineAtMs: 10 }, 1);
      }
      for (const [job, deadlineAtMs, runUntilMs] of [
        [short, 20, 30],
        [long, 900, 1000],
      ] as const) {
        await jobs.move({ ...job, state: 'offered' }, 'preparing', { deadlineAtMs, runUntilMs }, 1);
      }

      expect(await jobs.extendLeases(500)).toBe(1);
      const deadlines = await Promise.all(
        [offered, short, long].map(async ({ id }) => (await jobs.get(id))?.deadlineAtMs),
      );
      expect(deadlines).toEqual([10, 500, 900]);
      const ends = await Promise.all([short, long].map(async ({ id }) => (await jobs.get(id))?.runUntilMs));
      expect(ends).toEqual([500, 1000]);

      await jobs.extendOffers(300);
      expect((await jobs.get(offered.id))?.deadlineAtMs).toBe(300);
      expect((await jobs.get(short.id))?.deadlineAtMs).toBe(500);
    });

    test('waiting jobs are explained in turn', async () => {
      await using opened = await open();
      const { jobs } = opened.store;
      const [first, second] = [aStoredJob({ runAtMs: 0 }), forIssue(aStoredJob({ runAtMs: 0 }), 43)];
      for (const job of [first, second]) await jobs.insert(job);

      const taken = [
        await jobs.takeUnexplained(100, 100, 1),
        await jobs.takeUnexplained(100, 100, 1),
        await jobs.takeUnexplained(100, 100, 1),
      ];
      const later = await jobs.takeUnexplained(101, 101, 10);

      expect(taken.map((page) => page.length)).toEqual([1, 1, 0]);
      expect(new Set(taken.flat().map((job) => job.id))).toEqual(new Set([first.id, second.id]));
      expect(later).toHaveLength(2);
    });

    test('jobs are found by issue, by installation, by runner and by state', async () => {
      await using opened = await open();
      const { jobs } = opened.store;
      const runner = aStoredRunner();
      const [mine, other] = [aStoredJob({ id: jobId(1) }), forIssue(aStoredJob({ id: jobId(2) }), 43)];
      for (const job of [mine, other]) await jobs.insert(job);
      await jobs.move(mine, 'offered', { runnerId: runner.id }, 1);
      const ids = (found: { id: string }[]) => found.map((job) => job.id);

      expect(ids(await jobs.ofIssue(mine.repository.id, mine.issue.number, 9))).toEqual([mine.id]);
      expect(ids(await jobs.liveOfIssue(mine.repository.id, 43))).toEqual([other.id]);
      expect(ids(await jobs.liveOfInstallation(mine.installationId, 'all'))).toEqual([mine.id, other.id]);
      expect(ids(await jobs.liveOfInstallation(mine.installationId, [999]))).toEqual([]);
      expect(ids(await jobs.liveOfInstallation(mine.installationId, []))).toEqual([]);
      expect(ids(await jobs.heldBy(runner.id))).toEqual([mine.id]);
      expect(ids(await jobs.list({ states: [], limit: 9 }))).toEqual([other.id, mine.id]);
      expect(ids(await jobs.list({ states: ['offered' satisfies JobState], limit: 9 }))).toEqual([mine.id]);
      expect(await jobs.countByState()).toEqual({ queued: 1, offered: 1 });
    });

    test('live ones are gone through page by page; those at work, on hold and next in line are told apart', async () => {
      await using opened = await open();
      const { jobs } = opened.store;
      const runner = aStoredRunner();
      const all = [1, 2, 3, 4].map((number) => forIssue(aStoredJob({ id: jobId(number) }), number));
      for (const job of all) await jobs.insert(job);
      const [working, held, last, first] = all as [StoredJob, StoredJob, StoredJob, StoredJob];
      await jobs.move(working, 'offered', { runnerId: runner.id }, 1);
      await jobs.move(held, 'held', { waitCode: 'paused' }, 1);
      await jobs.change(first.id, { priority: 5 }, 1);
      const { installationId, repository, specialty } = working;
      const ids = (found: { id: string }[]) => found.map((job) => job.id);

      expect(ids(await jobs.live({ after: null, limit: 3 }))).toEqual([working.id, held.id, last.id]);
      expect(ids(await jobs.live({ after: last.id, limit: 3 }))).toEqual([first.id]);
      expect(ids(await jobs.liveOfRepository(repository.id))).toEqual(ids(all));
      expect(await jobs.liveOfRepository(repository.id + 1)).toEqual([]);
      expect(await jobs.atWork(repository.id)).toEqual(new Map([[specialty, 1]]));
      expect(ids(await jobs.heldFor('paused', installationId))).toEqual([held.id]);
      expect(await jobs.heldFor('paused', installationId + 1)).toEqual([]);
      expect(await jobs.heldFor('blocked', installationId)).toEqual([]);
      expect(ids(await jobs.nextInQueue(1))).toEqual([first.id]);
      expect(ids(await jobs.nextInQueue(9))).toEqual([first.id, last.id]);
    });

    test('a repository under another name or owner takes all its jobs along, a label the live ones that it asked for', async () => {
      await using opened = await open();
      const { jobs } = opened.store;
      const live = aStoredJob({ id: jobId(1), label: 'Agent:Backend' });
      const over = forIssue(aStoredJob({ id: jobId(2), label: 'agent:backend' }), 43);
      const other = forIssue(aStoredJob({ id: jobId(3), label: 'agent:frontend' }), 44);
      const repository = { ...live.repository, id: live.repository.id + 1 };
      const elsewhere = aStoredJob({ id: jobId(4), label: 'agent:backend', repository });
      for (const job of [live, over, other, elsewhere]) await jobs.insert(job);
      await jobs.move(over, 'cancelled', {}, 1);

      const there = {
        installationId: 9,
        repository: { ...live.repository, owner: 'globex', name: 'gadgets' },
      };
      await jobs.changeRepository(there);
      await jobs.renameLabel(live.repository.id, 'agent:backend', 'robots');

      for (const { id } of [live, over, other]) expect(await jobs.get(id)).toMatchObject(there);
      expect(await jobs.get(elsewhere.id)).toEqual(elsewhere);
      const labels = await Promise.all(
        [live, over, other].map(async ({ id }) => (await jobs.get(id))?.label),
      );
      expect(labels).toEqual(['robots', 'agent:backend', 'agent:frontend']);
    });

    test('a job that was lost comes back in whatever state it was, and one that is there stays as it is', async () => {
      await using opened = await open();
      const { jobs } = opened.store;
      const lost = aStoredJob({ state: 'finishing', runnerId: aStoredRunner().id, deadlineAtMs: 9 });

      expect(await jobs.restore(lost)).toBe(true);
      expect(await jobs.restore({ ...lost, state: 'cancelled' })).toBe(false);
      expect(await jobs.restore(aStoredJob()), 'another one of its issue lives').toBe(false);

      expect(await jobs.get(lost.id)).toEqual(lost);
    });
  });

  describe(`${name}: attempts and what belongs to them`, () => {
    test('an attempt is read back as it was stored and changed, fact by fact', async () => {
      await using opened = await open();
      const { attempts } = opened.store;
      const attempt = aStoredAttempt(aStoredJob(), { base: null, checkRun: null, startCommit: null });
      const runner = { id: aStoredRunner().id, name: 'be-1' };
      const result = aResult();
      const progress = { agent: { name: 'claude', model: null }, usage: result.usage };
      await attempts.insert(attempt);

      await attempts.change(attempt.id, {
        epoch: 2,
        progress,
        runner,
        leaseTokenHash: 'h',
        result,
        evidence: result.evidence,
      });
      await attempts.change(attempt.id, {
        base: { branch: 'main', commit: 'c'.repeat(40) },
        baseHead: 'd'.repeat(40),
      });
      const full = await attempts.get(attempt.id);
      await attempts.change(attempt.id, { runner: null, leaseTokenHash: null, progress: null });

      const expected = {
        ...attempt,
        epoch: 2,
        base: { branch: 'main', commit: 'c'.repeat(40) },
        baseHead: 'd'.repeat(40),
        result,
        evidence: result.evidence,
      };
      expect(full).toEqual({ ...expected, runner, leaseTokenHash: 'h', progress });
      expect(await attempts.get(attempt.id)).toEqual(expected);
      expect(await attempts.ofJob(attempt.jobId)).toEqual([expected]);
    });

    test('an attempt is found by its start commit and by when it ended, its job by its branch', async () => {
      await using opened = await open();
      const { jobs, attempts } = opened.store;
      const job = aStoredJob({ branch: 'agent/42-totals' });
      const early = aStoredAttempt(job, { number: 1, startCommit: '5'.repeat(40), finishedAtMs: 5 });
      const unseen = aStoredAttempt(job, { number: 2, checkRun: null, finishedAtMs: 6 });
      const late = aStoredAttempt(job, { number: 3, finishedAtMs: 9 });
      await jobs.insert(job);
      for (const attempt of [early, unseen, late]) await attempts.insert(attempt);

      expect((await attempts.ofStartCommit('5'.repeat(40)))?.id).toBe(early.id);
      expect(await attempts.ofStartCommit('0'.repeat(40))).toBeNull();
      expect((await attempts.ended(5, 9)).map(({ id }) => id)).toEqual([early.id]);
      expect((await jobs.ofBranch(job.repository.id, 'agent/42-totals'))?.id).toBe(job.id);
      expect(await jobs.ofBranch(999, 'agent/42-totals')).toBeNull();
    });

    test('presses and comments with commands, wherever they stand, are kept apart and count together', async () => {
      await using opened = await open();
      const { store } = opened;
      const { repository, installationId } = aStoredJob();
      const asked = { repository, installationId, issueNumber: 42, sender: 'alice', reason: 'No.' };
      const { id: attemptId } = aStoredAttempt(aStoredJob());
      const press = { ...asked, key: 'button:1', attemptId, button: 'retry' as const };
      const place = { kind: 'conversation' } as const;
      const command = { ...asked, commentId: 7, place, subjectNumber: 42, verdict: null, topics: [] };
      await store.transact(async (tx) => {
        await tx.commands.insertPress(press, 100);
        await tx.commands.insert(command, 200);
      });
      const inThread = { ...command, place: { kind: 'thread', threadId: 5 } as const, sender: 'bob' };
      const ofReview = { ...command, place: { kind: 'review' } as const, sender: 'carl' };
      const places = ['conversation', 'thread', 'review'] as const;
      expect(await store.commands.insert(inThread, 50)).toBe(true);
      expect(await store.commands.insert(ofReview, 50)).toBe(true);
      expect(await store.commands.insert(inThread, 60)).toBe(false);
      const decided = { verdict: 'accepted', reason: null, topics: [] } as const;
      await store.commands.decide(
        repository.id,
        { commentId: 7, place: 'thread' },
        { ...decided, topics: [] },
      );
      // GitHub numbers each kind apart.
      const found = await Promise.all(
        places.map((kind) => store.commands.get(repository.id, { commentId: 7, place: kind })),
      );
      expect(found).toEqual([command, { ...inThread, verdict: 'accepted', reason: null }, ofReview]);

      expect(await store.commands.getPress('button:1')).toEqual(press);
      expect(await store.commands.countOf(repository.id, 'alice', 100)).toBe(2);
      expect(await store.commands.countOf(repository.id, 'alice', 150)).toBe(1);
      expect(await store.commands.countOf(repository.id, 'bob', 0)).toBe(1);
      expect(await store.commands.countOf(repository.id, 'dora', 0)).toBe(0);
    });

    test('who worked on a repository is warm for it, and only for it', async () => {
      await using opened = await open();
      const { jobs, attempts } = opened.store;
      const runner = aStoredRunner();
      const job = aStoredJob({ attemptId: jobId(8) as unknown as AttemptId });
      await jobs.insert(job);
      await attempts.insert(
        aStoredAttempt(job, { runner: { id: runner.id, name: 'be-1' }, acceptedAtMs: 5 }),
      );

      expect(await attempts.warmRunners(job.repository.id)).toEqual(new Set([runner.id]));
      expect(await attempts.warmRunners(999)).toEqual(new Set());
    });

    test('a log is read back byte by byte from any place', async () => {
      await using opened = await open();
      const { timeline } = opened.store;
      const attempt = aStoredAttempt(aStoredJob());
      const chunks = ['héllo ', 'wörld\n', '✅ done'].map((text) => Buffer.from(text));
      const whole = Buffer.concat(chunks);
      let startOffset = 0;
      for (const data of chunks) {
        await timeline.addLogChunk({ attemptId: attempt.id, startOffset, data, atMs: 1 });
        await timeline.addLogChunk({
          attemptId: attempt.id,
          startOffset,
          data: Buffer.from('never'),
          atMs: 2,
        });
        startOffset += data.length;
      }

      for (const offset of [0, 3, 7, 14, whole.length]) {
        const read = await timeline.readLog(attempt.id, offset, 1000);
        expect(Buffer.from(read)).toEqual(whole.subarray(offset));
      }
    });

    test('a log that comes in crumbs has few rows, and is read in pages of whole rows', async () => {
      await using opened = await open();
      const { timeline } = opened.store;
      const attempt = aStoredAttempt(aStoredJob());
      const crumb = Buffer.from('0123456789'.repeat(100));

      for (let at = 0; at < 40; at += 1) {
        const startOffset = at * crumb.length;
        await timeline.addLogChunk({ attemptId: attempt.id, startOffset, data: crumb, atMs: 1 });
      }

      expect((await timeline.readLog(attempt.id, 0, 1)).length).toBe(16 * crumb.length);
      const whole = Buffer.concat(Array.from({ length: 40 }, () => crumb));
      expect(Buffer.from(await timeline.readLog(attempt.id, 0, 1e6)).equals(whole)).toBe(true);
    });

    test('logs of attempts, and mail, are forgotten a month after the end; of those that go on, nothing is', async () => {
      await using opened = await open();
      const { store, clock } = opened;
      const job = aStoredJob();
      await store.jobs.insert(job);
      // More than are forgotten at once.
      const attempts = Array.from({ length: 12 }, (_, index) =>
        aStoredAttempt(job, { id: randomUUID() as AttemptId, number: index + 1, finishedAtMs: null }),
      );
      for (const attempt of attempts) await store.attempts.insert(attempt);
      const all = attempts.map(({ id }) => id);
      const data = new TextEncoder().encode('test\n');
      for (const attemptId of all) {
        await store.timeline.addLogChunk({ attemptId, startOffset: 0, data, atMs: clock.nowMs() });
        await store.mail.open(attemptId);
      }
      for (const id of all.slice(1)) await store.attempts.change(id, { finishedAtMs: clock.nowMs() });
      const kept = async () => {
        const logs = await Promise.all(all.map((id) => store.timeline.readLog(id, 0, 100)));
        const mail = await Promise.all(all.map((id) => store.mail.get(id)));
        return [logs.filter(({ length }) => length > 0).length, mail.filter((one) => one !== null).length];
      };

      clock.advance((30 * 24 * HOUR_MS) / 1000);
      await store.prune();
      expect(await kept()).toEqual([12, 12]);
      clock.advance(1);
      await store.prune();

      expect(await kept()).toEqual([1, 1]);
      expect(await store.timeline.readLog(all[0] as AttemptId, 0, 100)).toHaveLength(data.length);
    });

    test('patches are kept word for word, the newest of a job is found, and they are forgotten after a month', async () => {
      await using opened = await open();
      const { store, clock } = opened;
      const job = aStoredJob();
      await store.jobs.insert(job);
      const [first, second] = [1, 2].map((number) =>
        aStoredAttempt(job, { id: randomUUID() as AttemptId, number }),
      );
      if (!first || !second) throw new Error('there are two');
      await store.attempts.insert(first);
      await store.attempts.insert(second);

      await store.patches.keep(first.id, '+grün\0\r\n', clock.nowMs());
      const older = await store.patches.ofJob(job.id);
      await store.patches.keep(second.id, '+2\n', clock.nowMs());

      expect(older).toBe('+grün\0\r\n');
      expect(await store.patches.ofJob(job.id)).toBe('+2\n');
      expect(await store.patches.ofAttempt(first.id)).toBe(older);
      clock.advance(31 * 24 * 3600);
      await store.prune();
      expect(await store.patches.ofJob(job.id)).toBe(null);
    });

    test('a text with a NUL in it does not fail for ever', async () => {
      await using opened = await open();
      const { store } = opened;
      const job = aStoredJob();

      await store.transact((tx) => tx.tell(job.id, 'finished', 'the agent said: \0'));

      const [event] = await store.timeline.eventsOf(job.id);
      expect(event?.text).toContain('the agent said: ');
    });

    test('events come in the order in which they happened', async () => {
      await using opened = await open();
      const { store, clock } = opened;
      const job = aStoredJob();

      await store.transact(async (tx) => {
        await tx.tell(job.id, 'queued', 'first');
        await tx.tell(job.id, 'offered', 'second');
      });

      expect(await store.timeline.eventsOf(job.id)).toEqual([
        { jobId: job.id, atMs: clock.nowMs(), kind: 'queued', text: 'first' },
        { jobId: job.id, atMs: clock.nowMs(), kind: 'offered', text: 'second' },
      ]);
    });
  });

  describe(`${name}: spending`, () => {
    test('adds up what a day has used, whenever its jobs were asked for, by repository and by person', async () => {
      await using opened = await open();
      const { store, clock } = opened;
      const nowMs = clock.nowMs();
      const done = async (
        number: number,
        job: Partial<Parameters<typeof aStoredJob>[0]>,
        costUsd: number,
        finishedAtMs = nowMs,
      ) => {
        const stored = forIssue(aStoredJob({ createdAtMs: nowMs, ...job }), number);
        await store.jobs.insert(stored);
        const result = aResult({ usage: { ...aResult().usage, costUsd } });
        const times = { acceptedAtMs: finishedAtMs - 120_000, finishedAtMs };
        await store.attempts.insert(aStoredAttempt(stored, { result, ...times }));
        return stored;
      };
      const { repository } = await done(1, {}, 0.1);
      await done(2, { requestedBy: 'bob', specialty: 'frontend' }, 0.2);
      await done(3, { createdAtMs: nowMs - 100_000 }, 5);
      await done(5, { createdAtMs: nowMs - 200_000 }, 7, nowMs - 60_001);
      const refused = { state: 'refused', attemptId: null, attemptNumber: 0 } as const;
      await store.jobs.insert(forIssue(aStoredJob({ createdAtMs: nowMs, ...refused }), 4));

      // Each of them had worked for a minute when the day began.
      const time = { sinceMs: nowMs - 60_000, nowMs };
      const ofRepository = await store.spending.ofDay({ repositoryId: repository.id }, time);
      const ofBob = await store.spending.ofDay({ repositoryId: repository.id, requestedBy: 'bob' }, time);
      const byMonth = await store.spending.between({ fromMs: nowMs - 100_000, toMs: nowMs + 1, nowMs });

      const setAside = { costUsd: 0, minutes: 0 };
      expect(ofRepository).toEqual({ used: { jobs: 2, costUsd: 5.3, minutes: 3 }, setAside });
      expect(ofBob).toEqual({ used: { jobs: 1, costUsd: 0.2, minutes: 1 }, setAside });
      expect(byMonth).toEqual([
        expect.objectContaining({
          specialty: 'backend',
          jobs: 2,
          costUsd: 5.1,
          minutes: 4,
          inputTokens: 2 * aResult().usage.inputTokens,
          outputTokens: 2 * aResult().usage.outputTokens,
        }),
        expect.objectContaining({ specialty: 'frontend', jobs: 1, costUsd: 0.2, minutes: 2 }),
      ]);
    });

    test('counts what is at work by its time and by what it has told, and sets aside what it may still use', async () => {
      await using opened = await open();
      const { store, clock } = opened;
      const nowMs = clock.nowMs();
      const at = async (
        number: number,
        state: JobState,
        facts: Partial<StoredAttempt> & { told?: number },
        requestedBy = 'alice',
      ) => {
        const { told, ...attempt } = facts;
        const attemptId = randomUUID() as AttemptId;
        const job = forIssue(aStoredJob({ state, attemptId, requestedBy, createdAtMs: nowMs }), number);
        const usage = { ...aResult().usage, costUsd: told ?? null };
        const progress = told === undefined ? null : { agent: aResult().agent, usage };
        await store.jobs.restore(job);
        await store.attempts.insert(aStoredAttempt(job, { progress, ...attempt }));
        return job;
      };
      const { repository, settings } = await at(1, 'running', { acceptedAtMs: nowMs, told: 1.5 });
      await at(2, 'offered', { budget: { maxBudgetUsd: 2, maxMinutes: 30 } }, 'bob');
      await at(3, 'cancelling', {
        acceptedAtMs: nowMs - 60_000,
        budget: { maxBudgetUsd: 1, maxMinutes: 1 },
        told: 1.2,
      });
      await at(4, 'failed', { acceptedAtMs: nowMs, finishedAtMs: nowMs, told: 0.25, outcome: 'lost' });
      await at(5, 'queued', {});

      const time = { sinceMs: nowMs, nowMs: nowMs + 60_000 };
      const day = await store.spending.ofDay({ repositoryId: repository.id }, time);
      const bobs = await store.spending.ofDay({ repositoryId: repository.id, requestedBy: 'bob' }, time);

      const { maxBudgetUsd, maxMinutes } = settings;
      expect(day).toEqual({
        used: { jobs: 5, costUsd: 2.95, minutes: 2 },
        setAside: { costUsd: maxBudgetUsd - 1.5 + 2, minutes: maxMinutes - 1 + 30 },
      });
      expect(bobs).toEqual({
        used: { jobs: 1, costUsd: 0, minutes: 0 },
        setAside: { costUsd: 2, minutes: 30 },
      });
    });

    test('counts nothing where there were no jobs, and what nobody has told yet as unknown', async () => {
      await using opened = await open();
      const { store, clock } = opened;
      const job = aStoredJob({ createdAtMs: clock.nowMs() });
      await store.jobs.insert(job);
      await store.attempts.insert(aStoredAttempt(job, { acceptedAtMs: clock.nowMs(), finishedAtMs: null }));
      const { id: repositoryId } = job.repository;
      const time = { sinceMs: clock.nowMs(), nowMs: clock.nowMs() + 60_000 };

      const month = { fromMs: time.sinceMs, toMs: time.nowMs, nowMs: time.nowMs };
      expect(await store.spending.between(month)).toMatchObject([{ costUsd: null, minutes: 1 }]);
      expect(await store.spending.ofDay({ repositoryId: repositoryId + 1 }, time)).toEqual({
        used: { jobs: 0, costUsd: 0, minutes: 0 },
        setAside: { costUsd: 0, minutes: 0 },
      });
      expect(await store.spending.between({ fromMs: 0, toMs: 1, nowMs: 2 })).toEqual([]);
    });
  });

  describe(`${name}: runners`, () => {
    test('a runner is read back as it was stored, and as it says of itself later', async () => {
      await using opened = await open();
      const { runners } = opened.store;
      const runner = aStoredRunner({
        specialties: ['api', 'backend'],
        allowedSpecialties: ['api', 'backend', 'web'],
      });
      await runners.insert(runner);

      const before = await runners.get(runner.id);
      const facts = {
        name: 'be-2',
        hostname: 'new',
        specialties: ['web'],
        capabilities: [],
        capacity: 9,
        version: '2',
      };
      await runners.setFacts(runner.id, facts);

      expect(before).toEqual(runner);
      expect(await runners.get(runner.id)).toEqual({ ...runner, ...facts });
    });

    test('it is online, draining, gone or revoked, with the load of the jobs it holds', async () => {
      await using opened = await open();
      const { store, clock } = opened;
      const nowMs = clock.nowMs();
      const fleet = [
        aStoredRunner({ name: 'online', lastSeenAtMs: nowMs }),
        aStoredRunner({ name: 'told to leave', lastSeenAtMs: nowMs, drainRequested: true }),
        aStoredRunner({ name: 'leaving', lastSeenAtMs: nowMs, draining: true }),
        aStoredRunner({ name: 'silent', lastSeenAtMs: nowMs - 60_001 }),
        aStoredRunner({ name: 'closed', lastSeenAtMs: nowMs, sessionHash: null }),
        aStoredRunner({ name: 'revoked', lastSeenAtMs: nowMs, revokedAtMs: nowMs }),
      ];
      for (const runner of fleet) await store.runners.insert(runner);
      const job = aStoredJob();
      await store.jobs.insert(job);
      await store.jobs.move(job, 'offered', { runnerId: fleet[0]?.id ?? null }, nowMs);

      const views = await store.runners.views(nowMs, 60_000);

      expect(Object.fromEntries(views.map((view) => [view.name, [view.state, view.active]]))).toEqual({
        online: ['online', 1],
        'told to leave': ['draining', 0],
        leaving: ['draining', 0],
        silent: ['gone', 0],
        closed: ['gone', 0],
        revoked: ['revoked', 0],
      });
    });

    test('an enrolment token is used by exactly one', async () => {
      await using opened = await open();
      const { runners } = opened.store;
      const [one, two] = [aStoredRunner(), aStoredRunner()];
      await runners.insertEnrollToken({
        tokenHash: 'h',
        specialties: ['backend'],
        createdAtMs: 1,
        expiresAtMs: 2,
        usedAtMs: null,
        runnerId: null,
      });

      const used = await Promise.all([
        runners.useEnrollToken('h', one.id, 5),
        runners.useEnrollToken('h', two.id, 6),
        runners.useEnrollToken('unknown', two.id, 6),
      ]);

      expect(used.filter(Boolean)).toHaveLength(1);
      expect(await runners.getEnrollToken('h')).toMatchObject({
        specialties: ['backend'],
        usedAtMs: expect.any(Number),
      });
    });
  });

  describe(`${name}: side effects`, () => {
    const effect = { kind: 'labels', repositoryId: 7, fullName: 'acme/widgets' } as const;

    test('wanted often while it waits, it is done once', async () => {
      await using opened = await open();
      await want(opened.store, { effect, installationId: 5 });
      await want(opened.store, { effect, installationId: 5 });

      const claim = await claimEffect(opened);
      if (claim) await opened.store.effects.finish(claim, 1);

      expect(claim).toMatchObject({ effect, installationId: 5, attempt: 1 });
      expect(await claimEffect(opened)).toBeNull();
    });

    test('wanted again while it is being done, it is done once more', async () => {
      await using opened = await open();
      const { store, clock } = opened;
      await want(store, { effect, installationId: 5 });
      const first = await claimEffect(opened);
      if (!first) throw new Error('nothing to claim');

      await want(store, { effect, installationId: 5 });
      const meanwhile = await claimEffect(opened);
      await store.effects.finish(first, clock.nowMs());
      const second = await claimEffect(opened);
      if (second) await store.effects.finish(second, clock.nowMs());

      expect(meanwhile).toBeNull();
      expect(second).toMatchObject({ effect, attempt: 1 });
      expect(await claimEffect(opened)).toBeNull();
    });

    test('progress that comes while it is being told is told at its distance, an end at once', async () => {
      await using opened = await open();
      const { store, clock } = opened;
      const comment = { kind: 'status-comment', repositoryId: 7, issueNumber: 1 } as const;
      const tell = (weight: 'progress' | 'final') =>
        want(store, { effect: comment, installationId: 5, weight });

      await tell('progress');
      const claim = await claimEffect(opened);
      await tell('progress');
      if (claim) await store.effects.finish(claim, clock.nowMs());
      const tooEarly = await claimEffect(opened);
      await tell('final');
      const end = await claimEffect(opened);

      expect(tooEarly).toBeNull();
      expect(end).toMatchObject({ effect: comment });
    });

    test('a look at blocked work waits for its distance, however often it is asked for', async () => {
      await using opened = await open();
      const { store, clock } = opened;
      const look = { kind: 'look-at-blockers', jobId: 'j' as JobId } as const;
      await want(store, { effect: look, installationId: 5 });
      const claim = await claimEffect(opened);
      if (claim) await store.effects.finish(claim, clock.nowMs());
      await want(store, { effect: look, installationId: 5 });
      await want(store, { effect: look, installationId: 5 });

      expect(await claimEffect(opened)).toBeNull();
      clock.advance(60);
      expect(await claimEffect(opened)).toMatchObject({ effect: look });
      expect(await claimEffect(opened)).toBeNull();
    });

    test('one after the other within an installation, the most urgent first; others do not wait', async () => {
      await using opened = await open();
      const [label, comment, elsewhere] = [
        effect,
        { kind: 'status-comment', repositoryId: 7, issueNumber: 1 } as const,
        { kind: 'labels', repositoryId: 8, fullName: 'other/repo' } as const,
      ];
      await want(opened.store, { effect: label, installationId: 5 });
      await want(opened.store, { effect: comment, installationId: 5 });
      await want(opened.store, { effect: elsewhere, installationId: 6 });

      const claims = [await claimEffect(opened), await claimEffect(opened), await claimEffect(opened)];

      expect(claims.map((claim) => claim?.effect)).toEqual([comment, elsewhere, undefined]);
    });

    test('an installation that GitHub limits is left alone until its pause is over', async () => {
      await using opened = await open();
      const { store, clock } = opened;
      await want(store, { effect, installationId: 5 });
      const claim = await claimEffect(opened);
      if (!claim) throw new Error('nothing to claim');
      const runAtMs = clock.nowMs() + 60_000;
      await store.effects.pauseInstallation(5, runAtMs, 'slow down');
      await store.effects.pauseInstallation(5, runAtMs - 30_000, 'slow down a bit');
      await store.effects.retry(claim, { error: 'slow down', runAtMs, countsAsTry: false }, clock.nowMs());
      await want(store, { effect: { ...effect, repositoryId: 8 }, installationId: 5 });
      const fence = { kind: 'revoke-tokens', attemptId: 'a' as AttemptId, epoch: 1 } as const;
      await want(store, { effect: fence, installationId: 5 });

      const fenceDueMs = await store.effects.nextDueMs();
      const fenceClaim = await claimEffect(opened);
      if (fenceClaim) await store.effects.finish(fenceClaim, clock.nowMs());
      const meanwhile = await claimEffect(opened);
      const dueMs = await store.effects.nextDueMs();
      clock.advance(60);
      const after = await claimEffect(opened);

      expect(fenceClaim?.effect, 'what fences does not wait').toEqual(fence);
      expect(fenceDueMs).toBe(clock.nowMs() - 60_000);
      expect(meanwhile).toBeNull();
      expect(dueMs).toBe(runAtMs);
      expect(after).toMatchObject({ attempt: 1 });
    });

    test('tries are counted, a wait stays though it is wanted again, and a dead one lives again when it is', async () => {
      await using opened = await open();
      const { store, clock } = opened;
      await want(store, { effect, installationId: 5 });
      const first = await claimEffect(opened);
      if (!first) throw new Error('nothing to claim');
      await store.effects.retry(
        first,
        { error: 'x', runAtMs: clock.nowMs() + 1000, countsAsTry: true },
        clock.nowMs(),
      );
      await want(store, { effect, installationId: 5 });

      const early = await claimEffect(opened);
      clock.advance(1);
      const second = await claimEffect(opened);
      if (!second) throw new Error('nothing to claim');
      await store.effects.bury(second, 'gone', clock.nowMs());
      const dead = [await claimEffect(opened), await store.effects.countByState()];
      await want(store, { effect, installationId: 5 });

      expect(early).toBeNull();
      expect(second.attempt).toBe(2);
      expect(dead).toEqual([null, { dead: 1 }]);
      expect(await claimEffect(opened)).toMatchObject({ attempt: 1 });
    });

    test('a claim is held until it lapses or ends; one that lapsed finishes nothing', async () => {
      await using opened = await open();
      const { store, clock } = opened;
      await want(store, { effect, installationId: 5 });
      const lapsed = await claimEffect(opened);
      if (!lapsed) throw new Error('nothing to claim');
      expect(await store.effects.holds(lapsed)).toBe(true);
      clock.advance(LEASE_MS / 1000 + 1);
      await store.requeueLapsedTasks();
      expect(await store.effects.holds(lapsed)).toBe(false);
      const current = await claimEffect(opened);
      if (!current) throw new Error('nothing to claim');

      expect(await store.effects.holds(lapsed)).toBe(false);
      expect(await store.effects.holds(current)).toBe(true);
      expect(await store.effects.finish(lapsed, clock.nowMs())).toBe(false);
      expect(await store.effects.finish(current, clock.nowMs())).toBe(true);
      expect(await store.effects.holds(current)).toBe(false);
    });

    test('what is wanted for later waits until then', async () => {
      await using opened = await open();
      const { store, clock } = opened;
      const runAtMs = clock.nowMs() + 30_000;
      await want(store, { effect, installationId: 5, runAtMs });

      expect(await claimEffect(opened)).toBeNull();
      expect(await store.effects.nextDueMs()).toBe(runAtMs);
      clock.advance(30);
      expect(await claimEffect(opened)).toMatchObject({ effect });
      expect(await store.effects.nextDueMs()).toBeNull();
    });
  });

  describe(`${name}: memory`, () => {
    test('tokens are kept for their holder until they are ended or over', async () => {
      await using opened = await open();
      const { store, clock } = opened;
      const holder = { attemptId: 'a' as AttemptId, epoch: 1 };
      const token = { tokenHash: 'h1', sealed: 's1', expiresAtMs: clock.nowMs() + 1000 };
      await store.attemptTokens.keep(holder, token);
      await store.attemptTokens.keep(holder, { ...token, tokenHash: 'h2' });
      await store.attemptTokens.keep({ ...holder, epoch: 2 }, { ...token, tokenHash: 'h3' });

      await store.attemptTokens.forget('h2');
      expect(await store.attemptTokens.ofHolder(holder)).toEqual([token]);
      clock.advance(2);
      await store.prune();
      expect(await store.attemptTokens.ofHolder(holder)).toEqual([]);
    });

    test('an intent is dealt with once', async () => {
      await using opened = await open();
      const { memory } = opened.store;

      expect(await memory.hasTrigger('k')).toBe(false);
      expect(await memory.rememberTrigger('k', 'started', 1)).toBe(true);
      expect(await memory.rememberTrigger('k', 'started', 2)).toBe(false);
      expect(await memory.hasTrigger('k')).toBe(true);
    });

    test('the labellings of an issue that were dealt with are told by its number and label alone', async () => {
      await using opened = await open();
      const { memory } = opened.store;
      const times = ['2026-05-04T12:00:00Z', '2026-05-05T12:00:00Z'];
      for (const time of times) await memory.rememberTrigger(`label_added:7#4:${time}:agent:backend`, '', 1);
      await memory.rememberTrigger(`label_added:7#42:${times[0]}:agent:backend`, '', 1);
      await memory.rememberTrigger(`label_added:7#4:${times[0]}:agent:frontend`, '', 1);

      const found = await memory.labellings({ repositoryId: 7, issueNumber: 4 }, 'agent:backend');
      expect(found.toSorted()).toEqual(times);
      expect(await memory.labellings({ repositoryId: 7, issueNumber: 5 }, 'agent:backend')).toEqual([]);
    });

    test('a repository’s last good settings are kept', async () => {
      await using opened = await open();
      const { memory } = opened.store;
      for (const text of ['one', 'two', 'two']) await memory.keepSettings(7, text, 1);

      expect([await memory.keptSettings(7), await memory.keptSettings(8)]).toEqual(['two', null]);
    });

    test('answers and what was sent are kept by key', async () => {
      await using opened = await open();
      const { memory } = opened.store;
      await memory.putAnswer('scope', 'k', { requestHash: 'h', body: '{}' }, 1);
      await memory.putGitHubObject('comment', { objectId: 1, bodyHash: 'a' }, 1);
      await memory.putGitHubObject('comment', { objectId: 9_007_199_254_740_991, bodyHash: null }, 2);

      expect(await memory.getAnswer('scope', 'k')).toEqual({ requestHash: 'h', body: '{}' });
      expect(await memory.getAnswer('other', 'k')).toBeNull();
      expect(await memory.getGitHubObject('comment')).toEqual({
        objectId: 9_007_199_254_740_991,
        bodyHash: null,
      });
      expect(await memory.getGitHubObject('another')).toBeNull();
    });
  });

  describe(`${name}: what sweeps and mail keep`, () => {
    test('a sweep is due for one at a time, and again when that one says so or is gone, or somebody hurries it', async () => {
      await using opened = await open();
      const { sweeps } = opened.store;
      await sweeps.putMark('issues', 'up to here');

      expect(await sweeps.take('issues', 100, 200)).toBe(true);
      expect(await sweeps.take('issues', 150, 250)).toBe(false);
      expect(await sweeps.take('issues', 200, 300), 'whoever had it is gone').toBe(true);
      await sweeps.release('issues', 1000);
      expect(await sweeps.take('issues', 999, 1099)).toBe(false);
      await sweeps.hurry('issues', 500);
      await sweeps.hurry('issues', 600);
      expect(await sweeps.take('issues', 500, 600)).toBe(true);
      expect(await sweeps.take('reports', 0, 1), 'one that has never been').toBe(true);
      expect([await sweeps.getMark('issues'), await sweeps.getMark('reports')]).toEqual(['up to here', null]);
    });

    test('repositories are known by their ids, each of one installation', async () => {
      await using opened = await open();
      const { sweeps } = opened.store;
      const { installationId, repository } = aStoredJob();
      const one = { installationId, repository };
      const another = { installationId, repository: { ...repository, id: repository.id + 1 } };
      for (const target of [one, another]) await sweeps.putRepository(target);
      const moved = { installationId: 9, repository: { ...repository, owner: 'globex' } };

      await sweeps.putRepository(moved);
      await sweeps.forgetRepositories(installationId, [repository.id]);
      expect(await sweeps.repositories()).toEqual([moved, another]);

      await sweeps.forgetRepositories(installationId, []);
      expect(await sweeps.repositories()).toHaveLength(2);
      await sweeps.forgetRepositories(9, 'all');
      expect(await sweeps.repositories()).toEqual([another]);
    });

    test('labels stand for others, in one repository', async () => {
      await using opened = await open();
      const { sweeps } = opened.store;
      await sweeps.putLabelAlias(7, 'robots', 'agent:frontend');
      await sweeps.putLabelAlias(7, 'robots', 'agent:backend');
      await sweeps.putLabelAlias(8, 'robots', 'agent:testing');

      expect(await sweeps.labelAliases(7)).toEqual(new Map([['robots', 'agent:backend']]));
      await sweeps.dropLabelAlias(7, 'robots');
      expect(await sweeps.labelAliases(7)).toEqual(new Map());
      expect(await sweeps.labelAliases(8)).toEqual(new Map([['robots', 'agent:testing']]));
    });

    test('mail is one row for each attempt, looked at by one at a time, and watched while there is something to say', async () => {
      await using opened = await open();
      const { mail, jobs, attempts, runners } = opened.store;
      const runner = aStoredRunner({ transport: 'github' });
      await runners.insert(runner);
      const job = aStoredJob({ state: 'offered', attemptNumber: 2, runnerId: runner.id });
      const before = aStoredAttempt(job, { number: 1 });
      const { id: attemptId } = aStoredAttempt(job);
      await jobs.restore({ ...job, attemptId });
      for (const attempt of [before, aStoredAttempt({ ...job, attemptId })]) await attempts.insert(attempt);
      expect(await mail.watched(), 'such a runner has it').toEqual([attemptId]);

      for (const id of [before.id, attemptId]) await mail.open(id);
      const said = { nonce: 'n', number: 3, logEnd: 9_007_199_254_740_991, heartbeatMs: 60_000 };
      await mail.change(attemptId, { ...said, sent: 'order', etag: '"e"' });
      await mail.open(attemptId);
      await mail.change(before.id, { open: false });

      expect(await mail.get(attemptId)).toEqual({
        attemptId,
        ...said,
        open: true,
        sent: 'order',
        etag: '"e"',
        lookedAtMs: 0,
      });
      expect(await mail.watched()).toEqual([attemptId]);
      const looks = [1000, 1000, 10_999, 11_000].map(
        (nowMs) => () => mail.takeLook(attemptId, 10_000, nowMs + 10_000),
      );
      const taken = [];
      for (const look of looks) taken.push(await look());
      expect(taken).toEqual([true, false, false, true]);
    });
  });

  describe(`${name}: transactions`, () => {
    test('what fails half-way has not happened, and nobody is woken', async () => {
      await using opened = await open();
      const { store } = opened;
      const heard: WakeTopic[] = [];
      store.subscribe((topic) => void heard.push(topic));
      const job = aStoredJob();

      const failing = store.transact(async (tx) => {
        await tx.jobs.insert(job);
        await tx.want({ effect: { kind: 'clean-branch', jobId: job.id }, installationId: 5 });
        tx.wake('queue');
        throw new Error('on purpose');
      });

      await expect(failing).rejects.toThrow('on purpose');
      expect(await store.jobs.get(job.id)).toBeNull();
      expect(await claimEffect(opened)).toBeNull();
      expect(heard).toEqual([]);
    });

    test('who listens hears of a commit once, and not after leaving', async () => {
      await using opened = await open();
      const { store } = opened;
      const job = aStoredJob();
      const heard: WakeTopic[] = [];
      const leave = store.subscribe((topic) => void heard.push(topic));
      const work = () =>
        store.transact(async (tx) => {
          await tx.tell(job.id, 'queued', 'x');
          await tx.want({ effect: { kind: 'clean-branch', jobId: job.id }, installationId: 5 });
          tx.wake('queue');
          tx.wake('queue');
        });

      await work();
      leave();
      await work();

      expect(heard.sort()).toEqual([`job:${job.id}`, 'outbox', 'queue'].sort());
    });

    test('transactions and single calls from everywhere at once do not get into each other', async () => {
      await using opened = await open();
      const { store } = opened;
      const job = aStoredJob();
      await store.jobs.insert(job);

      await Promise.all(
        Array.from({ length: 50 }, async (_, index) => {
          await store.transact(async (tx) => {
            const locked = await tx.jobs.lock(job.id);
            await new Promise(setImmediate);
            await tx.jobs.change(job.id, { offers: (locked?.offers ?? 0) + 1 }, index);
          });
          await store.putDelivery(aDelivery());
          await store.jobs.get(job.id);
        }),
      );

      expect(await store.jobs.get(job.id)).toMatchObject({ offers: 50 });
    });
  });

  describe(`${name}: limits of GitHub`, () => {
    const take = ({ store }: StoreUnderTest, key: string, perHour: number) =>
      store.transact((tx) => tx.writeLimits.takeOfHour(key, perHour, tx.nowMs));
    const start = ({ store }: StoreUnderTest, key: string) =>
      store.transact((tx) => tx.writeLimits.takeStart(key, 1000, tx.nowMs));

    test('starts of a key are a spacing apart, in the order of asking, and keys do not wait for each other', async () => {
      await using opened = await open();

      expect([await start(opened, 'a'), await start(opened, 'a'), await start(opened, 'b')]).toEqual([
        0, 1000, 0,
      ]);
      opened.clock.advance(0.5);
      expect(await start(opened, 'a')).toBe(1500);
      opened.clock.advance(2.5);
      expect(await start(opened, 'a'), 'what was long ago is not waited for').toBe(0);
      opened.clock.advance(-7200);
      expect(await start(opened, 'a'), 'nor for a clock that was put back').toBe(0);
      expect(await start(opened, 'a')).toBe(1000);
    });

    test('a key has so many in any hour, however many ask at once, and the answer says how long to wait', async () => {
      await using opened = await open();
      const { clock } = opened;
      await take(opened, 'a', 10);
      clock.advance(1);

      const takes = await Promise.all(Array.from({ length: 20 }, () => take(opened, 'a', 10)));

      expect(takes.filter((waitMs) => waitMs === 0)).toHaveLength(9);
      expect(new Set(takes.filter((waitMs) => waitMs > 0))).toEqual(new Set([HOUR_MS - 1000]));
      expect(await take(opened, 'b', 10)).toBe(0);
      expect(await take(opened, 'a', 4), 'with fewer, more of them have to be an hour old').toBe(HOUR_MS);
      clock.advance(3598);
      expect(await take(opened, 'a', 10)).toBe(1000);
      await opened.store.prune();
      expect(await take(opened, 'a', 10), 'what still counts is kept').toBe(1000);
      clock.advance(1);
      expect(await take(opened, 'a', 10)).toBe(0);
      expect(await take(opened, 'a', 10)).toBe(1000);
      clock.advance(-7200);
      expect(await take(opened, 'a', 1), 'nobody waits for a clock that was put back').toBe(0);
    });
  });
}

function jobId(number: number) {
  return aStoredJob({
    id: `00000000-0000-7000-8000-00000000000${number}` as ReturnType<typeof aStoredJob>['id'],
  }).id;
}

function want(store: Store, wanted: Parameters<Parameters<Parameters<Store['transact']>[0]>[0]['want']>[0]) {
  return store.transact((tx) => tx.want(wanted));
}

function claimEffect({ store, clock }: StoreUnderTest) {
  return store.effects.claim(clock.nowMs(), LEASE_MS);
}
