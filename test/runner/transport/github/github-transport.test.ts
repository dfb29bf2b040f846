import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  MAIL_KEY_PURPOSE,
  MAX_MAIL_BYTES,
  OFFER_KIND,
  type OfferMail,
  type Order,
  REPORT_KIND,
  ReportMail,
  toMailContext,
  toOrderLine,
} from '../../../../src/contract/check-run-mail.ts';
import { AttemptResult } from '../../../../src/contract/attempt-result.ts';
import type { RunnerId } from '../../../../src/contract/identifiers.ts';
import type { JobSpec } from '../../../../src/contract/job.ts';
import { systemClock } from '../../../../src/lib/clock.ts';
import { systemRandom } from '../../../../src/lib/random.ts';
import {
  deriveMessageKey,
  type MessageKey,
  readSignedBlock,
  signLine,
  toSignedBlock,
} from '../../../../src/lib/signed-message.ts';
import {
  createGitHubTransport,
  type GitHubTransportOptions,
} from '../../../../src/runner/transport/github.ts';
import { createAppClient } from '../../../../src/runner/transport/github/app-client.ts';
import { createOfferFinder } from '../../../../src/runner/transport/github/find-offers.ts';
import { appToken, createClient, mintToken } from '../../../standin/client.ts';
import { aResult } from '../../../support/job-builders.ts';
import { someRunnerFacts } from '../../../support/runner-builders.ts';
import { startRunnerWorld, WIDGETS } from '../../../support/runner-world.ts';
import { createTestLogger } from '../../../support/test-logger.ts';
import { until } from '../../../support/until.ts';

const RUNNER = '01999999-0000-7000-8000-000000000001' as RunnerId;
const forever = (): AbortSignal => new AbortController().signal;
const idlePoll = { waitSeconds: 0, freeSlots: 1, freeDiskBytes: 1e12, attempts: [], draining: false };

/** A runner's transport against GitHub, and the coordinator's hand in the check runs. */
async function openTransportWorld(options: { privateKey?: string; appId?: number } = {}) {
  let skippedMs = 0;
  const minted: string[] = [];
  const world = await startRunnerWorld();
  const { github } = world;
  const lines: Record<string, unknown>[] = [];
  const key = deriveMessageKey(github.app.privateKey, MAIL_KEY_PURPOSE);
  const asApp = createClient(github, appToken(github.app));
  const installations = (await asApp('GET', '/app/installations')).body as { id: number }[];
  const coordinator = createClient(github, await mintToken(github, installations[0]?.id ?? 0));

  const transportOptions: GitHubTransportOptions = {
    apiUrl: github.url,
    appId: options.appId ?? github.app.id,
    privateKey: options.privateKey ?? github.app.privateKey,
    privateKeyPath: '/etc/yardmaster/app.pem',
    runnerId: RUNNER,
    key,
    facts: () => someRunnerFacts(),
    pollMs: 20,
    fetch,
    clock: { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + skippedMs },
    random: systemRandom,
    log: createTestLogger(lines),
    userAgent: 'yardmaster-runner/test',
    onToken: (token) => void minted.push(token),
    backoff: { baseMs: 10, maxMs: 50 },
  };
  const open = () => createGitHubTransport(transportOptions);

  async function patch(spec: JobSpec, body: Record<string, unknown>): Promise<void> {
    const path = `/repos/${WIDGETS}/check-runs/${spec.checkRun.id}`;
    expect((await coordinator('PATCH', path, body)).status).toBe(200);
  }

  const contextOf = (spec: JobSpec) =>
    toMailContext({ repositoryId: spec.repository.id, checkRunId: spec.checkRun.id });

  async function offer(
    spec: JobSpec,
    said: Partial<OfferMail> = {},
    manner: { key?: MessageKey; context?: string } = {},
  ): Promise<void> {
    const { jobId, attemptId } = spec;
    const value = { runnerId: RUNNER, attemptId, jobId, epoch: 1, acceptWithinSeconds: 60, spec, ...said };
    const text = toSignedBlock(
      { kind: OFFER_KIND, context: manner.context ?? contextOf(spec), title: 'Offer', value },
      manner.key ?? key,
    );
    await patch(spec, { status: 'queued', output: { title: 'Queued', summary: 'Waits.', text } });
  }

  function readReport(spec: JobSpec): ReportMail | null {
    const expected = { kind: REPORT_KIND, context: contextOf(spec), maxBytes: MAX_MAIL_BYTES };
    const block = readSignedBlock(world.checkRun(spec).output.text ?? '', expected, key);
    return block.ok ? ReportMail.parse(block.value) : null;
  }

  const order = (spec: JobSpec, said: Partial<Order> & Pick<Order, 'verb' | 'nonce'>, signedWith = key) => {
    const line = toOrderLine({ epoch: 1, heartbeatSeconds: 0.1, leaseSeconds: 900, ...said });
    const signed = signLine(line, contextOf(spec), signedWith);
    return patch(spec, { external_id: `${spec.jobId}:${spec.attemptId}:${signed}` });
  };

  const claimOf = (spec: JobSpec) => until('it is claimed', () => readReport(spec));

  /** Up to the acknowledged claim. */
  async function take(transport = open()) {
    const spec = await world.makeSpec();
    await offer(spec);
    const found = await until('the offer is found', async () => {
      return (await transport.poll(idlePoll, forever())).offers[0];
    });
    const accepting = transport.accept(found, forever());
    const { nonce } = await claimOf(spec);
    await order(spec, { verb: 'go', nonce });
    const claim = await accepting;
    return { transport, spec, claim, nonce, channel: transport.attempt(claim.lease) };
  }

  /** As when the App was suspended for a while: what it has minted opens nothing any more, and none of it was minted just now. */
  async function killTokens(): Promise<void> {
    for (const token of minted.splice(0)) await createClient(github, token)('DELETE', '/installation/token');
    skippedMs += 60_000;
  }

  return {
    ...world,
    killTokens,
    lines,
    options: transportOptions,
    open,
    offer,
    order,
    readReport,
    claimOf,
    take,
    patch,
  };
}

