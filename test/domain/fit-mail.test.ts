import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { AttemptResult } from '../../src/contract/attempt-result.ts';
import { JobSpec } from '../../src/contract/job.ts';
import { fitResult, fitSpec } from '../../src/domain/fit-mail.ts';
import { aResult } from '../support/job-builders.ts';
import { aJobSpec } from '../support/job-spec.ts';

const LIMIT = 20_000;
const fits = (value: unknown): boolean => JSON.stringify(value).length <= LIMIT;

/** Results as large as the protocol lets them be. */
const results = fc
  .record({
    tail: fc.integer({ min: 0, max: 16_384 }),
    runs: fc.integer({ min: 1, max: 20 }),
    words: fc.integer({ min: 1, max: 2000 }),
    summary: fc.string({ maxLength: 20_000, size: 'max' }),
    reason: fc.string({ maxLength: 2000 }),
    changes: fc.integer({ min: 0, max: 300 }),
    path: fc.integer({ min: 1, max: 4096 }),
  })
  .map(({ tail, runs, words, summary, reason, changes, path }) => {
    const run = {
      command: Array.from({ length: words }, () => 'word'),
      exitCode: 1,
      timedOut: false,
      durationMs: 5,
      outputTail: 'é'.repeat(tail),
    };
    const tests = { verdict: 'failed' as const, runs: Array.from({ length: runs }, () => run), counts: null };
    return aResult({
      reason,
      summary,
      changes: Array.from({ length: changes }, () => ({
        path: 'p'.repeat(path),
        status: 'added' as const,
        added: 1,
        removed: 0,
      })),
      changedFiles: changes,
      agent: {
        ...aResult().agent,
        passedOver: Array.from({ length: Math.min(words, 10) }, () => ({
          name: 'claude',
          reason: summary.slice(0, 2000),
        })),
      },
      evidence: {
        setup: tests.runs,
        before: tests,
        after: tests,
        withoutTests: null,
        repairRounds: 2,
        failures: Array.from({ length: runs }, () => ({
          name: 'n'.repeat(300),
          message: 'é'.repeat(Math.min(tail, 2000)),
          place: { path: 'p'.repeat(Math.min(path, 1000)), line: 1 },
        })),
      },
    });
  });

test('every result comes to fit, is still one, and keeps what decides', () => {
  fc.assert(
    fc.property(results, (result) => {
      const fitted = fitResult(result, fits);

      expect(fits(fitted)).toBe(true);
      expect(AttemptResult.safeParse(fitted).success).toBe(true);
      const { outcome, headCommit, retryable, usage, changedFiles } = result;
      expect(fitted).toMatchObject({ outcome, headCommit, retryable, usage, changedFiles });
      expect(fitted.evidence.after?.verdict).toBe('failed');
    }),
    { numRuns: 50 },
  );
});

test('a result that fits is left alone; one that was cut says so, and keeps the ends of outputs', () => {
  const small = aResult();
  expect(fitResult(small, fits)).toBe(small);

  const [run] = small.evidence.setup;
  if (run === undefined) throw new Error('the builder has no set-up');
  const large = aResult({
    evidence: { ...small.evidence, setup: [{ ...run, outputTail: `${'x'.repeat(16_000)}the end` }] },
    summary: 's'.repeat(20_000),
  });
  const cut = fitResult(large, fits);
  expect(cut.reason).toContain('was cut');
  expect(cut.evidence.setup[0]?.outputTail).toMatch(/the end$/);
});

test('a long issue is cut with a note, and everything else of the job is kept', () => {
  const spec = aJobSpec();
  expect(fitSpec(spec, fits)).toBe(spec);

  const cut = fitSpec({ ...spec, issue: { ...spec.issue, body: 'b'.repeat(65_536) } }, fits);
  expect(JobSpec.safeParse(cut).success).toBe(true);
  expect(cut?.issue.body).toContain('[Cut here');
  expect(cut).toMatchObject({ ...spec, issue: { title: spec.issue.title } });
});

test('a job with many comments loses the oldest ones, which is counted', () => {
  const spec = aJobSpec();
  const comments = ['first', 'second', 'third'].map((author) => ({
    author,
    createdAt: '2026-11-20T10:00:00Z',
    body: 'x'.repeat(8000),
  }));
  const commentsLeftOut = { untrusted: 1, edited: 0, unread: 2 };

  const cut = fitSpec({ ...spec, issue: { ...spec.issue, comments, commentsLeftOut } }, fits);

  expect(cut?.issue.comments?.map(({ author }) => author)).toEqual(['second', 'third']);
  expect(cut?.issue.commentsLeftOut).toEqual({ untrusted: 1, edited: 0, unread: 3 });
});

test('a job whose commands alone are too long does not fit', () => {
  const spec = aJobSpec();
  const settings = { ...spec.settings, testCommands: [['x'.repeat(30_000)]] };

  expect(fitSpec({ ...spec, settings }, fits)).toBeNull();
});
