import { describe, expect, test } from 'vitest';
import { toCommitMessage } from '../../src/runner/commit-message.ts';
import { aJobSpec } from '../support/job-spec.ts';

describe('the commit message', () => {
  test('tells who did what for whom', () => {
    const spec = aJobSpec();

    const message = toCommitMessage({ spec, runnerName: 'be-1', agentName: 'claude' });

    expect(message.split('\n')).toEqual([
      'Totals are wrong for empty carts',
      '',
      'For issue #42.',
      '',
      `Yardmaster-Job: ${spec.jobId}`,
      'Yardmaster-Runner: be-1',
      'Yardmaster-Agent: claude',
      'Co-authored-by: alice <alice@users.noreply.github.com>',
      '',
    ]);
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

    const message = toCommitMessage({
      spec: { ...spec, issue: { ...issue, title } },
      runnerName: 'be-1',
      agentName: 'claude',
    });

    expect(message.split('\n')[0]).toBe(subject);
  });

  test('has no trailer that a name could add', () => {
    const spec = aJobSpec({ requestedBy: 'eve>\nSigned-off-by: root <root@example.com' });

    const message = toCommitMessage({ spec, runnerName: 'be\n1', agentName: 'a\nb' });

    expect(message.split('\n').filter((line) => line.includes(': '))).toHaveLength(4);
  });
});
