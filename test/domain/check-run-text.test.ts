import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { type AttemptResult, Outcome } from '../../src/contract/attempt-result.ts';
import type { CommandRun } from '../../src/contract/command-run.ts';
import type { Evidence } from '../../src/contract/evidence.ts';
import { chooseRunner } from '../../src/domain/choose-runner.ts';
import type { CheckRunContent } from '../../src/domain/check-run-content.ts';
import {
  toCheckRun,
  toEvidenceCheckRun,
  toLaterHeadCheckRun,
  toProgressCheckRun,
  toResultCheckRun,
} from '../../src/domain/check-run-text.ts';
import { toPullRequest } from '../../src/domain/pull-request-text.ts';
import { HOSTILE_TEXT, findDangers } from '../support/hostile-text.ts';
import { toLogText } from '../../src/domain/log-text.ts';
import { aJob, aResult, aRunningAttempt, anAttempt, NOON_MS } from '../support/job-builders.ts';
import { aRunnerView } from '../support/runner-builders.ts';

const { reason: BUSY } = chooseRunner({
  specialty: 'backend',
  needs: [],
  agent: null,
  runners: ['be-1', 'be-2'].map((name) => aRunnerView(name, { active: 2, accepting: false })),
  avoid: new Set(),
  nowMs: NOON_MS,
});
const OWN_LINKS = [/\]\(https:\/\/github\.com\/acme\/widgets[^)]*\)/g];
const green = aResult();
const NONE = { names: [], total: 0 };
const EMPTY_CART = { names: ['test/cart.test.js › an empty cart costs nothing'], total: 1 };
const RECONNECTS = 'test/net.test.js › reconnects';
const someTests = {
  newlyPassing: NONE,
  newlyFailing: NONE,
  stillFailing: EMPTY_CART,
  flaky: NONE,
  gone: NONE,
  complete: true,
};
/** Tests that are red before and after. */
function toRuns(passed: number, failed: number): Pick<Evidence, 'before' | 'after'> {
  const before = green.evidence.before && {
    ...green.evidence.before,
    counts: { passed, failed, skipped: 0 },
  };
  return { before, after: before };
}
const red = aResult({
  outcome: 'tests_failed',
  reason:
    'Tests failed: npm test: exit 1 after 2.3 s. The same tests failed before this work; it breaks no others. It was given back to the agent 2 times.',
  evidence: {
    ...green.evidence,
    ...toRuns(2, 2),
    repairRounds: 2,
    tests: { ...someTests, stillFailing: { names: [...EMPTY_CART.names, RECONNECTS], total: 2 } },
    failures: [
      {
        name: 'test/cart.test.js › an empty cart costs nothing',
        message: 'AssertionError: NaN !== 0\n    at total (src/cart.js:7:3)',
        place: { path: 'src/cart.js', line: 7 },
      },
      { name: RECONNECTS, message: '', place: null },
    ],
  },
});
const LOG =
  '=== agent ===\n[claude] Edit src/cart.js\n=== pull_request: The work is done and the tests pass. ===\n';
