import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { DEFAULT_JOB_SETTINGS } from '../../src/domain/repo-settings.ts';
import { toPullRequest } from '../../src/domain/pull-request-text.ts';
import { toStartCommitMessage } from '../../src/domain/start-commit-text.ts';
import { HOSTILE_TEXT, findDangers } from '../support/hostile-text.ts';
import { aJob, aResult, aRunningAttempt, anAttempt } from '../support/job-builders.ts';

describe('the pull request', () => {
  test('tells what was done, how it was checked, and how it was made', async () => {
    const { title, body, draft } = toPullRequest({
      job: aJob(),
      attempt: aRunningAttempt({ result: aResult() }),
    });

    expect(title).toBe('Totals are wrong for empty carts');
    expect(draft).toBe(false);
    await expect(`${body}\n`).toMatchFileSnapshot(fixture('pull-request.md'));
  });

  test('is a draft without green tests, and says when there was no sandbox', async () => {
    const notRun = { verdict: 'not_run' as const, runs: [], counts: null };
    const withoutTests = 'There is no test script in package.json';
    const { setup } = aResult().evidence;
    const evidence = { setup, before: notRun, after: notRun, withoutTests, repairRounds: 0 };
    const result = aResult({ reason: withoutTests, evidence, sandbox: 'none' });

    const { body, draft } = toPullRequest({ job: aJob(), attempt: aRunningAttempt({ result }) });

    expect(draft).toBe(true);
    await expect(`${body}\n`).toMatchFileSnapshot(fixture('pull-request-without-tests.md'));
  });

  test('closes its own issue and no other, pings nobody, and brings no HTML in', async () => {
    const issue = { ...aJob().issue, title: HOSTILE_TEXT };
    const result = aResult({
      summary: HOSTILE_TEXT,
      changes: [{ path: HOSTILE_TEXT, status: 'added', added: 1, removed: 0 }],
      agent: { name: HOSTILE_TEXT, version: HOSTILE_TEXT, model: HOSTILE_TEXT },
    });

    const { title, body } = toPullRequest({
      job: aJob({ issue, requestedBy: HOSTILE_TEXT }),
      attempt: aRunningAttempt({ result }),
    });

    expect(body.match(/(?:clos|fix|resolv)\w*:? +\S*#\d+/gi)).toEqual(['Closes #42']);
    expect(findDangers(body, [/^Closes #42\n/, /\]\(https:\/\/github\.com\/acme\/widgets[^)]*\)/g])).toEqual(
      [],
    );
    expect(title).not.toMatch(/#\d|@\w|\n|:\/\//);
    await expect(`${title}\n\n${body}\n`).toMatchFileSnapshot(fixture('pull-request-hostile.md'));
  });

  test.each([
    [
      'rebased',
      'b'.repeat(40),
      /`main` moved on to `b{12}` meanwhile: the work was put there, and what is told/,
      false,
    ],
    [
      'conflict',
      'b'.repeat(40),
      /in conflict with it: it stands on `a{12}`, where it was tested\. Both changed x\./,
      false,
    ],
    [
      'red',
      'b'.repeat(40),
      /`main` moved on to `b{12}` meanwhile, where the work is red: it stands on `a{12}`/,
      true,
    ],
    ['not_tried', null, /Whether `main` moved on meanwhile is not known: it stands on `a{12}`/, false],
  ] as const)('tells where the work stands when its base moved on (%s)', (kind, onto, said, isDraft) => {
    const reason = kind === 'rebased' ? '' : 'Both changed x.';
    const rebase = { branch: 'main', from: 'a'.repeat(40), onto, kind, reason };
    const hostile = { ...rebase, branch: HOSTILE_TEXT, reason: HOSTILE_TEXT };

    const [told, toldHostile] = [rebase, hostile].map((rebase) =>
      toPullRequest({
        job: aJob(),
        attempt: aRunningAttempt({ result: aResult({ evidence: { ...aResult().evidence, rebase } }) }),
      }),
    );

    expect(told?.body).toMatch(said);
    expect(told?.draft).toBe(isDraft);
    expect(
      findDangers(toldHostile?.body ?? '', [
        /^Closes #42\n/,
        /\]\(https:\/\/github\.com\/acme\/widgets[^)]*\)/g,
      ]),
    ).toEqual([]);
  });

  test('tells how many of the changed lines the tests ran', () => {
    const files = [
      { path: 'src/a.js', covered: 1, lines: 3 },
      { path: HOSTILE_TEXT, covered: 4, lines: 4 },
    ];
    const evidence = { ...aResult().evidence, coverage: { covered: 5, lines: 7, files } };

    const { body } = toPullRequest({
      job: aJob(),
      attempt: aRunningAttempt({ result: aResult({ evidence }) }),
    });

    expect(body).toContain('Changed lines covered: 5 of 7 that hold something to run (`src/a.js` 1 of 3, ');
    expect(findDangers(body, [/^Closes #42\n/, /\]\(https:\/\/github\.com\/acme\/widgets[^)]*\)/g])).toEqual(
      [],
    );
  });

  test('shows fifty files and counts the others', () => {
    const changes = Array.from({ length: 300 }, (_, at) => ({
      path: `src/${'deep/'.repeat(200)}${at}.js`,
      status: 'added' as const,
      added: 1,
      removed: 0,
    }));

    const { body } = toPullRequest({
      job: aJob(),
      attempt: aRunningAttempt({
        result: aResult({ changes, changedFiles: 1234, summary: '@'.repeat(20_000) }),
      }),
    });

    expect(body).toContain('1234 files changed.');
    expect(body).toContain('… and 1184 more.');
    expect(body.length).toBeLessThanOrEqual(65_536);
  });

  test('an issue without a readable title still gets one', () => {
    const issue = { ...aJob().issue, title: '\u200B\u202E ' };

    const { title } = toPullRequest({
      job: aJob({ issue }),
      attempt: aRunningAttempt({ result: aResult() }),
    });

    expect(title).toBe('Work on issue 42');
  });
});

test('the start commit names job and attempt, and no issue by its sign', async () => {
  const message = toStartCommitMessage({ job: aJob(), attempt: anAttempt() });

  expect(message).not.toMatch(/#\d/);
  await expect(`${message}\n`).toMatchFileSnapshot(fixture('start-commit.txt'));
});

function fixture(name: string): string {
  return path.resolve(import.meta.dirname, '../fixtures/texts', name);
}

test('while other work on the issue is to come, merging it does not close the issue', () => {
  const { body } = toPullRequest({ job: aJob(), attempt: anAttempt({ result: aResult() }), isPart: true });

  expect(body).toMatch(/^Part of #42\n/);
});

test('work that a limit ended is a draft whatever the tests and the settings say, and says so first', () => {
  const settings = { ...DEFAULT_JOB_SETTINGS, pullRequest: { draft: false } };
  const result = aResult({ unfinished: 'The agent has used up its $20.00. @alice' });

  const { body, draft } = toPullRequest({ job: aJob({ settings }), attempt: anAttempt({ result }) });

  expect(draft).toBe(true);
  expect(body).toMatch(/^Closes #42\n\n⚠️ \*\*Unfinished\.\*\* .*\n\n> The agent has used up its/);
  expect(body).not.toContain('@alice');
});