describe('looking for work', () => {
  test('an idle runner’s looks are answered “not modified”, and cost nothing of the budget', async () => {
    await using world = await openTransportWorld();
    const done = await world.makeSpec();
    await world.patch(done, { status: 'completed', conclusion: 'success' });
    await world.makeSpec();
    const transport = world.open();
    await transport.connect(forever());
    await transport.poll(idlePoll, forever());
    const before = world.github.state.requests().length;

    const looksSince = () => world.github.state.requests().slice(before);
    await until('it has looked several times', async () => {
      await transport.poll({ ...idlePoll, waitSeconds: 0.5 }, forever());
      return looksSince().length > 4;
    });

    const looks = looksSince();
    expect(looks.map(({ status }) => status)).toSatisfy((all: number[]) => all.every((one) => one === 304));
    // The branch of the job that is over is not looked into any more.
    expect(looks.filter(({ path }) => path.includes(done.startCommit))).toEqual([]);
  });

  test('with many jobs waiting, a look stays small, and what is offered of the oldest is found by the next', async () => {
    await using world = await openTransportWorld();
    const specs: JobSpec[] = [];
    for (let count = 0; count < 7; count += 1) specs.push(await world.makeSpec());
    const client = createAppClient(world.options);
    const specialties = () => specs.map(({ specialty }) => specialty);
    const finder = createOfferFinder({ ...world.options, client, specialties, mostLooks: 4 });
    const look = async () => {
      const before = world.github.state.requests().length;
      const { found } = await finder.find(forever());
      const requests = world.github.state.requests().slice(before);
      return { found, looks: requests.filter(({ path }) => path.includes('/check-runs?')).length };
    };
    expect([(await look()).looks, (await look()).looks]).toEqual([4, 4]);
    const oldest = specs.reduce((one, other) => (one.jobId < other.jobId ? one : other));
    await world.offer(oldest);

    const { found, looks } = await look();

    expect(looks).toBe(4);
    expect(found).toMatchObject([{ offer: { attemptId: oldest.attemptId } }]);
    await finder.close(forever());
  });

  test('whose tokens have died before their time looks with new ones', async () => {
    await using world = await openTransportWorld();
    const transport = world.open();
    await transport.connect(forever());
    await transport.poll(idlePoll, forever());
    await world.killTokens();

    const spec = await world.makeSpec();
    await world.offer(spec);

    await until('the offer is found', async () => {
      const { offers } = await transport.poll({ ...idlePoll, waitSeconds: 0.2 }, forever());
      return offers[0]?.attemptId === spec.attemptId;
    });
  });

  test('offers for others, with wrong signatures, or copied from elsewhere are passed over', async () => {
    await using world = await openTransportWorld();
    const [forOther, forged, copied] = [
      await world.makeSpec(),
      await world.makeSpec(),
      await world.makeSpec(),
    ];
    await world.offer(forOther, { runnerId: '01999999-0000-7000-8000-000000000002' as RunnerId });
    await world.offer(forged, {}, { key: { id: 'otherkey', secret: new Uint8Array(32) } });
    await world.offer(copied, {}, { context: '1/2' });

    const transport = world.open();
    const said = (): Set<unknown> =>
      new Set(world.lines.filter(({ level }) => level === 40).map(({ why }) => why));
    // One poll may be over before it has looked at all of them.
    await until('both have been looked at', async () => {
      const { offers } = await transport.poll({ ...idlePoll, freeSlots: 9 }, forever());
      expect(offers).toEqual([]);
      return said().size === 2;
    });

    expect(said()).toEqual(new Set(['forged', 'other_key']));
  });

  test('a wrong key, a wrong App and a wrong address are told apart, with what to do', async () => {
    await using world = await openTransportWorld();
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const other = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    await using stranger = await openTransportWorld({ privateKey: other });

    await world.open().connect(forever());
    await expect(stranger.open().connect(forever())).rejects.toMatchObject({
      kind: 'misconfigured',
      message: expect.stringMatching(
        /does not take App \d+ with the private key in \/etc\/yardmaster\/app\.pem/,
      ),
    });
  });
});