const many = Array.from({ length: 50 }, (_, at) => `test/badge.test.js › case ${at + 1}`);
const broken = aResult({
  outcome: 'tests_failed',
  reason:
    'Tests failed: npm test: exit 1 after 2.3 s. The work turned 61 tests red that did not fail before. It was given back to the agent 2 times.',
  evidence: {
    ...red.evidence,
    before: toRuns(63, 2).before,
    after: toRuns(2, 62).after,
    failures: (red.evidence.failures ?? []).slice(0, 1),
    tests: {
      newlyPassing: { names: ['test/cart.test.js › a full cart'], total: 1 },
      newlyFailing: { names: many, total: 61 },
      stillFailing: EMPTY_CART,
      flaky: { names: [RECONNECTS], total: 1 },
      gone: { names: ['test/cart.test.js › a cart of one'], total: 1 },
      complete: false,
    },
  },
});
const hostileRun: CommandRun = {
  command: ['echo', HOSTILE_TEXT],
  exitCode: 1,
  timedOut: false,
  durationMs: 10,
  outputTail: HOSTILE_TEXT,
};
const hostile = aResult({
  outcome: 'tests_failed',
  reason: HOSTILE_TEXT,
  summary: HOSTILE_TEXT,
  agent: { name: HOSTILE_TEXT, version: HOSTILE_TEXT, model: HOSTILE_TEXT },
  evidence: {
    setup: [hostileRun],
    before: { verdict: 'failed', runs: [hostileRun], counts: null },
    after: { verdict: 'failed', runs: [hostileRun], counts: null },
    withoutTests: HOSTILE_TEXT,
    repairRounds: 0,
    tests: { ...someTests, newlyFailing: { names: [HOSTILE_TEXT.slice(0, 300)], total: 1 } },
    failures: [
      {
        name: HOSTILE_TEXT.slice(0, 300),
        message: HOSTILE_TEXT,
        place: { path: HOSTILE_TEXT.slice(0, 300), line: 1 },
      },
    ],
  },
});

test('why each command was chosen is told, folded, and can do no harm', () => {
  const reasons = [
    { command: ['npm', 'ci'], reason: 'there is a `package-lock.json`' },
    { command: ['echo', HOSTILE_TEXT], reason: HOSTILE_TEXT.slice(0, 500) },
    ...Array.from({ length: 10 }, () => ({ command: ['true'], reason: 'so' })),
  ];
  const result = aResult({ evidence: { ...green.evidence, reasons } });

  const { summary } = toResultCheckRun({ specialty: 'backend', runnerName: 'be-1', result });

  const [, folded = ''] =
    /<details><summary>Why these commands<\/summary>\n\n([^]*?)\n\n<\/details>/.exec(summary) ?? [];
  expect(folded).toMatch(/^- `npm ci`: there is a \\`package-lock\.json\\`\n/);
  expect(folded).toMatch(/\n- … and 2 more$/);
  expect(findDangers(folded)).toEqual([]);
});

