import type { JobState } from '../../../src/contract/job.ts';
import { type FaultYard, type JobRow, OWNER, REPOSITORY } from '../support/fault-yard.ts';
import { pass } from '../support/pass.ts';
import type { Dice } from './random.ts';

/** What is asked for, and what a person does about it later. */
export type Story = 'work' | 'nothing to do' | 'agent crashes' | 'label removed' | 'issue closed';

/** What all runners do, and what only those do that only reach GitHub: they are taken last, and would get nothing else. */
export type Specialty = 'backend' | 'devops';

const TITLES: Record<Story, string> = {
  work: 'Do it',
  'nothing to do': 'There is nothing to do',
  'agent crashes': 'Please crash',
  'label removed': 'Do it, or not',
  'issue closed': 'Do it, or close it',
};

/** The ends that a story may have. Whoever calls work off may be too early, too late, or in the middle. */
const ENDS: Record<Story, readonly JobState[]> = {
  work: ['succeeded'],
  'nothing to do': ['failed'],
  'agent crashes': ['failed'],
  'label removed': ['cancelled', 'succeeded', 'refused'],
  'issue closed': ['cancelled', 'succeeded', 'refused'],
};

/** Whether a person changes their mind about it. */
export function isCalledOff(story: Story): boolean {
  return story === 'label removed' || story === 'issue closed';
}

/** Eight of ten issues are plain work. */
export function pickStory(dice: Dice): Story {
  const chance = dice.fraction();
  if (chance < 0.8) return 'work';
  return dice.oneOf(['nothing to do', 'agent crashes', 'label removed', 'issue closed'] as const);
}

/** Opens an issue and labels it for the specialty, and calls it off after a while where the story says so. Answers its number and when all is done. */
export async function tell(
  yard: FaultYard,
  { story, specialty }: { story: Story; specialty: Specialty },
  dice: Dice,
): Promise<{ issue: number; done: Promise<void> }> {
  const issue = await yard.ask(TITLES[story], specialty);
  const afterMs = dice.between(0, 8000);
  const done = isCalledOff(story)
    ? pass(afterMs).then(() => callOff(yard, { story, specialty, issue }))
    : Promise.resolve();
  return { issue, done };
}

async function callOff(
  yard: FaultYard,
  { story, specialty, issue }: { story: Story; specialty: Specialty; issue: number },
): Promise<void> {
  const person = yard.github.as(OWNER);
  if (story === 'label removed') await person.removeLabel(REPOSITORY, issue, `agent:${specialty}`);
  else await person.closeIssue(REPOSITORY, issue);
}

/** How the issue ended, in a word, and whether that is as it should be. */
export function judge(story: Story, jobs: readonly JobRow[]): { end: string; isRight: boolean } {
  const [job, ...more] = jobs;
  if (!job) return { end: 'no job', isRight: isCalledOff(story) };
  if (more.length > 0) return { end: `${jobs.length} jobs`, isRight: false };
  // Nobody promises that work survives four machines that are lost one after the other; it has to be told, and is counted apart.
  if (job.state === 'dead' && job.attempt === 4) return { end: 'dead (4 machines lost)', isRight: true };
  return { end: job.state, isRight: ENDS[story].includes(job.state as JobState) };
}
