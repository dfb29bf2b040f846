import { describe, expect, test } from 'vitest';
import { anIdempotency, openDispatchWorld, value } from '../support/dispatch-world.ts';

describe('a job on hold', () => {
  test('is offered to nobody until it may go on, and then keeps its place before later ones', async () => {
    await using world = await openDispatchWorld();
    const [first, second] = [await world.label(), await world.label({ issueNumber: 43 })];
    await world.dispatcher.hold(first, 'Alice waits for a decision.');
    const runner = await world.enrol({ capacity: 1 });

    const whileHeld = value(await world.poll(runner)).offers;
    expect(whileHeld.map(({ jobId }) => jobId)).toEqual([second]);
    await world.dispatcher.cancel(second, 'not now');
    await world.label({ issueNumber: 44 });
    await world.dispatcher.unhold(first, 'Alice has decided.');

    expect(value(await world.poll(runner)).offers.map(({ jobId }) => jobId)).toEqual([first]);
  });

  test('says on the issue that it is held, and why', async () => {
    await using world = await openDispatchWorld();
    const jobId = await world.label();

    await world.dispatcher.hold(jobId, 'Alice waits for a decision.');
    world.clock.advance(60);
    await world.outbox.runDue();

    const { body } = world.recorder.comments[0] ?? { body: '' };
    expect(body).toMatch(/⏸️ backend: on hold/);
    expect(body).toContain('Alice waits for a decision.');
  });

  test('takes an offer back, which costs nothing; its runner may not accept it any more', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol();
    const jobId = await world.label();
    const { attemptId, epoch } = await world.offerFor(runner);

    expect(await world.dispatcher.hold(jobId, 'wait')).toBe('held');

    const { session } = runner;
    const accepting = world.dispatcher.accept({ session, attemptId, epoch, idempotency: anIdempotency() });
    expect(await accepting).toMatchObject({ ok: false, code: 'stale_attempt' });
    expect((await world.jobOf(jobId)).job).toMatchObject({ state: 'held', offers: 0, runnerId: null });
  });

  test('that a runner has accepted goes on', async () => {
    await using world = await openDispatchWorld();
    const jobId = await world.label();
    await world.take(await world.enrol());

    expect(await world.dispatcher.hold(jobId, 'wait')).toBe('under_way');

    expect((await world.jobOf(jobId)).job.state).toBe('preparing');
  });

  test('ends when its label is taken away', async () => {
    await using world = await openDispatchWorld();
    const jobId = await world.label();
    await world.dispatcher.hold(jobId, 'wait');

    expect(await world.dispatcher.cancel(jobId, 'alice removed the label')).toBe('cancelled');

    expect((await world.jobOf(jobId)).job.state).toBe('cancelled');
    expect(await world.dispatcher.unhold(jobId, 'go on')).toBe('ended');
  });
});

test('a job with high priority is offered first, one with low priority last', async () => {
  await using world = await openDispatchWorld();
  const low = await world.label();
  const normal = await world.label({ issueNumber: 43 });
  const high = await world.label({ issueNumber: 44 });
  await world.dispatcher.prioritise(low, 'low', 'it can wait');
  await world.dispatcher.prioritise(high, 'high', 'it is urgent');
  const runner = await world.enrol({ capacity: 1 });

  const order: string[] = [];
  for (let offers = 0; offers < 3; offers += 1) {
    const { jobId } = await world.offerFor(runner);
    order.push(jobId);
    await world.dispatcher.cancel(jobId, 'next');
  }

  expect(order).toEqual([high, normal, low]);
});
