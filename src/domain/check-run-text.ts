import type { AttemptResult, Outcome, Phase } from '../contract/attempt-result.ts';
import type { JobKind } from '../contract/job.ts';
import type { CheckRunContent } from './check-run-content.ts';
import { toChangesText } from './changes-text.ts';
import { toFailureAnnotations } from './annotations.ts';
import { toButtons } from './check-run-buttons.ts';
import { judgeTests } from './compare-tests.ts';
import { EVIDENCE_NOTE, summarizeEvidence, toEvidenceSection, toFailingOutput } from './evidence-text.ts';
import { formatDuration, formatUsage } from './figures-text.ts';
import { toPassedOverRows } from './passed-over-text.ts';
import { toOutcomeText, toPhaseText, toStateText } from './job-headline.ts';
import { isTerminal } from './job-lifecycle.ts';
import type { Attempt, Job } from './job.ts';
import { toCode, toDiffFence, toInline, toPlainTitle, toQuote, toTable } from './markdown-escape.ts';
import { type LogEnd, toLogText } from './log-text.ts';
import { isShown } from './patch-place.ts';
import { toFindingAnnotations, toFindingsSection } from './policy-findings.ts';
import { toRoundText } from './revision-text.ts';
import { warnAfterwards, warnWhileRunning } from './sandbox-text.ts';
import { toWayOn } from './way-on.ts';

/** GitHub refuses a summary of more than 65,535 characters. */
const MAX_SUMMARY_CHARACTERS = 65_000;
const MAX_TITLE_CHARACTERS = 200;
const MAX_CHANGES_SHOWN = 20;
/** Refused work is not run: what the rules refuse may be what would do harm when it runs. */
const NOT_RUN_NOTE =
  '**The tests were not run on this work**, since it was not accepted. What is told below is from before it.';

/**
 * Only red tests and broken rules are failures. Trouble of the agent or the machines, running out of time included, says nothing about the
 * code, and whatever GitHub does not count as passed would keep a merge waiting: it is neutral. `cancelled` is what somebody wanted.
 */
const CONCLUSIONS: Record<Outcome, NonNullable<CheckRunContent['conclusion']>> = {
  pull_request: 'success',
  no_changes: 'neutral',
  tests_failed: 'failure',
  agent_failed: 'neutral',
  policy_refused: 'failure',
  timed_out: 'neutral',
  cancelled: 'cancelled',
  lost: 'neutral',
};

/** A revision's check run stands on the head of the pull request, which is as good as it was, whatever became of the work. */
function toConclusion(outcome: Outcome, kind: JobKind): NonNullable<CheckRunContent['conclusion']> {
  return kind === 'revise' && outcome !== 'pull_request' ? 'neutral' : CONCLUSIONS[outcome];
}

/** The name of an attempt's check run. */
export function checkRunName(specialty: string): string {
  return `Yardmaster / ${specialty}`;
}

/** An attempt's check run as the coordinator sees it: before a runner has it, and the last word on it. */
export function toCheckRun({ job, attempt, ...more }: { job: Job; attempt: Attempt } & More): {
  name: string;
  content: CheckRunContent;
} {
  return { name: checkRunName(job.specialty), content: toAttemptContent(job, attempt, more) };
}

/** What only the check run of an attempt that is over shows. */
type More = {
  /** The work that was not pushed, where others may see it. */
  patch?: string | undefined;
  log?: LogEnd | undefined;
};

function toAttemptContent(job: Job, attempt: Attempt, more: More): CheckRunContent {
  const isNewest = attempt.number === job.attemptNumber;
  const about = toAbout(job, attempt);
  if (attempt.result !== null && (attempt.outcome ?? attempt.result.outcome) === attempt.result.outcome) {
    const runnerName = attempt.runner?.name ?? null;
    const { specialty, kind } = job;
    return toResultCheckRun({ specialty, kind, runnerName, result: attempt.result, ...more });
  }
  const outcome = attempt.outcome ?? toOutcome(job, isNewest);
  if (outcome !== null) {
    const next = isNewest ? null : `Attempt ${job.attemptNumber} took its place.`;
    const reason = isNewest ? job.stateReason : null;
    return {
      status: 'completed',
      conclusion: toConclusion(outcome, job.kind),
      title: toTitle(toOutcomeText(outcome)),
      summary: join([about, reason === null ? null : toQuote(reason, 2000), next]),
      ...toText(more.log, attempt.result),
      buttons: toButtons(outcome),
    };
  }
  const isWaiting = attempt.phase === null;
  return {
    status: isWaiting ? 'queued' : 'in_progress',
    title: toTitle(toStateText(job, attempt)),
    summary: join([about, job.stateReason === null ? null : toQuote(job.stateReason, 2000)]),
    buttons: toButtons(null),
  };
}

