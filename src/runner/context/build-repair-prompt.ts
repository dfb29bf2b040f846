import type { TestRun } from '../../contract/job.ts';
import { describeTestRun } from './describe-runs.ts';
import { readWording } from './read-wording.ts';

/** In characters: a failure tells more than anything else now. */
const MAX_OUTPUT = { each: 12_000, total: 40_000 };

/** What the agent is told when its work is red: by which commands, and what they printed. `round` counts from 1. */
export async function buildRepairPrompt(repair: {
  after: TestRun;
  round: number;
  maxRounds: number;
}): Promise<string> {
  const { after, round, maxRounds } = repair;
  const rounds = round < maxRounds ? `This is round ${round} of ${maxRounds}.` : 'This is the last round.';
  const sections = [
    await readWording('repair'),
    rounds,
    '## The test run',
    describeTestRun(after, MAX_OUTPUT),
  ];
  return `${sections.join('\n\n')}\n`;
}
