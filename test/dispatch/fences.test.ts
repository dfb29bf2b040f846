import { expect, test } from 'vitest';
import type { Answer } from '../../src/dispatch/answer.ts';
import type { LeaseKey } from '../../src/dispatch/lease.ts';
import { aResult } from '../support/job-builders.ts';
import { anIdempotency, openDispatchWorld } from '../support/dispatch-world.ts';

type World = Awaited<ReturnType<typeof openDispatchWorld>>;

/** Every call of an attempt, as a runner makes it that may. */
const CALLS: Record<string, (world: World, lease: LeaseKey) => Promise<Answer<unknown>>> = {
  start: ({ dispatcher }, lease) => dispatcher.start(lease, anIdempotency()),
  heartbeat: ({ dispatcher }, lease) => dispatcher.heartbeat(lease, { phase: 'agent' }),
  log: ({ dispatcher }, lease) => dispatcher.log(lease, { offset: 0, text: 'not mine' }),
  evidence: ({ dispatcher }, lease) =>
    dispatcher.evidence(lease, { evidence: aResult().evidence }, anIdempotency()),
  'token to read': ({ dispatcher }, lease) => dispatcher.token({ lease, purpose: 'run', headCommit: null }),
  'token to publish': ({ dispatcher }, lease) =>
    dispatcher.token({ lease, purpose: 'publish', headCommit: aResult().headCommit }),
  complete: ({ dispatcher }, lease) =>
    dispatcher.complete({
      lease,
      result: aResult({ outcome: 'agent_failed', headCommit: null }),
      checkRunFinished: true,
      idempotency: anIdempotency(),
    }),
};

test('every call of an attempt needs its runner, its epoch and its lease token, and that it is the newest', async () => {
  await using world = await openDispatchWorld();
  const jobId = await world.label();
  const { lease } = await world.take(await world.enrol());
  const other = await world.enrol({ name: 'be-2', specialties: ['frontend'] });
  const before = await world.jobOf(jobId);
  const wrongs: Record<string, Partial<LeaseKey>> = {
    'another runner': { session: other.session },
    'an older epoch': { epoch: lease.epoch - 1 },
    'a later epoch': { epoch: lease.epoch + 1 },
    'another token': { leaseToken: 'guess' },
    'no token': { leaseToken: '' },
  };

  for (const [call, make] of Object.entries(CALLS)) {
    for (const [wrong, proof] of Object.entries(wrongs)) {
      expect(await make(world, { ...lease, ...proof }), `${call} with ${wrong}`).toMatchObject({
        ok: false,
        code: 'stale_attempt',
      });
    }
  }
  expect(await world.jobOf(jobId), 'nothing came of any of them').toEqual(before);

  world.clock.advance(260);
  await world.sweeper.sweep();
  const requeued = await world.jobOf(jobId);
  for (const [call, make] of Object.entries(CALLS)) {
    expect(await make(world, lease), `${call} after the attempt was lost`).toMatchObject({
      ok: false,
      code: 'stale_attempt',
    });
  }
  expect(requeued.job).toMatchObject({ state: 'queued', attemptNumber: 2 });
  expect(await world.jobOf(jobId), 'nothing came of any of them').toEqual(requeued);
});
