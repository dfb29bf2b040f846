import type { Evidence, NamedTests, TestChanges, TestRun } from '../contract/evidence.ts';

/** The single tests of one command, before or after the work. */
export type CommandTests = {
  /** Tells commands apart; two may have tests of one name. */
  key: string;
  /** Whether the command as a whole ended well. */
  passed: boolean;
  /** `null` when it told of no single test. */
  cases: ReadonlyMap<string, 'passed' | 'failed' | 'skipped'> | null;
  /** Whether each of its failing tests is surely among `cases`. */
  complete: boolean;
  /** What failed and then passed, or the other way round, with nothing changed in between. */
  flaky: readonly string[];
};

const MAX_NAMES = 50;

/** What became of each single test; `undefined` when no command told of any, and none was flaky. */
export function compareTests(
  before: readonly CommandTests[],
  after: readonly CommandTests[],
): TestChanges | undefined {
  const all = [...before, ...after];
  if (all.every(({ cases, flaky }) => cases === null && flaky.length === 0)) return undefined;
  const fixed: string[] = [];
  const added: string[] = [];
  const newlyFailing: string[] = [];
  const stillFailing: string[] = [];
  const gone: string[] = [];
  for (const now of after) {
    const then = before.find(({ key }) => key === now.key)?.cases ?? new Map<string, string>();
    for (const [name, status] of now.cases ?? []) {
      const earlier = then.get(name);
      if (status === 'failed') (earlier === 'failed' ? stillFailing : newlyFailing).push(name);
      if (status === 'passed' && earlier === 'failed') fixed.push(name);
      if (status === 'passed' && earlier === undefined) added.push(name);
    }
    // A command that told nothing now has lost no test: nobody knows.
    if (now.cases !== null) gone.push(...[...then.keys()].filter((name) => !now.cases?.has(name)));
  }
  return {
    newlyPassing: toNamed([...fixed, ...added]),
    newlyFailing: toNamed(newlyFailing),
    stillFailing: toNamed(stillFailing),
    flaky: toNamed(after.flatMap(({ flaky }) => flaky)),
    gone: toNamed(gone),
    complete: all.every(tellsAllFailures),
  };
}

function tellsAllFailures({ passed, cases, complete }: CommandTests): boolean {
  if (passed) return true;
  return complete && cases !== null && [...cases.values()].includes('failed');
}

/**
 * One command that was run twice without a change in between. A test counts as failing when it failed both times; what failed once is
 * flaky. Where no test is told by name, the command itself is what is flaky.
 */
export function mergeRerun(first: CommandTests, second: CommandTests): CommandTests {
  const passed = first.passed || second.passed;
  if (first.cases === null || second.cases === null) {
    const flaky = first.passed === second.passed ? [] : [`${first.key} (as a whole)`];
    return { ...first, passed, cases: first.cases, flaky };
  }
  const cases = new Map(first.cases);
  const flaky: string[] = [];
  for (const [name, status] of second.cases) {
    const earlier = cases.get(name);
    const isFlaky =
      (earlier === 'failed' && status === 'passed') || (earlier === 'passed' && status === 'failed');
    if (isFlaky) flaky.push(name);
    cases.set(name, isFlaky ? 'passed' : (earlier ?? status));
  }
  return { key: first.key, passed, cases, complete: first.complete && second.complete, flaky };
}

/** What the tests say about the work, as far as it can be said. */
export type TestJudgement =
  | { kind: 'green' | 'unknown'; reason: string }
  /** Something is red that was not red before. */
  | { kind: 'broke'; reason: string }
  /** What is red was red before, surely in the same tests and no others. */
  | { kind: 'red_before'; reason: string }
  /** Red before and after; whether by the same tests nobody can tell. */
  | { kind: 'still_red'; reason: string };

/** Tells "red before, and red after in the same tests only" from "broke it". Reasons are plain sentences for people. */
export function judgeTests({
  before,
  after,
  tests,
}: Pick<Evidence, 'before' | 'after' | 'tests'>): TestJudgement {
  if (after === null || after.verdict === 'not_run') {
    return { kind: 'unknown', reason: 'No test was run on the work.' };
  }
  if (after.verdict === 'passed') return { kind: 'green', reason: 'The tests pass.' };
  if (before === null || before.verdict === 'not_run') {
    return { kind: 'still_red', reason: 'Whether the tests were red before the work is not known.' };
  }
  const wasGreen = redCommands(after).filter((key) => !redCommands(before).includes(key));
  if ((tests?.newlyFailing.total ?? 0) > 0 || wasGreen.length > 0) {
    const count = tests?.newlyFailing.total ?? 0;
    const what = count === 0 ? 'tests' : count === 1 ? '1 test' : `${count} tests`;
    return { kind: 'broke', reason: `The work turned ${what} red that did not fail before.` };
  }
  const endedByThemselves = after.runs.every((run) => !run.timedOut && run.exitCode !== null);
  if (tests?.complete === true && tests.stillFailing.total > 0 && endedByThemselves) {
    return {
      kind: 'red_before',
      reason: 'The same tests failed before this work; it breaks no others.',
    };
  }
  return {
    kind: 'still_red',
    reason: 'The tests were red before the work, too; whether the same ones fail can’t be told.',
  };
}

function redCommands(run: TestRun): string[] {
  return run.runs
    .filter(({ exitCode, timedOut }) => exitCode !== 0 || timedOut)
    .map(({ command }) => JSON.stringify(command));
}

function toNamed(names: readonly string[]): NamedTests {
  return { names: names.slice(0, MAX_NAMES).map((name) => name.slice(0, 300)), total: names.length };
}
