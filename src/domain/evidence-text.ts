import type { CommandRun } from '../contract/command-run.ts';
import type { Coverage, Evidence, FailedTest, NamedTests, Rebase, TestRun } from '../contract/evidence.ts';
import { judgeTests } from './compare-tests.ts';
import { formatDuration } from './figures-text.ts';
import { toCode, toFence, toInline, toTable } from './markdown-escape.ts';
import { toRefusedHostsText } from './refused-hosts-text.ts';

const MAX_FAILURES_SHOWN = 3;
const MAX_OUTPUT_CHARACTERS = 6000;
const MAX_TESTS_SHOWN = 8;
const MAX_FILES_SHOWN = 5;
const MAX_REASONS_SHOWN = 10;
const MAX_EXCERPTS_SHOWN = 10;
const MAX_EXCERPT_CHARACTERS = 1000;

/** Said above every evidence. */
export const EVIDENCE_NOTE =
  'What the runner saw when it ran the commands itself; the agent has no say in it.';

/** What the tests say, in a few words: `tests red before, green after`. */
export function summarizeEvidence({ before, after, tests }: Evidence): string {
  const words = { passed: 'green', failed: 'red', not_run: 'not run' };
  if (![before, after].some((run) => run !== null && run.verdict !== 'not_run')) return 'no tests were run';
  if (after === null && before !== null) return `tests ${words[before.verdict]} before the agent's work`;
  if (judgeTests({ before, after, ...(tests === undefined ? {} : { tests }) }).kind === 'red_before') {
    return 'tests red before and after, in the same tests';
  }
  const described = (run: TestRun | null) => (run === null ? 'not reached' : words[run.verdict]);
  return `tests ${described(before)} before, ${described(after)} after`;
}

/** Before and after as a table, the set-up, and what else is to be known about them. Markdown. */
export function toEvidenceSection(evidence: Evidence): string {
  const {
    setup,
    setupIsKept,
    before,
    after,
    withoutTests,
    repairRounds,
    rebase,
    coverage,
    refusedHosts,
    reasons = [],
  } = evidence;
  const rows = [...toCommandRows(before, after), ...toCountRows(before, after)];
  const paragraphs = [
    rows.length === 0 ? 'No tests were run.' : toTable(['Test command', 'Before', 'After'], rows),
    toTestsTable(evidence),
    after?.verdict === 'failed' && before !== null ? judgeTests(evidence).reason : null,
    coverage === undefined ? null : toCoverageText(coverage),
    rebase === undefined ? null : toRebaseText(rebase),
    withoutTests === null ? null : `No test command: ${toInline(withoutTests, 500)}`,
    setup.length === 0
      ? setupIsKept === true
        ? 'Set-up: left out. What it made in an earlier round was still there, untouched, and nothing that it depends on has changed.'
        : null
      : `Set-up: ${setup.map((run) => `${toCommandText(run)} ${toVerdict(run)}`).join(', ')}`,
    toRefusedHostsText(refusedHosts ?? []),
    repairRounds === 0
      ? null
      : `The tests failed ${repairRounds === 1 ? 'once' : `${repairRounds} times`} on the way, and the agent was asked to repair its work.`,
    reasons.length === 0 ? null : toReasonsText(reasons),
  ];
  return paragraphs.filter((paragraph) => paragraph !== null).join('\n\n');
}

/** Folded: it is looked at when a command is missing, or the wrong one. */
function toReasonsText(reasons: NonNullable<Evidence['reasons']>): string {
  const shown = reasons.slice(0, MAX_REASONS_SHOWN);
  const more = reasons.length - shown.length;
  const lines = [
    ...shown.map(({ command, reason }) => `- ${toCode(command.join(' '), 200)}: ${toInline(reason, 300)}`),
    ...(more > 0 ? [`- … and ${more} more`] : []),
  ];
  return `<details><summary>Why these commands</summary>\n\n${lines.join('\n')}\n\n</details>`;
}

function toCoverageText({ covered, lines, files }: Coverage): string {
  const shown = files.slice(0, MAX_FILES_SHOWN);
  const named = shown.map((file) => `${toCode(file.path, 120)} ${file.covered} of ${file.lines}`);
  const more = files.length - shown.length;
  const list = [...named, ...(more > 0 ? [`… and ${more} more`] : [])].join(', ');
  const total = `Changed lines covered: ${covered} of ${lines} that hold something to run`;
  return list === '' ? `${total}.` : `${total} (${list}).`;
}