describe('a claim', () => {
  test('turns the check run in progress, and nothing goes on before the coordinator has acknowledged it', async () => {
    await using world = await openTransportWorld();
    const { spec, claim } = await world.take();

    expect(world.checkRun(spec).status).toBe('in_progress');
    expect(claim).toMatchObject({ spec, leaseSeconds: 900, heartbeatSeconds: 0.1 });
  });

  test('is given up when the coordinator acknowledges another process', async () => {
    await using world = await openTransportWorld();
    const transport = world.open();
    const spec = await world.makeSpec();
    await world.offer(spec);
    const [offer] = (await transport.poll(idlePoll, forever())).offers;
    if (offer === undefined) throw new Error('nothing was found');
    const accepting = transport.accept(offer, forever());
    await world.claimOf(spec);

    await world.order(spec, { verb: 'go', nonce: 'somebody-else-0000000000' });

    await expect(accepting).rejects.toMatchObject({ kind: 'stale_attempt' });
  });

  test('is not made when the offer is gone by then', async () => {
    await using world = await openTransportWorld();
    const transport = world.open();
    const spec = await world.makeSpec();
    await world.offer(spec);
    const [offer] = (await transport.poll(idlePoll, forever())).offers;
    if (offer === undefined) throw new Error('nothing was found');
    await world.patch(spec, { output: { title: 'Queued', summary: 'Waits.', text: 'Withdrawn.' } });

    await expect(transport.accept(offer, forever())).rejects.toMatchObject({ kind: 'stale_attempt' });
    expect(world.checkRun(spec).status).toBe('queued');
  });
});

