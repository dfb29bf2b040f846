import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JobSpec } from '../../src/contract/job.ts';
import type { CheckRunContent } from '../../src/domain/check-run-content.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { type CheckRunReporter, createCheckRunReporter } from '../../src/runner/check-run.ts';
import { type RunnerWorld, startRunnerWorld } from '../support/runner-world.ts';
import { createTestLogger } from '../support/test-logger.ts';
import { until } from '../support/until.ts';

const never = new AbortController().signal;
const PATCH = { method: 'PATCH', path: /check-runs/ };
const LIMITED = { method: 'GET', path: /check-runs/, status: 403, headers: { 'retry-after': '1' } };

let world: RunnerWorld;
let spec: JobSpec;

beforeEach(async () => {
  world = await startRunnerWorld();
  spec = await world.makeSpec();
});
afterEach(() => world[Symbol.asyncDispose]());

describe('verification', () => {
  test('takes the check run that the job names', async () => {
    expect(await report(spec).verify(never)).toEqual({ kind: 'right' });
  });

  test.each([
    ['App', { appId: 999 }, 'belongs to another App'],
    ['external id', { externalId: 'other:attempt' }, 'has another external id'],
    ['name', { name: 'Yardmaster / frontend' }, 'has another name'],
  ])('tells when it has another %s', async (_, checkRun, reason) => {
    const wrong = { ...spec, checkRun: { ...spec.checkRun, ...checkRun } };

    const verdict = await report(wrong).verify(never);

    expect(verdict).toEqual({ kind: 'wrong', reason: expect.stringContaining(reason) as string });
  });

  test('tells when it is on another commit', async () => {
    const verdict = await report({ ...spec, startCommit: spec.base.commit }).verify(never);

    expect(verdict).toMatchObject({ kind: 'wrong' });
  });

  test('gives a token that was just minted some time, and one that stays bad none', async () => {
    world.github.faults.add({ method: 'GET', path: /check-runs/, status: 401, times: 2 });
    expect(await report(spec).verify(never)).toEqual({ kind: 'right' });

    world.github.faults.add({ method: 'GET', path: /check-runs/, status: 403, times: 9 });
    expect(await report(spec).verify(never)).toMatchObject({ kind: 'wrong' });
  });

  test('waits for GitHub to come back', async () => {
    world.github.faults.add({ method: 'GET', path: /check-runs/, status: 502, times: 5 });
    world.github.faults.add({ ...LIMITED, times: 1 });

    expect(await report(spec).verify(never)).toEqual({ kind: 'right' });
  });

  test('gives up after a minute without GitHub', async () => {
    let passedMs = 0;
    const clock: Clock = {
      ...systemClock,
      monotonicMs: () => passedMs,
      sleep: async (ms) => void (passedMs += ms),
    };
    const away = report({ ...spec, githubApiUrl: 'http://127.0.0.1:9' }, clock);

    expect(await away.verify(never)).toMatchObject({ kind: 'unreachable' });
    expect(passedMs).toBe(60_000);
  });

  test('gives up at once when GitHub wants longer than that', async () => {
    world.github.faults.add({ ...LIMITED, headers: { 'retry-after': '3600' } });

    expect(await report(spec).verify(never)).toMatchObject({ kind: 'unreachable' });
  });

  test('takes an answer that is no check run for another one', async () => {
    const elsewhere = await serveText('{}');
    try {
      const verdict = await report({ ...spec, githubApiUrl: elsewhere.url }).verify(never);

      expect(verdict).toMatchObject({ kind: 'wrong' });
    } finally {
      await elsewhere.stop();
    }
  });
});