/** What became of the work on the base branch as it stood at the end. */
function toRebaseText({ branch, from, onto, kind, reason }: Rebase): string {
  const [name, start] = [toCode(branch, 100), toCode(from.slice(0, 12), 12)];
  const moved = `${name} moved on${onto === null ? '' : ` to ${toCode(onto.slice(0, 12), 12)}`} meanwhile`;
  const stands = `it stands on ${start}, where it was tested. ${toInline(reason, 1000)}`;
  switch (kind) {
    case 'rebased':
      return `${moved}: the work was put there, and what is told under “After” is from there. “Before” is from ${start}.`;
    case 'conflict':
      return `⚠️ ${moved}, and the work is in conflict with it: ${stands}`;
    case 'red':
      return `⚠️ ${moved}, where the work is red: ${stands}`;
    case 'not_tried':
      return onto === null
        ? `⚠️ Whether ${name} moved on meanwhile is not known: ${stands}`
        : `⚠️ ${moved}, but the work was not put there: ${stands}`;
    default:
      return kind satisfies never;
  }
}

/**
 * The words of the failing tests, and the last lines of the commands that failed at the end, or of the set-up; `null` when nothing did.
 * Markdown.
 */
export function toFailingOutput({ setup, after, failures = [] }: Evidence): string | null {
  const failed = [...setup, ...(after?.runs ?? [])].filter((run) => !isGreen(run));
  if (failed.length === 0) return null;
  const outputs = failed
    .slice(0, MAX_FAILURES_SHOWN)
    .map(
      (run) => `${toCommandText(run)} ${toVerdict(run)}\n\n${toFence(run.outputTail, MAX_OUTPUT_CHARACTERS)}`,
    );
  return [...failures.slice(0, MAX_EXCERPTS_SHOWN).map(toExcerpt), ...outputs].join('\n\n');
}

function toExcerpt({ name, message, place }: FailedTest): string {
  const where = place === null ? '' : `, ${toCode(`${place.path}:${place.line}`, 300)}`;
  const excerpt = message === '' ? '' : `\n\n${toFence(message, MAX_EXCERPT_CHARACTERS)}`;
  return `❌ ${toCode(name, 200)}${where}${excerpt}`;
}

/** One row for each command that ran before or after. */
function toCommandRows(before: TestRun | null, after: TestRun | null): string[][] {
  const runs = [...(before?.runs ?? []), ...(after?.runs ?? [])];
  const commands = new Map(runs.map((run) => [JSON.stringify(run.command), run]));
  return [...commands].map(([key, run]) => [
    toCommandText(run),
    ...[before, after].map((side) => {
      const found = side?.runs.find(({ command }) => JSON.stringify(command) === key);
      return found === undefined ? '–' : toVerdict(found);
    }),
  ]);
}

/** What became of single tests; `null` when nothing changed or nobody knows. */
function toTestsTable({ tests }: Evidence): string | null {
  if (tests === undefined) return null;
  const groups = [
    ['✅ newly passing', tests.newlyPassing],
    ['❌ newly failing', tests.newlyFailing],
    ['❌ still failing', tests.stillFailing],
    ['⚠️ flaky: failed, then passed unchanged', tests.flaky],
    ['⚠️ not run any more', tests.gone],
  ] as const;
  const rows = groups
    .filter(([, { total }]) => total > 0)
    .map(([title, group]) => [title, String(group.total), toNames(group)]);
  if (rows.length === 0) return null;
  const table = toTable(['Tests', 'Number', 'Which'], rows);
  return tests.complete ? table : `${table}\n\nNot every test could be told by name: the list may lack some.`;
}

function toNames({ names, total }: NamedTests): string {
  const shown = names.slice(0, MAX_TESTS_SHOWN).map((name) => toCode(name, 120));
  const more = total - shown.length;
  return [...shown, ...(more > 0 ? [`… and ${more} more`] : [])].join(', ');
}

function toCountRows(before: TestRun | null, after: TestRun | null): string[][] {
  if (before?.counts == null && after?.counts == null) return [];
  return [['Tests', toCountsText(before), toCountsText(after)]];
}

function toCountsText(run: TestRun | null): string {
  if (run?.counts == null) return '–';
  const { passed, failed, skipped } = run.counts;
  const parts = [`${passed} passed`, `${failed} failed`];
  return (skipped > 0 ? [...parts, `${skipped} skipped`] : parts).join(', ');
}

function toCommandText({ command }: CommandRun): string {
  return toCode(command.join(' '), 200);
}

function toVerdict(run: CommandRun): string {
  const time = formatDuration(run.durationMs);
  if (run.timedOut) return `⏰ out of time after ${time}`;
  if (run.exitCode === null) return `❌ did not end by itself (${time})`;
  return `${isGreen(run) ? '✅' : '❌'} exit ${run.exitCode} (${time})`;
}

function isGreen(run: CommandRun): boolean {
  return run.exitCode === 0 && !run.timedOut;
}
