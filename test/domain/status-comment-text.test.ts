import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { AttemptResult } from '../../src/contract/attempt-result.ts';
import type { JobId } from '../../src/contract/identifiers.ts';
import { JOB_STATES } from '../../src/contract/job.ts';
import { judgeChanges } from '../../src/domain/change-policy.ts';
import type { PullRequestEnd } from '../../src/domain/job.ts';
import { toRefusalText } from '../../src/domain/refusal-text.ts';
import { type ReportedJob, statusMarker, toStatusComment } from '../../src/domain/status-comment-text.ts';
import { HOSTILE_TEXT, findDangers } from '../support/hostile-text.ts';
import {
  NOON_MS,
  aJob,
  aResult,
  aRevision,
  aRunningAttempt,
  anAttempt,
  someEvents,
} from '../support/job-builders.ts';

const marker = statusMarker({ repositoryId: 71, issueNumber: 42 });
const pullRequest = { number: 7, url: 'https://github.com/acme/widgets/pull/7' };
const waiting = 'No runner has the specialty `backend`. Registered: fe-1 (frontend).';

describe('the status comment of an issue', () => {
  test.each<{ name: string; jobs: ReportedJob[] }>([
    { name: 'queued', jobs: [reported({ job: aJob({ stateReason: waiting }), queuePosition: 3 })] },
    {
      name: 'running',
      jobs: [
        reported({
          job: aJob({ state: 'running' }),
          attempt: aRunningAttempt({
            progress: {
              agent: { name: 'claude-code', model: 'claude-sonnet' },
              usage: { inputTokens: 21_000, outputTokens: 900, costUsd: 0.0812, turns: 5 },
            },
          }),
          events: someEvents(
            'queued: Queued',
            'accepted: be-1 accepted',
            'phase: a runner is getting ready',
            'phase: running the tests on the untouched code',
            'phase: the agent is at work',
          ),
        }),
      ],
    },
    {
      name: 'succeeded',
      jobs: [
        reported({
          job: aJob({ state: 'succeeded', outcome: 'pull_request', pullRequest, finishedAtMs: NOON_MS }),
          attempt: aRunningAttempt({ phase: 'publish', result: aResult(), outcome: 'pull_request' }),
        }),
      ],
    },
    {
      name: 'asked-again',
      jobs: [
        reported({
          job: aJob({ state: 'succeeded', outcome: 'pull_request', pullRequest }),
          attempt: aRunningAttempt({ phase: 'publish', result: aResult(), outcome: 'pull_request' }),
          events: someEvents(
            'asked_again_notice: bob asked for it again, and pull request #7 is open.',
            'asked_again_notice: alice asked for it again, and pull request #7 is open. Merge or close it first, then remove the label "agent:backend" and add it again.',
          ),
        }),
      ],
    },
    {
      name: 'merged',
      jobs: [
        reported({
          job: aJob({
            state: 'succeeded',
            outcome: 'pull_request',
            pullRequest: { ...pullRequest, ended: { how: 'merged', by: 'olga', atMs: NOON_MS } },
          }),
          attempt: aRunningAttempt({ phase: 'publish', result: aResult(), outcome: 'pull_request' }),
        }),
      ],
    },
    {
      name: 'closed',
      jobs: [
        reported({
          job: aJob({
            state: 'succeeded',
            outcome: 'pull_request',
            pullRequest: { ...pullRequest, ended: { how: 'closed', by: null, atMs: NOON_MS } },
          }),
          attempt: aRunningAttempt({ phase: 'publish', result: aResult(), outcome: 'pull_request' }),
          events: someEvents(
            'asked_again_notice: bob asked for it again, and pull request #7 is open.',
            'wish_notice: olga could not be asked for a review. GitHub answered 422: Reviews may only be requested from collaborators.',
          ),
        }),
      ],
    },
    {
      name: 'tests-failed',
      jobs: [
        reported({
          job: aJob({ state: 'failed', outcome: 'tests_failed', attemptNumber: 2 }),
          earlierAttempts: [
            aRunningAttempt({
              outcome: 'agent_failed',
              result: aResult({
                outcome: 'agent_failed',
                reason: 'The agent crashed (exit 1).',
                headCommit: null,
                phaseMs: { prepare: 1800, baseline: 6700, agent: 12_000 },
              }),
            }),
          ],
          attempt: aRunningAttempt({
            number: 2,
            phase: 'publish',
            outcome: 'tests_failed',
            result: aRedResult(),
          }),
        }),
      ],
    },
    {
      name: 'not-accepted',
      jobs: [
        reported({
          job: aJob({ state: 'failed', outcome: 'policy_refused' }),
          attempt: aRunningAttempt({
            phase: 'publish',
            outcome: 'policy_refused',
            result: aResult({
              outcome: 'policy_refused',
              reason: toRefusalText({
                reasons: refuse(['AGENTS.md', 'docs/CODEOWNERS', 'package-lock.json']),
                kept: { kind: 'branch', branch: 'agent/42-totals-are-wrong-for-empty-carts' },
                hasSecret: false,
              }),
            }),
          }),
        }),
      ],
    },
    {
      name: 'refused',
      jobs: [
        reported({
          job: aJob({
            state: 'refused',
            attemptNumber: 0,
            stateReason:
              '.github/yardmaster.yml on the default branch can\'t be used:\n- line 3, specialties.backend.tests: there is no such setting; did you mean "test"?',
          }),
          attempt: null,
        }),
      ],
    },
    {
      name: 'several-jobs',
      jobs: [
        reported({
          job: aJob({ state: 'cancelled', outcome: 'cancelled', stateReason: 'alice removed the label' }),
        }),
        reported({
          job: anotherJob(1, {
            specialty: 'frontend',
            label: 'agent:frontend',
            state: 'queued',
            runAtMs: NOON_MS + 90_000,
          }),
          queuePosition: 1,
        }),
        reported({
          job: anotherJob(2, { state: 'running' }),
          attempt: aRunningAttempt({ phase: 'verify' }),
        }),
      ],
    },
    {
      name: 'hostile',
      jobs: [
        reported({
          job: aHostileJob(),
          attempt: aRunningAttempt({ outcome: 'agent_failed', result: aHostileResult() }),
          events: [{ ...someEvents('x')[0], jobId: aJob().id, atMs: NOON_MS, kind: 'x', text: HOSTILE_TEXT }],
        }),
      ],
    },
  ])('$name', async ({ name, jobs }) => {
    const comment = toStatusComment({ marker, jobs });

    await expect(comment).toMatchFileSnapshot(
      path.resolve(import.meta.dirname, `../fixtures/texts/status-comment-${name}.md`),
    );
    expect(comment.startsWith(marker)).toBe(true);
    expect(dangersIn(comment)).toEqual([]);
  });

  test('while work goes on, its cost is told once somebody knows it, together with that of attempts before', () => {
    const usage = { inputTokens: 900, outputTokens: 30, costUsd: null, turns: 1 };
    const progress = { agent: { name: 'claude', model: null }, usage };
    const tell = (costUsd: number | null, earlierAttempts: ReportedJob['earlierAttempts'] = []) =>
      toStatusComment({
        marker,
        jobs: [
          reported({
            job: aJob({ state: 'running' }),
            attempt: aRunningAttempt({ progress: { ...progress, usage: { ...usage, costUsd } } }),
            earlierAttempts,
          }),
        ],
      });
    const before = aRunningAttempt({ outcome: 'agent_failed', result: aResult() });

    expect(tell(null)).toMatch(/agent `claude` · \[check run\]/);
    expect(tell(0.5)).toContain('agent `claude` · cost so far $0.50 ·');
    expect(tell(null, [before])).toContain('cost so far $0.42 ·');
    expect(tell(0.5, [before])).toContain('cost so far $0.92 ·');
  });

  test('hundreds of attempts, of which none may be the last word, leave room for the rest', () => {
    const earlierAttempts = Array.from({ length: 300 }, (_, at) =>
      aRunningAttempt({
        number: at + 1,
        outcome: 'lost',
        result: aResult({ reason: HOSTILE_TEXT.repeat(9) }),
      }),
    );

    const comment = toStatusComment({
      marker,
      jobs: [reported({ job: aJob({ state: 'running' }), earlierAttempts })],
    });

    expect(comment).toContain(
      '<summary>Earlier attempts (300)</summary>\n\n- … 280 more before\n- attempt 281: ',
    );
    expect(comment).toMatch(/cost so far \$126\.39/);
    expect(dangersIn(comment)).toEqual([]);
  });

  test('names somebody’s pull request as a link, where we speak of it ourselves', () => {
    const said = 'Pull request #8 by x](//evil.example) is open';
    const toBody = (state: 'refused' | 'failed') =>
      toStatusComment({ marker, jobs: [reported({ job: aJob({ state, stateReason: said }) })] });

    expect(toBody('refused')).toContain('> [Pull request #8](https://github.com/acme/widgets/pull/8) by x');
    expect(toBody('refused')).not.toContain('](//');
    expect(toBody('failed')).not.toContain('[Pull request #8]');
  });

  test.each(JOB_STATES)('a job that is %s has a headline and says what people can do', (state) => {
    const comment = toStatusComment({ marker, jobs: [reported({ job: aJob({ state }) })] });

    expect(comment).toMatch(/^### \S+ backend: \S+/m);
    expect(comment).toMatch(
      /To cancel, write `.agent cancel backend`, remove the label|(?:To try again|Once that is settled), write `.agent retry backend`, or remove the label|Review the pull request/,
    );
    expect(comment).not.toContain('undefined');
  });

  test('while one specialty works, the pull request of another is still to be reviewed', () => {
    const job = aJob({ state: 'succeeded', outcome: 'pull_request', pullRequest });
    const live = anotherJob(1, { specialty: 'frontend', state: 'running', label: null });

    const comment = toStatusComment({ marker, jobs: [reported({ job }), reported({ job: live })] });

    expect(comment).toMatch(
      /\n---\n\nTo cancel, write `\/agent cancel frontend`, or close the issue\.\nReview \[pull request #7\]\(\S+\/pull\/7\),/,
    );
  });

  test('work that changed nothing, or is as red as before, is not only to be tried again', () => {
    const { evidence } = aRedResult();
    const tests = evidence.tests && { ...evidence.tests, newlyFailing: { names: [], total: 0 } };
    const redBefore = aResult({ outcome: 'tests_failed', evidence: { ...evidence, tests } });
    const footerOf = (result: AttemptResult) =>
      toStatusComment({
        marker,
        jobs: [
          reported({
            job: aJob({ state: 'failed', outcome: result.outcome }),
            attempt: aRunningAttempt({ result, outcome: result.outcome }),
          }),
        ],
      }).split('\n---\n')[1];

    expect(footerOf(aResult({ outcome: 'no_changes' }))).toContain('`/agent run backend -- <what to do>`');
    expect(footerOf(redBefore)).toContain('`allow_red_before: true`');
    expect(footerOf(aResult({ outcome: 'agent_failed' }))).not.toMatch(/<what to do>|allow_red_before/);
  });

  test('the timeline leads to the pull request, and nowhere else', () => {
    const job = aJob({ state: 'succeeded', outcome: 'pull_request', pullRequest });
    const texts = [`Pull request #7 is open: ${pullRequest.url}`, 'See https://evil.example'];
    const events = texts.map((text) => ({ jobId: job.id, atMs: NOON_MS, kind: 'pull_request', text }));

    const comment = toStatusComment({ marker, jobs: [reported({ job, events })] });

    expect(comment).toContain(` is open: ${pullRequest.url}\n`);
    expect(comment).not.toContain('https://evil');
  });

  describe('of a revision', () => {
    const { pullRequest } = aRevision();
    const done = (ended?: PullRequestEnd) =>
      reported({
        job: aJob({
          state: 'succeeded',
          outcome: 'pull_request',
          pullRequest: { ...pullRequest, ...(ended && { ended }) },
        }),
      });
    const failed = reported({
      job: anotherJob(5, {
        kind: 'revise',
        state: 'failed',
        outcome: 'no_changes',
        revision: aRevision({ round: 3 }),
      }),
    });

    test('says which round came to nothing, and how to ask again', () => {
      const comment = toStatusComment({ marker, jobs: [done(), failed] });

      expect(comment).toMatch(/^### ❌ backend: the agent changed nothing$/m);
      expect(comment).toContain('round 3 on [pull request #7]');
      expect(comment).toContain('Pull request #7 is as it was. To try again, write `/agent retry` here');
      expect(comment).not.toContain('remove the label');
    });

    test('tells of the pull request once that has ended', () => {
      const ended = { how: 'merged' as const, by: 'alice', atMs: NOON_MS };
      const comment = toStatusComment({ marker, jobs: [done(ended), failed] });

      expect(comment).toMatch(/^### ✅ backend: pull request #7 was merged$/m);
      expect(comment).toContain('Earlier jobs (1)');
    });
  });

  test('hundreds of jobs with endless reasons stay within what GitHub takes', () => {
    const jobs = Array.from({ length: 400 }, (_, at) =>
      reported({
        job: anotherJob(at, {
          specialty: `specialty-${at % 30}`,
          stateReason: '*'.repeat(5000),
          requestedBy: '`'.repeat(300),
        }),
        events: someEvents(...Array.from({ length: 200 }, () => `x: ${'_'.repeat(2000)}`)),
      }),
    );

    const comment = toStatusComment({ marker, jobs });

    expect(comment.length).toBeLessThanOrEqual(60_000);
    expect(comment).toMatch(/^### /m);
  });
});

function dangersIn(comment: string): string[] {
  return findDangers(comment, [
    /^<!-- yardmaster:status [^>]*-->/,
    /<\/?(?:details|summary)>/g,
    /\]\(https:\/\/github\.com\/acme\/widgets[^)]*\)/g,
    /#7\b/g,
  ]);
}

function reported(overrides: Partial<ReportedJob> = {}): ReportedJob {
  return {
    job: aJob(),
    attempt: anAttempt(),
    earlierAttempts: [],
    events: [],
    queuePosition: null,
    ...overrides,
  };
}

function anotherJob(at: number, overrides: Parameters<typeof aJob>[0]) {
  const id = `4f0a3f0e-6f6d-4c8e-9a51-${String(at).padStart(12, '0')}` as JobId;
  const atMs = NOON_MS + (at + 1) * 1000;
  return aJob({ id, createdAtMs: atMs, updatedAtMs: atMs, ...overrides });
}

function aHostileJob() {
  const issue = { ...aJob().issue, title: HOSTILE_TEXT, labels: [HOSTILE_TEXT] };
  return aJob({
    issue,
    state: 'failed',
    outcome: 'agent_failed',
    stateReason: HOSTILE_TEXT,
    requestedBy: HOSTILE_TEXT,
    branch: 'agent/42-](https://evil.example)<b>@alice',
  });
}

/** Two tests fail that did not before. */
function aRedResult() {
  const { evidence } = aResult();
  const runs = (passed: number, failed: number) =>
    evidence.before && { ...evidence.before, counts: { passed, failed, skipped: 0 } };
  return aResult({
    outcome: 'tests_failed',
    reason:
      'Tests failed: npm test: exit 1 after 2.3 s. The work turned 2 tests red that did not fail before. It was given back to the agent once.',
    evidence: {
      ...evidence,
      before: runs(3, 1),
      after: runs(1, 3),
      tests: {
        newlyPassing: { names: [], total: 0 },
        newlyFailing: { names: ['test/cart.test.js › a full cart', 'test/badge.test.js › counts'], total: 2 },
        stillFailing: { names: ['test/cart.test.js › an empty cart costs nothing'], total: 1 },
        flaky: { names: [], total: 0 },
        gone: { names: [], total: 0 },
        complete: true,
      },
    },
  });
}

function aHostileResult() {
  const agent = { name: HOSTILE_TEXT, version: HOSTILE_TEXT, model: HOSTILE_TEXT };
  return aResult({ outcome: 'agent_failed', reason: HOSTILE_TEXT, summary: HOSTILE_TEXT, agent });
}

function refuse(paths: string[]): string[] {
  const verdict = judgeChanges({ changes: [], entries: paths.map((path) => ({ path, mode: '100644' })) });
  return verdict.ok ? [] : verdict.reasons;
}