describe('work that was not pushed', () => {
  const refused = aResult({ outcome: 'policy_refused', reason: 'No.', headCommit: null });
  const show = (patch: string, result = refused) =>
    toResultCheckRun({ specialty: 'backend', runnerName: 'be-1', result, patch }).summary;

  test('is shown as a folded diff before everything that may be cut', () => {
    const patch = `--- a/a\n+++ b/a\n+${'b'.repeat(19_900)}\n`;
    const output = 'x'.repeat(8000);
    const run = { ...hostileRun, outputTail: output };
    const evidence = { ...red.evidence, before: { verdict: 'failed' as const, runs: [], counts: null } };
    const setup = Array.from({ length: 20 }, () => run);

    const summary = show(patch, { ...refused, summary: output, evidence: { ...evidence, setup } });

    expect(summary).toContain(
      `<details><summary>The work that was not pushed, as a patch</summary>\n\n\`\`\`diff\n${patch}\`\`\`\n\n</details>`,
    );
    expect(summary.length).toBeLessThanOrEqual(65_535);
  });

  test('says when it is not shown as it is, lets nothing out of its block, and is left out when it is long', () => {
    expect(show('+a\u202Eb\n')).toContain('does not apply as it is shown');
    expect(show(`+${HOSTILE_TEXT.replaceAll('\n', '\n+')}\n</details>\n`)).toMatch(/(`{3,})diff\n[^]*\n\1\n/);
    expect(show(`+${'b'.repeat(20_000)}\n`)).not.toContain('as a patch');
  });
});

describe("the coordinator's view of an attempt", () => {
  test.each([
    {
      name: 'queued',
      job: aJob({ stateReason: BUSY }),
      attempt: anAttempt(),
      expected: { status: 'queued', title: 'Waiting for a runner' },
    },
    {
      name: 'at work',
      job: aJob({ state: 'running' }),
      attempt: aRunningAttempt(),
      expected: { status: 'in_progress', title: 'The agent is at work' },
    },
    {
      name: 'cancelled before a runner had it',
      job: aJob({ state: 'cancelled', stateReason: 'alice removed the label' }),
      attempt: anAttempt(),
      expected: { status: 'completed', conclusion: 'cancelled', title: 'Cancelled' },
    },
    {
      name: 'lost with its runner',
      job: aJob({ attemptNumber: 2 }),
      attempt: aRunningAttempt({ outcome: 'lost' }),
      expected: { status: 'completed', conclusion: 'neutral', title: 'The runner was lost' },
    },
    {
      name: 'replaced without a word',
      job: aJob({ attemptNumber: 2 }),
      attempt: aRunningAttempt(),
      expected: { status: 'completed', conclusion: 'neutral', title: 'The runner was lost' },
    },
    {
      name: 'out of time',
      job: aJob({ state: 'timed_out' }),
      attempt: aRunningAttempt({ outcome: 'timed_out' }),
      expected: { status: 'completed', conclusion: 'neutral', title: 'Out of time' },
    },
    {
      name: 'given up',
      job: aJob({ state: 'dead', stateReason: 'Nobody took it' }),
      attempt: anAttempt(),
      expected: { status: 'completed', conclusion: 'neutral' },
    },
    {
      name: 'cancelled, whatever its runner reported',
      job: aJob({ state: 'cancelled' }),
      attempt: aRunningAttempt({ outcome: 'cancelled', result: green }),
      expected: { status: 'completed', conclusion: 'cancelled' },
    },
    {
      name: 'done',
      job: aJob({ state: 'succeeded', outcome: 'pull_request' }),
      attempt: aRunningAttempt({ outcome: 'pull_request', result: green }),
      expected: { status: 'completed', conclusion: 'success' },
    },
  ])('$name', ({ job, attempt, expected }) => {
    const { name, content } = toCheckRun({ job, attempt });

    expect(name).toBe('Yardmaster / backend');
    expect(content).toMatchObject(expected);
    expect(content.conclusion === undefined).toBe(content.status !== 'completed');
  });

  test('the text for people', async () => {
    const { content } = toCheckRun({
      job: aJob({ stateReason: BUSY }),
      attempt: anAttempt(),
    });

    await matchesFile(content, 'check-run-queued');
  });
});

test('how an attempt ended decides the conclusion', () => {
  const conclusions = Outcome.exclude(['lost']).options.map((outcome) => [
    outcome,
    toResultCheckRun({ specialty: 'backend', runnerName: 'be-1', result: aResult({ outcome }) }).conclusion,
  ]);

  expect(Object.fromEntries(conclusions)).toEqual({
    pull_request: 'success',
    no_changes: 'neutral',
    tests_failed: 'failure',
    agent_failed: 'neutral',
    policy_refused: 'failure',
    timed_out: 'neutral',
    cancelled: 'cancelled',
  });
});

describe("the runner's texts", () => {
  const progress = {
    specialty: 'backend',
    runnerName: 'be-1',
    agentName: 'claude-code',
    sandbox: 'bubblewrap' as const,
  };

  test('progress', async () => {
    const content = toProgressCheckRun({
      ...progress,
      phase: 'agent',
      donePhases: [
        { phase: 'prepare', ms: 1800 },
        { phase: 'baseline', ms: 66_700 },
      ],
      note: 'Edit src/cart.js',
    });

    expect(content).toMatchObject({ status: 'in_progress', title: 'The agent is at work' });
    await matchesFile(content, 'check-run-progress');
  });

  test.each<{ name: string; result: AttemptResult; text?: string }>([
    { name: 'green', result: green, text: LOG },
    { name: 'red', result: red },
    {
      name: 'without-tests',
      result: aResult({
        outcome: 'no_changes',
        reason: 'The agent changed nothing.',
        headCommit: null,
        changes: [],
        changedFiles: 0,
        summary: '',
        phaseMs: { prepare: 1800, baseline: 100, agent: 184_000 },
        evidence: {
          setup: [],
          before: { verdict: 'not_run', runs: [], counts: null },
          after: null,
          withoutTests: 'There is no package.json',
          repairRounds: 0,
        },
      }),
    },
    { name: 'hostile', result: hostile, text: `${HOSTILE_TEXT}\n</details>\n` },
  ])('result: $name', async ({ name, result, text = '' }) => {
    const log = { text, jobId: aJob().id };
    const content = toResultCheckRun({ specialty: 'backend', runnerName: 'be-1', result, log });

    await matchesFile(content, `check-run-result-${name}`);
    expect(findDangers(content.summary, OWN_LINKS)).toEqual([]);
  });

  test('an agent without a sandbox is marked while it works and afterwards', () => {
    const running = { ...progress, phase: 'agent' as const, donePhases: [], note: null };
    const ended = { specialty: 'backend', runnerName: 'be-1' };

    const [open, boxed] = [
      toProgressCheckRun({ ...running, sandbox: 'none' }),
      toProgressCheckRun({ ...running, sandbox: 'bubblewrap' }),
    ].map(({ summary }) => summary);
    const [openAfter, boxedAfter, notReached] = [
      aResult({ sandbox: 'none' }),
      aResult({ sandbox: 'bubblewrap' }),
      aResult({ sandbox: 'none', phaseMs: { prepare: 1800 } }),
    ].map((result) => toResultCheckRun({ ...ended, result }).summary);

    expect(open).toContain('⚠️ The agent runs without a sandbox');
    expect(openAfter).toContain('⚠️ The agent ran without a sandbox');
    for (const text of [boxed, boxedAfter, notReached]) expect(text).not.toContain('without a sandbox');
  });

  test('agents that were passed over are told with the reason, wherever the agent is', () => {
    const passedOver = [{ name: 'claude', reason: `The service limits us: ${HOSTILE_TEXT}` }];
    const agent = { ...green.agent, name: 'codex', passedOver };
    const result = aResult({ agent });
    const attempt = anAttempt({ result });

    const running = toProgressCheckRun({
      ...progress,
      passedOver,
      phase: 'verify',
      donePhases: [],
      note: null,
    });
    const texts = [
      running.summary,
      toResultCheckRun({ specialty: 'backend', runnerName: 'be-1', result }).summary,
      toEvidenceCheckRun({ job: aJob(), attempt }).content.summary,
      toPullRequest({ job: aJob(), attempt }).body,
    ];

    for (const text of texts) {
      expect(text).toMatch(/\| Passed over \| `claude`: The service limits us/);
      expect(findDangers(text, [/^Closes #42\n/, ...OWN_LINKS])).toEqual([]);
    }
    expect(texts[2]).toContain('| Agent | `codex` |');
  });

  test('hostile notes and names do nothing', () => {
    const content = toProgressCheckRun({
      specialty: 'backend',
      runnerName: HOSTILE_TEXT,
      agentName: HOSTILE_TEXT,
      phase: 'agent',
      donePhases: [],
      sandbox: 'none',
      note: HOSTILE_TEXT,
    });

    expect(findDangers(content.summary)).toEqual([]);
  });
});

describe('the evidence on the pull request', () => {
  test.each([
    { name: 'green', result: green, conclusion: 'success' },
    { name: 'red', result: red, conclusion: 'failure' },
    { name: 'broken', result: broken, conclusion: 'failure' },
    { name: 'hostile', result: hostile, conclusion: 'failure' },
  ])('$name', async ({ name, result, conclusion }) => {
    const attempt = aRunningAttempt({ result, outcome: result.outcome });
    const job = aJob({ state: 'succeeded', ...(name === 'hostile' && { requestedBy: HOSTILE_TEXT }) });

    const evidence = toEvidenceCheckRun({ job, attempt });

    expect(evidence.name).toBe('Yardmaster evidence / backend');
    expect(evidence.content).toMatchObject({ status: 'completed', conclusion });
    expect(findDangers(evidence.content.summary, OWN_LINKS)).toEqual([]);
    await matchesFile(evidence.content, `check-run-evidence-${name}`);
  });

  test('failing tests are on their lines, in plain text, where there is such a file', () => {
    const attempt = aRunningAttempt({ result: red, outcome: red.outcome });
    const hostileAttempt = aRunningAttempt({ result: hostile, outcome: hostile.outcome });

    const { content } = toEvidenceCheckRun({ job: aJob(), attempt });
    const { content: ofHostile } = toEvidenceCheckRun({ job: aJob(), attempt: hostileAttempt });

    expect(content.annotations).toEqual([
      {
        path: 'src/cart.js',
        startLine: 7,
        endLine: 7,
        level: 'failure',
        title: 'Failing test: test/cart.test.js › an empty cart costs nothing',
        message: 'AssertionError: NaN !== 0\n    at total (src/cart.js:7:3)',
      },
    ]);
    expect(ofHostile.annotations).toEqual([]);
  });

  test('a later head of the pull request is told apart, and keeps no merge waiting', () => {
    const attempt = aRunningAttempt({ result: green, outcome: 'pull_request' });
    const commits = { pushed: 'a'.repeat(40), later: 'b'.repeat(40) };

    const { name, content } = toLaterHeadCheckRun({ job: aJob(), attempt, ...commits });

    expect(name).toBe('Yardmaster evidence / backend');
    expect(content).toMatchObject({
      status: 'completed',
      conclusion: 'neutral',
      title: 'Not run for this commit; the evidence is of aaaaaaa',
    });
    expect(findDangers(content.summary, OWN_LINKS)).toEqual([]);
  });

  test('work that was refused has no evidence of its own, which is said', () => {
    const result = aResult({ outcome: 'policy_refused', evidence: { ...green.evidence, after: null } });

    const { content } = toEvidenceCheckRun({ job: aJob({}), attempt: anAttempt({ result }) });

    expect(content).toMatchObject({ conclusion: 'neutral', title: 'Tests not run on this work' });
    expect(content.summary).toContain('**The tests were not run on this work**');
  });

  test('refused work that was pushed has the findings on its lines, and work that was not a table of them', () => {
    const findings = [
      { path: 'web/app.ts', line: 3, rule: 'looks like a secret (AWS)' },
      { path: 'AGENTS.md', line: null, rule: 'is protected, since it is what coding agents are told' },
      { path: '../out|`@everyone`', line: null, rule: 'is [wrong](https://evil.example)' },
    ];
    const evidence = { ...green.evidence, after: null };
    const pushed = aResult({ outcome: 'policy_refused', evidence, findings });
    const kept = { ...pushed, headCommit: null };

    const { content } = toEvidenceCheckRun({ job: aJob(), attempt: anAttempt({ result: pushed }) });
    const { summary } = toResultCheckRun({ specialty: 'backend', runnerName: null, result: kept });

    expect(content.annotations).toMatchObject([
      { path: 'web/app.ts', startLine: 3, message: 'This line looks like a secret (AWS).' },
      { path: 'AGENTS.md', startLine: 1, message: expect.stringMatching(/^This file is protected/) },
    ]);
    expect(summary).toContain('| `web/app.ts` | 3 | looks like a secret (AWS) |');
    expect(findDangers(summary)).toEqual([]);
    expect(
      toResultCheckRun({ specialty: 'backend', runnerName: null, result: pushed }).summary,
    ).not.toContain('web/app.ts');
  });

  test('tests that were not run are no success', () => {
    const evidence = { ...green.evidence, after: { verdict: 'not_run' as const, runs: [], counts: null } };

    const { content } = toEvidenceCheckRun({
      job: aJob(),
      attempt: aRunningAttempt({ result: aResult({ evidence }) }),
    });

    expect(content.conclusion).toBe('neutral');
  });
});

test.each(Outcome.options)('an attempt that ended as %s has the button for what comes next', (outcome) => {
  const { buttons } = toCheckRun({ job: aJob(), attempt: aRunningAttempt({ outcome }) }).content;

  expect(buttons).toEqual(outcome === 'pull_request' || outcome === 'no_changes' ? ['ask_again'] : ['retry']);
  expect(toCheckRun({ job: aJob(), attempt: anAttempt() }).content.buttons).toEqual(['cancel']);
});

test('the longest result fits into what GitHub takes', () => {
  const run: CommandRun = { ...hostileRun, command: ['`'.repeat(5000)], outputTail: '`\n'.repeat(8000) };
  const all = { verdict: 'failed' as const, runs: Array.from({ length: 20 }, () => run), counts: null };
  const result = aResult({
    reason: '*'.repeat(2000),
    summary: '@'.repeat(20_000),
    evidence: {
      setup: all.runs,
      before: all,
      after: all,
      withoutTests: '*'.repeat(9000),
      repairRounds: 3,
      failures: Array.from({ length: 20 }, () => ({
        name: '`'.repeat(300),
        message: '`\n'.repeat(1000),
        place: { path: '`'.repeat(1000), line: 1 },
      })),
    },
  });

  const { summary } = toResultCheckRun({ specialty: 'backend', runnerName: '`'.repeat(300), result });

  expect(summary.length).toBeLessThanOrEqual(65_535);
});