describe('progress', () => {
  test('is shown at once, and then the newest as often as the spacing allows', async () => {
    const clock = createPatientClock();
    const reporter = report(spec, clock);

    reporter.show(progress('one'));
    await until('the first is shown', () => titleOf() === 'one');
    reporter.show(progress('two'));
    reporter.show(progress('three'));
    await until('it waits', () => clock.waitedMs() > 0);
    expect(titleOf()).toBe('one');
    clock.pass();
    await until('the newest is shown', () => titleOf() === 'three');

    expect(patches()).toBe(2);
    expect(clock.waitedMs()).toBeGreaterThan(9000);
    expect(world.checkRun(spec).status).toBe('in_progress');
  });

  test('that GitHub does not take stops nothing', async () => {
    world.github.faults.add({ ...PATCH, status: 403, times: 1 });
    const reporter = report(spec, systemClock, 1);

    reporter.show(progress('lost'));
    await until('it was tried', () => patches() === 1);
    reporter.show(progress('found'));

    await until('the next is shown', () => titleOf() === 'found');
  });
});

describe('the final state', () => {
  const final: CheckRunContent = {
    status: 'completed',
    conclusion: 'success',
    title: 'Done',
    summary: 'All.',
  };

  test('does not wait for its turn, and nothing is shown after it', async () => {
    const clock = createPatientClock();
    const reporter = report(spec, clock);
    reporter.show(progress('one'));
    await until('the first is shown', () => titleOf() === 'one');
    reporter.show(progress('two'));

    expect(await reporter.finish(final, never)).toBe(true);
    reporter.show(progress('late'));
    clock.pass();

    expect(world.checkRun(spec)).toMatchObject({ status: 'completed', conclusion: 'success' });
    expect(titleOf()).toBe('Done');
    expect(patches()).toBe(2);
  });

  test('is sent again after a server error, and after the wait that a limit asks for', async () => {
    world.github.faults.add({ ...PATCH, status: 502, times: 1 });
    world.github.faults.add({ ...PATCH, status: 429, headers: { 'retry-after': '1' }, times: 1 });

    await report(spec).finish(final, never);

    expect(titleOf()).toBe('Done');
  });

  test('is given up in time', async () => {
    world.github.faults.add({ ...PATCH, status: 429, headers: { 'retry-after': '3600' } });

    expect(await report(spec).finish(final, AbortSignal.timeout(100))).toBe(false);

    expect(world.checkRun(spec).status).toBe('queued');
  });
});

function report(about: JobSpec, clock: Clock = systemClock, spacingMs?: number): CheckRunReporter {
  // Waits for fresh tokens and limits are real, but need not be long here.
  const quick: Clock = {
    ...clock,
    sleep: (ms, signal) => clock.sleep(clock === systemClock ? Math.min(ms, 50) : ms, signal),
  };
  return createCheckRunReporter({
    spec: about,
    token: async () => tokenOf(world),
    fetch,
    clock: quick,
    log: createTestLogger(),
    userAgent: 'yardmaster-runner/test',
    ...(spacingMs === undefined ? {} : { spacingMs }),
  });
}

async function serveText(text: string): Promise<{ url: string; stop(): Promise<unknown> }> {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', connection: 'close' }).end(text);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, stop: () => once(server.close(), 'close') };
}

function tokenOf({ coordinator }: RunnerWorld): string {
  return coordinator.tokens.run;
}

function progress(title: string): CheckRunContent {
  return { status: 'in_progress', title, summary: 'Working.' };
}

function titleOf(): string | null {
  return world.checkRun(spec).output.title;
}

function patches(): number {
  return world.github.state.requests().filter(({ method }) => method === 'PATCH').length;
}

/** A clock whose sleeps end when the test says so. */
function createPatientClock(): Clock & { pass(): void; waitedMs(): number } {
  const sleepers = new Set<() => void>();
  let waitedMs = 0;
  let passedMs = 0;
  return {
    nowMs: () => systemClock.nowMs() + passedMs,
    monotonicMs: () => systemClock.monotonicMs() + passedMs,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        waitedMs = Math.max(waitedMs, ms);
        const wake = (): void => {
          passedMs += ms;
          resolve();
        };
        sleepers.add(wake);
        signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      }),
    pass: () => {
      for (const wake of sleepers) wake();
      sleepers.clear();
    },
    waitedMs: () => waitedMs,
  };
}
