import type { Evidence, TestRun } from '../../contract/evidence.ts';
import { toOneLine } from '../../lib/strip-control.ts';
import { inlineCode } from './fence.ts';
import { describeTestRun } from './describe-runs.ts';
import { readWording } from './read-wording.ts';

/** In characters: a failure tells more than anything else now. */
const MAX_OUTPUT = { each: 12_000, total: 40_000 };

const MAX_NAMES = 20;

/** What the agent is told when its work is red: by which commands, and what they printed. `round` counts from 1. */
export async function buildRepairPrompt(repair: {
  after: TestRun;
  /** What became of each test, where it is known. */
  tests?: Evidence['tests'];
  round: number;
  maxRounds: number;
}): Promise<string> {
  const { after, tests, round, maxRounds } = repair;
  const rounds = round < maxRounds ? `This is round ${round} of ${maxRounds}.` : 'This is the last round.';
  const sections = [
    await readWording('repair'),
    rounds,
    '## The test run',
    describeTests(tests),
    describeTestRun(after, MAX_OUTPUT),
  ];
  return `${sections.filter((text) => text !== '').join('\n\n')}\n`;
}

/** Which tests to look at first: those that the work broke. Names are the repository's. */
function describeTests(tests: Evidence['tests']): string {
  if (tests === undefined) return '';
  const groups = [
    ['These passed before your work, or are new, and fail now', tests.newlyFailing],
    ['These failed before your work and still do', tests.stillFailing],
    ['These were run before your work and are gone', tests.gone],
  ] as const;
  return groups
    .filter(([, { total }]) => total > 0)
    .map(([title, { names, total }]) => {
      const shown = names.slice(0, MAX_NAMES).map((name) => `- ${inlineCode(toOneLine(name, 300))}`);
      const more = total > shown.length ? [`- and ${total - shown.length} more`] : [];
      return [`${title}:`, ...shown, ...more].join('\n');
    })
    .join('\n\n');
}
