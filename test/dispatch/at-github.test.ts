import { expect, test } from 'vitest';
import { createAttemptTokens } from '../../src/dispatch/attempt-tokens.ts';
import type { Store } from '../../src/store/store.ts';
import { createAcceptTrigger } from '../../src/dispatch/accept-trigger.ts';
import { createAssigner } from '../../src/dispatch/assigner.ts';
import { createDispatcher } from '../../src/dispatch/dispatcher.ts';
import { createEffects } from '../../src/dispatch/effects/effects.ts';
import { createOutbox } from '../../src/dispatch/outbox.ts';
import { createRunnerRegistry } from '../../src/dispatch/runner-registry.ts';
import * as checkRunTexts from '../../src/domain/check-run-text.ts';
import { decide } from '../../src/domain/decide.ts';
import { BUILT_IN_LABELS } from '../../src/domain/labels.ts';
import { toPullRequest } from '../../src/domain/pull-request-text.ts';
import { toSettingsCheckRun } from '../../src/domain/settings-check-text.ts';
import { toStartCommitMessage } from '../../src/domain/start-commit-text.ts';
import { statusMarker, toStatusComment } from '../../src/domain/status-comment-text.ts';
import { DEFAULT_TIMINGS } from '../../src/domain/timings.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { createUuidV7 } from '../../src/lib/uuid-v7.ts';
import { aLabelTrigger, anIdempotency, MAIL_KEY, value } from '../support/dispatch-world.ts';
import { openTestStore } from '../support/embedded-store.ts';
import { fullNameOf, type GitHubAtStandin, openGitHubAtStandin } from '../support/github-at-standin.ts';
import { aResult } from '../support/job-builders.ts';
import { someRunnerFacts } from '../support/runner-builders.ts';
import { createTestLogger } from '../support/test-logger.ts';
import { aSeal } from '../support/seal.ts';

test('a job goes from a label to its pull request on GitHub, with as few writes as it takes', async () => {
  await using at = await openGitHubAtStandin();
  await using opened = await openTestStore();
  const target = await at.createTarget();
  const fullName = fullNameOf(target);
  const parts = assemble(at, opened.store);
  const { number: issueNumber } = await at.standin
    .as('alice')
    .openIssue({ repository: fullName, title: 'Totals are wrong', labels: ['agent:backend'] });
  const { lease, spec } = await startWork();

  const head = await at.standin
    .as('alice')
    .pushFiles(fullName, spec.branch, { 'fix.txt': 'done\n' }, 'Fix the totals');
  const result = aResult({ headCommit: head });
  value(
    await parts.dispatcher.complete({ lease, result, checkRunFinished: true, idempotency: anIdempotency() }),
  );
  await parts.outbox.runDue();

  const [job] = await opened.store.jobs.list({ states: [], limit: 1 });
  const pullRequests = at.standin.state.pullRequests(fullName);
  expect(job).toMatchObject({ state: 'succeeded', pullRequest: { number: pullRequests[0]?.number } });
  expect(at.standin.state.comments(fullName, issueNumber)).toHaveLength(1);
  expect(
    at.standin.state
      .checkRuns(fullName)
      .map((run) => run.name)
      .sort(),
  ).toEqual(['Yardmaster / backend', 'Yardmaster evidence / backend']);
  const writes = at.standin.state
    .requests()
    .filter((request) => request.method !== 'GET' && request.path.startsWith(`/repos/${fullName}/`));
  expect(writes.map(({ method, path }) => `${method} ${path.replace(`/repos/${fullName}`, '')}`)).toEqual([
    'POST /git/commits',
    'POST /git/refs',
    'POST /check-runs',
    `POST /issues/${issueNumber}/comments`,
    'POST /pulls',
    'POST /check-runs',
    expect.stringMatching(/^PATCH \/issues\/comments\/\d+$/),
  ]);
  const ofTheJob = at.standin.state.tokens().filter((token) => token.repositories !== null);
  expect(ofTheJob.map(({ permissions, revoked }) => [permissions['contents'], revoked])).toEqual([
    ['read', true],
    ['write', true],
  ]);
  await parts.stop();

  async function startWork() {
    const { token } = await parts.registry.createEnrollToken({ specialties: null, expiresInSeconds: null });
    const facts = someRunnerFacts();
    const enrolled = value(await parts.registry.enroll({ token, facts }, anIdempotency()));
    const { sessionToken } = value(await parts.registry.openSession({ ...enrolled, facts }));
    const session = value(await parts.registry.authenticate(sessionToken));
    await parts.acceptTrigger(aLabelTrigger({ target, issueNumber }));
    await parts.outbox.runDue();
    await parts.assigner.assign();
    const request = { waitSeconds: 5, freeSlots: 1, freeDiskBytes: 1, attempts: [], draining: false };
    const [offer] = value(
      await parts.dispatcher.poll({ session, request, signal: new AbortController().signal }),
    ).offers;
    if (!offer) throw new Error('nothing was offered');
    const { attemptId, epoch } = offer;
    const taken = value(
      await parts.dispatcher.accept({ session, attemptId, epoch, idempotency: anIdempotency() }),
    );
    const lease = { session, attemptId, epoch, leaseToken: taken.leaseToken };
    value(await parts.dispatcher.start(lease, anIdempotency()));
    value(await parts.dispatcher.token({ lease, purpose: 'publish', headCommit: null }));
    return { lease, spec: taken.spec };
  }
});

/** The parts of dispatch over a real GitHub client. */
function assemble({ github }: GitHubAtStandin, store: Store) {
  const shared = {
    store,
    clock: systemClock,
    random: systemRandom,
    newId: createUuidV7({ clock: systemClock, random: systemRandom }),
    timings: DEFAULT_TIMINGS,
    log: createTestLogger(),
  };
  const tokens = createAttemptTokens({ ...shared, github, seal: aSeal() });
  const texts = {
    ...checkRunTexts,
    toSettingsCheckRun,
    toPullRequest,
    toStartCommitMessage,
    statusMarker,
    toStatusComment,
  };
  const assigner = createAssigner(shared);
  const outbox = createOutbox({
    ...shared,
    effects: createEffects({
      ...shared,
      github,
      texts,
      tokens,
      labels: BUILT_IN_LABELS,
      mailKey: MAIL_KEY,
      githubApiUrl: 'https://api.github.com',
    }),
  });
  return {
    assigner,
    outbox,
    dispatcher: createDispatcher({
      ...shared,
      github,
      tokens,
      assigner,
      githubApiUrl: 'https://api.github.com',
    }),
    registry: createRunnerRegistry({ ...shared, coordinatorVersion: 'test' }),
    acceptTrigger: createAcceptTrigger({
      ...shared,
      github,
      decide,
      lookAtCheckRun: () => Promise.reject(new Error('no runner here only reaches GitHub')),
    }),
    stop: () => outbox.stop(),
  };
}