describe('the end of the log', () => {
  const { id: jobId } = aJob();
  const ended = { specialty: 'backend', runnerName: 'be-1' };

  test('begins with a whole line, and fits into what GitHub takes whatever is in it', () => {
    const text =
      toLogText({ text: `${'`'.repeat(20_000)}\n${'`'.repeat(11_000)}\nlast\n`, jobId }, aResult()) ?? '';

    expect(text.length).toBeLessThanOrEqual(65_535);
    expect(text).toMatch(/text\n…\n`{11000}\nlast\n/);
  });

  test('is not shown of work that was refused: it may tell the secret that the work was refused for', () => {
    const result = aResult({ outcome: 'policy_refused', headCommit: null });
    const log = { text: 'echo hunter2', jobId };

    const { text } = toResultCheckRun({ ...ended, result, log });

    expect(text).toBe(
      'The log is not shown here, since the work was refused. `yardmaster logs 0d2f5e7c1a01` shows all of it to the operator.',
    );
  });

  test.each([
    ['refused on the way, and mended', { wasRefused: true }, 'the work was refused'],
    ['without a sandbox', { sandbox: 'none' }, 'agent and tests ran without a sandbox'],
  ] as const)('is not shown of work that was %s', (_, more, reason) => {
    const log = { text: 'echo hunter2', jobId };

    const { text } = toResultCheckRun({ ...ended, result: { ...green, ...more }, log });

    expect(text).toContain(`The log is not shown here, since ${reason}.`);
    expect(text).not.toContain('hunter2');
    expect(toResultCheckRun({ ...ended, result: green, log }).text).toContain('hunter2');
  });

  test('is not shown of an attempt that was lost, and there is none before an attempt is over', () => {
    const job = aJob({ state: 'failed', outcome: 'lost' });
    const log = { text: 'the last words', jobId };

    const { text } = toCheckRun({ job, attempt: aRunningAttempt({ outcome: 'lost' }), log }).content;
    expect(text).toContain('its runner did not tell how it ended');
    expect(text).not.toContain('the last words');
    expect(
      toCheckRun({ job: aJob({ state: 'running' }), attempt: aRunningAttempt(), log }).content.text,
    ).toBeUndefined();
    expect(toResultCheckRun({ ...ended, result: green, log: { text: '\n', jobId } }).text).toBeUndefined();
  });
});

async function matchesFile(content: CheckRunContent, name: string): Promise<void> {
  const { title, summary, status, conclusion } = content;
  const text = content.text === undefined ? '' : `\n${content.text}\n`;
  await expect(`${status} ${conclusion ?? ''}\n${title}\n\n${summary}\n${text}`).toMatchFileSnapshot(
    path.resolve(import.meta.dirname, `../fixtures/texts/${name}.md`),
  );
}