/** The end of an attempt that was never told how it ended: by its job, or by a later attempt. */
function toOutcome(job: Job, isNewest: boolean): Outcome | null {
  if (!isNewest) return 'lost';
  if (!isTerminal(job.state)) return null;
  if (job.state === 'cancelled' || job.state === 'timed_out') return job.state;
  return job.outcome ?? 'lost';
}

function toAbout(job: Job, attempt: Attempt): string {
  const agent = attempt.result?.agent;
  const rows = [
    ['Issue', `[${toInline(job.issue.title, 200)}](${job.issue.htmlUrl})`],
    ['Asked for by', toCode(job.requestedBy, 100)],
    ...(job.revision === null ? [] : [['Rework', toRoundText(job.revision)]]),
    ['Attempt', String(attempt.number)],
    ...(attempt.runner === null ? [] : [['Runner', toCode(attempt.runner.name, 100)]]),
    ...(agent?.passedOver === undefined
      ? []
      : [['Agent', toCode(agent.name, 100)], ...toPassedOverRows(agent.passedOver)]),
  ];
  return toTable(['', ''], rows);
}

/** An attempt's check run while its runner works on it. */
export function toProgressCheckRun(progress: {
  specialty: string;
  runnerName: string;
  agentName: string;
  passedOver?: AttemptResult['agent']['passedOver'];
  phase: Phase;
  donePhases: readonly { phase: Phase; ms: number }[];
  sandbox: AttemptResult['sandbox'];
  /** What is happening right now, in a line; hostile text. */
  note: string | null;
}): CheckRunContent {
  const { specialty, runnerName, agentName, phase, donePhases, sandbox, note } = progress;
  const rows = [
    ['Specialty', toCode(specialty, 50)],
    ['Runner', toCode(runnerName, 100)],
    ['Agent', toCode(agentName, 100)],
    ...toPassedOverRows(progress.passedOver),
    ['Sandbox', sandbox],
  ];
  const phases = [
    ...donePhases.map((done) => `- ✅ ${done.phase} (${formatDuration(done.ms)})`),
    `- ▶️ ${phase}${note === null ? '' : `: ${toInline(note, 300)}`}`,
  ];
  return {
    status: 'in_progress',
    title: toTitle(toPhaseText(phase)),
    summary: join([toTable(['', ''], rows), warnWhileRunning(sandbox), phases.join('\n')]),
  };
}

/** An attempt's check run when its runner is through with it. */
export function toResultCheckRun(
  ended: {
    specialty: string;
    /** Left out where nobody knows any more: as for work on an issue. */
    kind?: JobKind;
    runnerName: string | null;
    result: AttemptResult;
  } & More,
): CheckRunContent {
  const { specialty, kind = 'resolve', runnerName, result, patch, log } = ended;
  const { agent, usage } = result;
  const rows = [
    ['Specialty', toCode(specialty, 50)],
    ...(runnerName === null ? [] : [['Runner', toCode(runnerName, 100)]]),
    ['Agent', toCode([agent.name, agent.version].filter((part) => part !== null).join(' '), 200)],
    ...toPassedOverRows(agent.passedOver),
    ...(agent.model === null ? [] : [['Model', toCode(agent.model, 100)]]),
    ['Cost', formatUsage(usage)],
    ['Sandbox', result.sandbox],
  ];
  const phases = Object.entries(result.phaseMs).map(([phase, ms]) => `${phase} ${formatDuration(ms)}`);
  const failing = toFailingOutput(result.evidence);
  return {
    status: 'completed',
    conclusion: result.unfinished === undefined ? toConclusion(result.outcome, kind) : 'neutral',
    title: toTitle(toResultTitle(result)),
    summary: join([
      result.reason === '' ? null : toQuote(result.reason, 2000),
      kind === 'resolve' ? toWayOn(specialty, result) : null,
      toTable(['', ''], rows),
      // Where the agent was never reached there is nothing to warn of.
      result.phaseMs.agent === undefined ? null : warnAfterwards(result.sandbox),
      phases.length === 0 ? null : `Times: ${phases.join(', ')}`,
      toFindingsSection(result),
      // Before all that may be long: what people have to decide about must not be cut off.
      patch === undefined ? null : toPatchSection(patch),
      '### Evidence',
      toEvidenceSection(result.evidence),
      failing === null ? null : `### What failed\n\n${failing}`,
      `### Changes\n\n${toChangesText(result, MAX_CHANGES_SHOWN)}`,
      result.summary === '' ? null : `### What the agent says\n\n${toQuote(result.summary, 10_000)}`,
    ]),
    ...toText(log, result),
    buttons: toButtons(result.outcome),
  };
}