describe('an attempt', () => {
  test('hears cancel by poll and by heartbeat, and an older order put back does not undo it', async () => {
    await using world = await openTransportWorld();
    const { transport, spec, nonce, claim, channel } = await world.take();
    await world.order(spec, { verb: 'cancel', nonce });

    const poll = { ...idlePoll, freeSlots: 0, attempts: [claim.lease.attemptId], waitSeconds: 5 };
    const { cancels } = await transport.poll(poll, forever());
    expect(cancels).toMatchObject([{ attemptId: spec.attemptId }]);
    await world.order(spec, { verb: 'go', nonce });
    expect(await channel.heartbeat({ phase: 'agent' }, forever())).toMatchObject({ action: 'cancel' });
  });

  test('whose tokens have died before their time goes on with new ones', async () => {
    await using world = await openTransportWorld();
    const { spec, nonce, channel } = await world.take();
    await world.killTokens();

    await channel.complete({ result: aResult(), checkRunFinished: true }, 'any key', forever());

    expect(world.readReport(spec)).toMatchObject({ nonce, result: aResult() });
    expect(world.checkRun(spec)).toMatchObject({ status: 'completed', conclusion: 'success' });
  });

  test('takes no order that is signed with another key', async () => {
    await using world = await openTransportWorld();
    const { spec, nonce, channel } = await world.take();

    await world.order(spec, { verb: 'cancel', nonce }, { id: 'otherkey', secret: new Uint8Array(32) });

    expect(await channel.heartbeat({ phase: 'agent' }, forever())).toMatchObject({ action: 'continue' });
  });

  test('that was taken back is dropped', async () => {
    await using world = await openTransportWorld();
    const { spec, channel } = await world.take();

    await world.patch(spec, { external_id: `${spec.jobId}:${spec.attemptId}` });

    await expect(channel.heartbeat({ phase: 'agent' }, forever())).rejects.toMatchObject({
      kind: 'stale_attempt',
    });
  });

  test('gets its token to write only once the coordinator said so', async () => {
    await using world = await openTransportWorld();
    const { spec, nonce, channel } = await world.take();
    const headCommit = 'c'.repeat(40);
    const asking = channel.token({ purpose: 'publish', headCommit }, forever());
    await until('it asks', () => world.readReport(spec)?.publishCommit === headCommit);
    const canWrite = () =>
      world.github.state
        .tokens()
        .filter(
          ({ permissions }) => permissions['contents'] === 'write' && permissions['checks'] === undefined,
        );
    const before = canWrite().length;

    await world.order(spec, { verb: 'publish', nonce });

    expect((await asking).token).not.toBe('');
    expect(canWrite()).toHaveLength(before + 1);
  });

  test('ends with a signed result in the completed check run, and its tokens are dead', async () => {
    await using world = await openTransportWorld();
    const { spec, channel } = await world.take();
    await channel.appendLog({ offset: 0, text: 'The last words of the log\n' }, forever());

    await channel.complete({ result: aResult(), checkRunFinished: true }, 'any key', forever());

    const run = world.checkRun(spec);
    expect(run).toMatchObject({ status: 'completed', conclusion: 'success' });
    expect(run.output.text).toContain('The last words of the log');
    expect(world.readReport(spec)?.result).toEqual(aResult());
    const forJob = world.github.state.tokens().filter(({ permissions }) => permissions['checks'] === 'write');
    expect(forJob.at(-1)?.revoked).toBe(true);
  });

  test('whose result is too long for the check run ends with what matters of it, and says so', async () => {
    await using world = await openTransportWorld();
    const { spec, channel } = await world.take();
    const noise = Array.from(systemRandom.bytes(8000), (byte) => String.fromCharCode(0x4e00 + byte)).join('');
    const run = { command: ['npm', 'test'], exitCode: 1, timedOut: false, durationMs: 1, outputTail: noise };
    const tests = { verdict: 'failed' as const, runs: Array.from({ length: 20 }, () => run), counts: null };
    const evidence = { setup: [], before: tests, after: tests, withoutTests: null, repairRounds: 0 };
    const long = aResult({ outcome: 'tests_failed', summary: noise, evidence });
    expect(AttemptResult.safeParse(long).success).toBe(true);

    await channel.complete({ result: long, checkRunFinished: true }, 'any key', forever());

    const result = world.readReport(spec)?.result;
    expect(result).toMatchObject({ outcome: 'tests_failed', headCommit: long.headCommit });
    expect(world.checkRun(spec).output.text?.length ?? Infinity).toBeLessThanOrEqual(65_535);
  });

  test('is ended by a process that only has the journal, and a repeat is no second end', async () => {
    await using world = await openTransportWorld();
    const { spec, claim } = await world.take();
    const later = world.open().attempt(claim.lease);
    const request = { result: aResult({ outcome: 'cancelled' }), checkRunFinished: false };

    await later.complete(request, 'any key', forever());
    const { number } = world.readReport(spec) ?? {};
    await world.open().attempt(claim.lease).complete(request, 'any key', forever());

    expect(world.readReport(spec)).toMatchObject({ number, result: { outcome: 'cancelled' } });
  });
});
