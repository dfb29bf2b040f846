import type { CommandRun } from '../contract/command-run.ts';
import type { Evidence, NamedTests, TestChanges, TestRun } from '../contract/evidence.ts';

/** Evidence that fits, and what had to go for it, in words for people; `null` when nothing had to. */
export type CutEvidence = { evidence: Evidence; left: string | null };

type Step = { what: string; cut: (evidence: Evidence) => Evidence };

/**
 * Cuts evidence until its JSON has at most `maxCharacters`, what tells least first: why the commands were chosen, output of what passed,
 * then of what failed before the work, then names of tests, and last the end of what fails now. Verdicts, exit codes and counts always stay.
 * Where even these are too long (twenty commands of thousands of arguments), the commands are cut, too; below some 10,000 characters nothing
 * is promised.
 */
export function cutEvidence(evidence: Evidence, maxCharacters: number): CutEvidence {
  let cut = evidence;
  const left: string[] = [];
  for (const { what, cut: take } of STEPS) {
    if (sizeOf(cut) <= maxCharacters) break;
    const smaller = take(cut);
    if (sizeOf(smaller) < sizeOf(cut) && left.at(-1) !== what) left.push(what);
    cut = smaller;
  }
  return { evidence: cut, left: left.length === 0 ? null : `Left out to fit: ${left.join(', ')}.` };
}

const STEPS: readonly Step[] = [
  { what: 'why these commands', cut: ({ reasons: _reasons, ...evidence }) => evidence },
  {
    what: 'output of commands that passed',
    cut: (evidence) => mapRuns(evidence, (run) => (isGreen(run) ? keepTail(run, 0) : run)),
  },
  {
    what: 'output from before the work',
    cut: ({ before, ...evidence }) => ({
      ...evidence,
      before: before === null ? null : { ...before, runs: before.runs.map((run) => keepTail(run, 0)) },
    }),
  },
  {
    what: 'refused connections',
    cut: ({ refusedHosts, ...evidence }) =>
      refusedHosts === undefined ? evidence : { ...evidence, refusedHosts: refusedHosts.slice(0, 5) },
  },
  { what: 'names of tests', cut: (evidence) => keepNames(evidence, 10) },
  ...[8000, 4000, 2000, 1000, 500].map((characters) => ({
    what: 'the beginning of the output of what fails',
    cut: (evidence: Evidence) => mapRuns(evidence, (run) => keepTail(run, characters)),
  })),
  { what: 'the words of failing tests', cut: ({ failures: _failures, ...evidence }) => evidence },
  { what: 'files with their covered lines', cut: dropCoveredFiles },
  { what: 'more names of tests', cut: (evidence) => keepNames(evidence, 2) },
  { what: 'all output', cut: (evidence) => mapRuns(evidence, (run) => keepTail(run, 0)) },
  { what: 'the ends of long commands', cut: (evidence) => mapRuns(evidence, shortenCommand) },
];

function sizeOf(evidence: Evidence): number {
  return JSON.stringify(evidence).length;
}

function mapRuns(evidence: Evidence, change: (run: CommandRun) => CommandRun): Evidence {
  const inRun = (run: TestRun | null): TestRun | null =>
    run === null ? null : { ...run, runs: run.runs.map(change) };
  return {
    ...evidence,
    setup: evidence.setup.map(change),
    before: inRun(evidence.before),
    after: inRun(evidence.after),
  };
}

/** From the start of a line where there is one. */
function keepTail(run: CommandRun, characters: number): CommandRun {
  if (run.outputTail.length <= characters) return run;
  if (characters === 0) return { ...run, outputTail: '' };
  const tail = run.outputTail.slice(-characters).toWellFormed();
  return { ...run, outputTail: tail.slice(tail.indexOf('\n') + 1) };
}

function keepNames(evidence: Evidence, count: number): Evidence {
  const { tests } = evidence;
  if (tests === undefined) return evidence;
  const shorten = ({ names, total }: NamedTests): NamedTests => ({ names: names.slice(0, count), total });
  const cut: TestChanges = {
    ...tests,
    newlyPassing: shorten(tests.newlyPassing),
    newlyFailing: shorten(tests.newlyFailing),
    stillFailing: shorten(tests.stillFailing),
    flaky: shorten(tests.flaky),
    gone: shorten(tests.gone),
  };
  return { ...evidence, tests: cut };
}

function dropCoveredFiles({ coverage, ...evidence }: Evidence): Evidence {
  return coverage === undefined ? evidence : { ...evidence, coverage: { ...coverage, files: [] } };
}

function shortenCommand(run: CommandRun): CommandRun {
  return { ...run, command: run.command.slice(0, 5).map((part) => part.slice(0, 50)) };
}

function isGreen(run: CommandRun): boolean {
  return run.exitCode === 0 && !run.timedOut;
}