function toResultTitle({ outcome, unfinished, evidence }: AttemptResult): string {
  const tests = summarizeEvidence(evidence);
  if (unfinished !== undefined) return `unfinished: ${tests}`;
  if (outcome === 'tests_failed' && judgeTests(evidence).kind === 'red_before')
    return `${toOutcomeText(outcome)}, the same ones as before the work`;
  // Where the tests did not decide it, they are another matter.
  const isByTests = outcome === 'pull_request' || outcome === 'tests_failed';
  return `${toOutcomeText(outcome)}${isByTests ? ':' : ';'} ${tests}`;
}

function toText(log: LogEnd | undefined, result: AttemptResult | null): Pick<CheckRunContent, 'text'> {
  const text = log === undefined ? null : toLogText(log, result);
  return text === null ? {} : { text };
}

/** `null` when it is too long, which the reason tells. */
function toPatchSection(patch: string): string | null {
  if (!isShown(patch)) return null;
  const { fence, isExact } = toDiffFence(patch);
  const note = isExact
    ? null
    : 'Characters that nobody can see are shown as �, or left out at the ends of lines, so it does not apply as it is shown.';
  return join([
    '<details><summary>The work that was not pushed, as a patch</summary>',
    fence,
    note,
    '</details>',
  ]);
}

/** The name of the check run with the evidence. */
function evidenceName({ specialty }: Job): string {
  return `Yardmaster evidence / ${specialty}`;
}

/** The check run on the pushed work, which is the head of the pull request: what the tests said before and after, seen by the runner. */
export function toEvidenceCheckRun({ job, attempt }: { job: Job; attempt: Attempt }): {
  name: string;
  content: CheckRunContent;
} {
  const name = evidenceName(job);
  const evidence = attempt.result?.evidence ?? attempt.evidence;
  if (evidence === null) {
    const title = toTitle('no evidence was recorded');
    return {
      name,
      content: { status: 'completed', conclusion: 'neutral', title, summary: toAbout(job, attempt) },
    };
  }
  const conclusions = { passed: 'success', failed: 'failure', not_run: 'neutral' } as const;
  const failing = toFailingOutput(evidence);
  return {
    name,
    content: {
      status: 'completed',
      conclusion: conclusions[evidence.after?.verdict ?? 'not_run'],
      title: toTitle(evidence.after === null ? 'tests not run on this work' : summarizeEvidence(evidence)),
      summary: join([
        EVIDENCE_NOTE,
        evidence.after === null ? NOT_RUN_NOTE : null,
        toEvidenceSection(evidence),
        failing === null ? null : `### What failed\n\n${failing}`,
        attempt.result === null ? null : `### Changes\n\n${toChangesText(attempt.result, MAX_CHANGES_SHOWN)}`,
        toAbout(job, attempt),
      ]),
      annotations: [
        ...(attempt.result === null ? [] : toFindingAnnotations(attempt.result)),
        ...toFailureAnnotations(evidence),
      ],
    },
  };
}

/** The check run on a commit that somebody has put on top of the work, or in its place: nobody has run the tests there. */
export function toLaterHeadCheckRun(facts: {
  job: Job;
  attempt: Attempt;
  /** The commit that the evidence is of. */
  pushed: string;
  later: string;
}): { name: string; content: CheckRunContent } {
  const { job, attempt, pushed, later } = facts;
  const { htmlUrl } = job.repository;
  return {
    name: evidenceName(job),
    content: {
      status: 'completed',
      conclusion: 'neutral',
      title: toTitle(`not run for this commit; the evidence is of ${pushed.slice(0, 7)}`),
      summary: join([
        `Yardmaster has not run the tests on ${later}: somebody else put this commit on the branch. Its evidence is of [${pushed.slice(0, 7)}](${htmlUrl}/commit/${pushed}).`,
        toAbout(job, attempt),
      ]),
    },
  };
}

function toTitle(text: string): string {
  return toPlainTitle(text.charAt(0).toUpperCase() + text.slice(1), MAX_TITLE_CHARACTERS);
}

/** Every part is bounded; the cut is for what nobody thought of. */
function join(parts: readonly (string | null)[]): string {
  return parts
    .filter((part) => part !== null)
    .join('\n\n')
    .slice(0, MAX_SUMMARY_CHARACTERS);
}
