import { describe, expect, test } from 'vitest';
import { DEFAULT_TIMINGS as TIMINGS } from '../../src/domain/timings.ts';
import { anIdempotency, openDispatchWorld, value } from '../support/dispatch-world.ts';
import { someRunnerFacts } from '../support/runner-builders.ts';

const NO_LIMITS = { specialties: null, expiresInSeconds: null };

describe('enrolling', () => {
  test('a token lets in one runner, once', async () => {
    await using world = await openDispatchWorld();
    const { token } = await world.registry.createEnrollToken(NO_LIMITS);
    const request = { token, facts: someRunnerFacts() };

    const first = await world.registry.enroll(request, anIdempotency());
    const second = await world.registry.enroll(request, anIdempotency());

    expect(first.ok).toBe(true);
    expect(second).toMatchObject({
      ok: false,
      code: 'unauthorized',
      message: expect.stringContaining('yardmaster runner token'),
    });
    expect(await world.registry.list()).toHaveLength(1);
  });

  test('when the answer was lost, the repeat gets the same runner and a key that works', async () => {
    await using world = await openDispatchWorld();
    const { token } = await world.registry.createEnrollToken(NO_LIMITS);
    const request = { token, facts: someRunnerFacts() };
    const idempotency = anIdempotency();

    const lost = value(await world.registry.enroll(request, idempotency));
    const repeat = value(await world.registry.enroll(request, idempotency));
    const open = (key: string) =>
      world.registry.openSession({ runnerId: repeat.runnerId, key, facts: request.facts });

    expect(repeat.runnerId).toBe(lost.runnerId);
    expect(await open(lost.key)).toMatchObject({ ok: false, code: 'unauthorized' });
    expect(await open(repeat.key)).toMatchObject({ ok: true });
  });

  test('tokens end in time, at the latest after an hour', async () => {
    await using world = await openDispatchWorld();
    const short = await world.registry.createEnrollToken({ specialties: null, expiresInSeconds: 60 });
    const long = await world.registry.createEnrollToken({ specialties: null, expiresInSeconds: 1e9 });
    const enroll = ({ token }: { token: string }) =>
      world.registry.enroll({ token, facts: someRunnerFacts() }, anIdempotency());

    world.clock.advance(60);
    const late = await enroll(short);
    const inTime = await enroll(long);

    expect(late).toMatchObject({ code: 'unauthorized' });
    expect(inTime.ok).toBe(true);
    expect(long.expiresAtMs - short.expiresAtMs).toBe((TIMINGS.enrollTokenSeconds - 60) * 1000);
  });

  test('a token for some specialties lets in no others, now or later', async () => {
    await using world = await openDispatchWorld();
    const { token } = await world.registry.createEnrollToken({
      specialties: ['frontend'],
      expiresInSeconds: null,
    });

    const wrong = await world.registry.enroll({ token, facts: someRunnerFacts() }, anIdempotency());
    const facts = someRunnerFacts({ specialties: ['frontend'] });
    const { runnerId, key } = value(await world.registry.enroll({ token, facts }, anIdempotency()));
    const later = await world.registry.openSession({ runnerId, key, facts: someRunnerFacts() });

    expect([wrong, later]).toMatchObject([{ code: 'policy_refused' }, { code: 'policy_refused' }]);
  });
});

describe('a new key', () => {
  const NEW_KEY = `ymk_${'n'.repeat(43)}`;

  test('is good beside the old one until it is shown; then it is the only one, and the session goes on', async () => {
    await using world = await openDispatchWorld();
    const { id: runnerId, key, session, sessionToken } = await world.enrol();
    const show = (shown: string) => world.registry.confirmKey({ runnerId, key: shown });

    expect(await world.registry.rotateKey({ runnerId, key, newKey: NEW_KEY })).toEqual({
      ok: true,
      value: {},
    });
    expect(await show(key)).toEqual({ ok: true, value: { changed: false } });
    expect(await show(NEW_KEY)).toEqual({ ok: true, value: { changed: true } });
    expect(await show(NEW_KEY)).toEqual({ ok: true, value: { changed: false } });

    expect(await show(key)).toMatchObject({ ok: false, code: 'unauthorized' });
    expect(await world.registry.rotateKey({ runnerId, key, newKey: key })).toMatchObject({
      code: 'unauthorized',
    });
    expect(value(await world.registry.authenticate(sessionToken))).toEqual(session);
  });

  test('is taken by a session, too, for a runner that was cut off before it could show it', async () => {
    await using world = await openDispatchWorld();
    const { id: runnerId, key } = await world.enrol();
    await world.registry.rotateKey({ runnerId, key, newKey: NEW_KEY });

    await world.openSession({ id: runnerId, key: NEW_KEY });

    expect(await world.registry.confirmKey({ runnerId, key })).toMatchObject({ code: 'unauthorized' });
  });

  test('that was lost on its way is replaced by the next', async () => {
    await using world = await openDispatchWorld();
    const { id: runnerId, key } = await world.enrol();
    const other = `ymk_${'o'.repeat(43)}`;
    await world.registry.rotateKey({ runnerId, key, newKey: NEW_KEY });
    await world.registry.rotateKey({ runnerId, key, newKey: other });

    expect(await world.registry.confirmKey({ runnerId, key: NEW_KEY })).toMatchObject({
      code: 'unauthorized',
    });
    expect(await world.registry.confirmKey({ runnerId, key: other })).toMatchObject({ ok: true });
  });

  test('is nothing for a stranger, or for a runner that was revoked', async () => {
    await using world = await openDispatchWorld();
    const { id: runnerId, key } = await world.enrol();
    expect(await world.registry.rotateKey({ runnerId, key: 'guess', newKey: NEW_KEY })).toMatchObject({
      code: 'unauthorized',
    });

    await world.registry.revoke(runnerId);

    expect(await world.registry.rotateKey({ runnerId, key, newKey: NEW_KEY })).toMatchObject({
      code: 'revoked',
    });
    expect(await world.registry.confirmKey({ runnerId, key })).toMatchObject({ code: 'revoked' });
  });
});

