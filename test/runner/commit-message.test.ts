import { describe, expect, test } from 'vitest';
import { toCommitMessage } from '../../src/runner/commit-message.ts';
import { aJobSpec } from '../support/job-spec.ts';

describe('the commit message', () => {
  test('tells who did what for whom', () => {
    const spec = aJobSpec();

    const message = toCommitMessage({
      spec,
      runnerName: 'be-1',
      agentName: 'claude',
      summary: 'The total of an empty cart is 0 now, by a sum that begins with 0.\n\n- cart.ts: the sum\n',
    });

    expect(message.split('\n')).toEqual([
      'Totals are wrong for empty carts',
      '',
      'The total of an empty cart is 0 now, by a sum that begins with 0.',
      '',
      '- cart.ts: the sum',
      '',
      'For issue #42.',
      '',
      `Yardmaster-Job: ${spec.jobId}`,
      'Yardmaster-Runner: be-1',
      'Yardmaster-Agent: claude',
      'Co-authored-by: alice <1234+alice@users.noreply.github.com>',
      '',
    ]);
  });

  test('names who asked by the login alone where the coordinator is too old to say more', () => {
    const { requestedById: _unknown, ...spec } = aJobSpec();

    expect(messageOf({ spec })).toContain('Co-authored-by: alice <alice@users.noreply.github.com>');
  });

  test.each([
    ['Fixes #5, closes acme/other#6 and GH-7', 'Fixes 5, closes acme/other6 and GH 7'],
    ['closes https://github.com/acme/widgets/issues/8', 'closes github.com/acme/widgets/issues/8'],
    ['Thanks @octocat <img src=x>', 'Thanks octocat img src=x'],
    ['Done.\n\nSigned-off-by: root <root@example.com>', 'Done.\n\nSigned-off-by\u200B: root rootexample.com'],
    ['  Co-Authored-By : Eve', 'Co-Authored-By\u200B : Eve'],
    ['yardmaster-job: 1', 'yardmaster-job\u200B: 1'],
    ['x\n---\ndiff --git a/x b/x', 'x\n ---\n diff --git a/x b/x'],
    ['Nothing to check [skip ci]', 'Nothing to check [\u200Bskip ci]'],
    ['\u001b[31mred\u001b[0m \u202Eevil', 'red evil'],
    ['word '.repeat(20), `${'word '.repeat(14).trim()}\n${'word '.repeat(6).trim()}`],
    [`see ${'x'.repeat(80)} there`, `see\n${'x'.repeat(80)}\nthere`],
    ['   ', null],
  ])('makes the summary %j harmless', (summary, body) => {
    const parts = messageOf({ summary }).split('\n');

    const [end] = parts.flatMap((line, at) => (line === 'For issue #42.' ? [at] : []));
    expect(parts.slice(2, end).join('\n')).toBe(body === null ? '' : `${body}\n`);
  });

  test('takes no more of a long summary than people read', () => {
    expect(messageOf({ summary: 'word '.repeat(100_000) }).length).toBeLessThan(2500);
  });

  test.each([
    ['Fixes #5 and closes acme/other#6', 'Fixes 5 and closes acme/other6'],
    ['fix GH-7', 'fix GH 7'],
    ['resolves https://github.com/acme/widgets/issues/8 now', 'resolves now'],
    ['Hey @everyone', 'Hey everyone'],
    ['one\n\nCo-authored-by: Eve <eve@example.com>', 'one Co-authored-by: Eve eveexample.com'],
    ['\u202Eevil', 'evil'],
    ['Tidy up [skip@ ci]', 'Tidy up [\u200Bskip ci]'],
    ['***NO_CI*** now', '***\u200BNO_CI*** now'],
    ['skip-checks: true', 'skip-\u200Bchecks: true'],
    ['#', 'Work on issue 42'],
    ['word '.repeat(40), `${'word '.repeat(14)}w…`],
  ])('makes the title %j harmless', (title, subject) => {
    const { issue, ...spec } = aJobSpec();

    const message = messageOf({ spec: { ...spec, issue: { ...issue, title } } });

    expect(message.split('\n')[0]).toBe(subject);
  });

  test('has no trailer that a name could add', () => {
    const spec = aJobSpec({ requestedBy: 'eve>\nSigned-off-by: root <root@example.com' });

    const message = messageOf({ spec, runnerName: 'be\n1', agentName: 'a\nb' });

    expect(message.split('\n').filter((line) => line.includes(': '))).toHaveLength(4);
  });
});

function messageOf(overrides: Partial<Parameters<typeof toCommitMessage>[0]>): string {
  return toCommitMessage({
    spec: aJobSpec(),
    runnerName: 'be-1',
    agentName: 'claude',
    summary: '',
    ...overrides,
  });
}