describe('settings that change while a runner runs', () => {
  test('are told in a poll, and count at once', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol({ specialties: ['frontend'] });
    const facts = someRunnerFacts({ specialties: ['backend'], capacity: 7, capabilities: ['agent:claude'] });

    const first = await world.poll(runner);
    const jobId = await world.label();
    expect(value(first).offers).toEqual([]);

    expect(value(await world.poll(runner, { facts })).offers).toMatchObject([{ jobId }]);
    expect(await world.registry.list()).toMatchObject([{ specialties: ['backend'], capacity: 7 }]);
  });

  test('don’t count when the runner may not have them', async () => {
    await using world = await openDispatchWorld();
    const { token } = await world.registry.createEnrollToken({
      specialties: ['frontend'],
      expiresInSeconds: null,
    });
    const facts = someRunnerFacts({ specialties: ['frontend'] });
    const { runnerId, key } = value(await world.registry.enroll({ token, facts }, anIdempotency()));
    const runner = await world.openSession({ id: runnerId, key }, facts);

    const answer = await world.poll(runner, { facts: someRunnerFacts({ specialties: ['backend'] }) });

    expect(answer).toMatchObject({ ok: false, code: 'policy_refused' });
    expect(await world.registry.list()).toMatchObject([{ specialties: ['frontend'] }]);
  });
});

describe('sessions', () => {
  test('the newest one counts, older ones hear that they are superseded', async () => {
    await using world = await openDispatchWorld();
    const first = await world.enrol();
    const second = await world.openSession(first);

    expect(await world.registry.authenticate(first.sessionToken)).toMatchObject({
      ok: false,
      code: 'superseded',
    });
    expect(await world.registry.authenticate(second.sessionToken)).toEqual({
      ok: true,
      value: second.session,
    });
  });

  test('one ends after its time, and when it is closed', async () => {
    await using world = await openDispatchWorld();
    const [slow, leaving] = [await world.enrol({ name: 'be-1' }), await world.enrol({ name: 'be-2' })];

    await world.registry.closeSession(leaving.session);
    const closed = await world.registry.authenticate(leaving.sessionToken);
    const states = (await world.registry.list()).map((view) => view.state);
    world.clock.advance(TIMINGS.sessionSeconds);
    const over = await world.registry.authenticate(slow.sessionToken);

    expect([closed, over]).toMatchObject([{ code: 'unauthorized' }, { code: 'unauthorized' }]);
    expect(states).toEqual(['online', 'gone']);
  });

  test.each(['', 'x', '..', `${'0'.repeat(36)}.1.abc`, 'a'.repeat(10_000)])(
    '%j opens nothing',
    async (token) => {
      await using world = await openDispatchWorld();

      expect(await world.registry.authenticate(token)).toMatchObject({ ok: false, code: 'unauthorized' });
    },
  );

  test('a guessed secret in the right form opens nothing', async () => {
    await using world = await openDispatchWorld();
    const { sessionToken } = await world.enrol();
    const guess = sessionToken.replace(/[^.]+$/, 'A'.repeat(43));

    expect(await world.registry.authenticate(guess)).toMatchObject({ ok: false, code: 'unauthorized' });
  });
});

describe('revoking', () => {
  test('ends key and session at once, and gives its work to others', async () => {
    await using world = await openDispatchWorld();
    const bad = await world.enrol({ name: 'be-1' });
    const good = await world.enrol({ name: 'be-2', capabilities: ['agent:claude'] });
    await world.registry.drain(good.id);
    const [running, offered] = [await world.label({ issueNumber: 1 }), await world.label({ issueNumber: 2 })];
    const { lease } = await world.take(bad);

    expect(await world.registry.revoke(bad.id)).toBe(true);
    await world.outbox.runDue();

    const facts = someRunnerFacts();
    expect(await world.registry.authenticate(bad.sessionToken)).toMatchObject({ code: 'revoked' });
    expect(await world.registry.openSession({ runnerId: bad.id, key: bad.key, facts })).toMatchObject({
      code: 'revoked',
    });
    expect(await world.dispatcher.heartbeat(lease, { phase: 'agent' })).toMatchObject({
      code: 'stale_attempt',
    });
    expect((await world.jobOf(running)).job).toMatchObject({ state: 'queued', attemptNumber: 2 });
    expect((await world.jobOf(offered)).job).toMatchObject({ state: 'queued', attemptNumber: 1 });
    expect(world.recorder.tokens.every((token) => token.revoked)).toBe(true);
  });

  test('a runner that does not exist is not revoked', async () => {
    await using world = await openDispatchWorld();
    const nobody = '00000000-0000-7000-8000-000000000001' as never;

    expect([await world.registry.revoke(nobody), await world.registry.drain(nobody)]).toEqual([false, false]);
  });
});
