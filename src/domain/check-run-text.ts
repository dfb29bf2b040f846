import type { AttemptResult, Outcome, Phase } from '../contract/job.ts';
import type { CheckRunContent } from './check-run-content.ts';
import {
  EVIDENCE_NOTE,
  summarizeEvidence,
  toChangedFilesText,
  toEvidenceSection,
  toFailingOutput,
} from './evidence-text.ts';
import { formatDuration, formatUsage } from './figures-text.ts';
import { toOutcomeText, toPhaseText, toStateText } from './job-headline.ts';
import { isTerminal } from './job-lifecycle.ts';
import type { Attempt, Job } from './job.ts';
import { toCode, toInline, toPlainTitle, toQuote, toTable } from './markdown-escape.ts';
import { warnAfterwards, warnWhileRunning } from './sandbox-text.ts';

/** GitHub refuses a summary of more than 65,535 characters. */
const MAX_SUMMARY_CHARACTERS = 65_000;
const MAX_TITLE_CHARACTERS = 200;

/** Only red tests and broken rules are failures: trouble of the agent or the machines says nothing about the code. */
const CONCLUSIONS: Record<Outcome, NonNullable<CheckRunContent['conclusion']>> = {
  pull_request: 'success',
  no_changes: 'neutral',
  tests_failed: 'failure',
  agent_failed: 'neutral',
  policy_refused: 'failure',
  timed_out: 'timed_out',
  cancelled: 'cancelled',
  lost: 'neutral',
};

/** The name of an attempt's check run. */
export function checkRunName(specialty: string): string {
  return `Yardmaster / ${specialty}`;
}

/** An attempt's check run as the coordinator sees it: before a runner has it, and the last word on it. */
export function toCheckRun({ job, attempt }: { job: Job; attempt: Attempt }): {
  name: string;
  content: CheckRunContent;
} {
  return { name: checkRunName(job.specialty), content: toAttemptContent(job, attempt) };
}

function toAttemptContent(job: Job, attempt: Attempt): CheckRunContent {
  const isNewest = attempt.number === job.attemptNumber;
  const about = toAbout(job, attempt);
  if (attempt.result !== null && (attempt.outcome ?? attempt.result.outcome) === attempt.result.outcome) {
    const runnerName = attempt.runner?.name ?? null;
    return toResultCheckRun({ specialty: job.specialty, runnerName, result: attempt.result });
  }
  const outcome = attempt.outcome ?? toOutcome(job, isNewest);
  if (outcome !== null) {
    const next = isNewest ? null : `Attempt ${job.attemptNumber} took its place.`;
    const reason = isNewest ? job.stateReason : null;
    return {
      status: 'completed',
      conclusion: CONCLUSIONS[outcome],
      title: toTitle(toOutcomeText(outcome)),
      summary: join([about, reason === null ? null : toQuote(reason, 2000), next]),
    };
  }
  const isWaiting = attempt.phase === null;
  return {
    status: isWaiting ? 'queued' : 'in_progress',
    title: toTitle(toStateText(job, attempt)),
    summary: join([about, job.stateReason === null ? null : toQuote(job.stateReason, 2000)]),
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
  const rows = [
    ['Issue', `[${toInline(job.issue.title, 200)}](${job.issue.htmlUrl})`],
    ['Asked for by', toCode(job.requestedBy, 100)],
    ['Attempt', String(attempt.number)],
    ...(attempt.runner === null ? [] : [['Runner', toCode(attempt.runner.name, 100)]]),
  ];
  return toTable(['', ''], rows);
}

/** An attempt's check run while its runner works on it. */
export function toProgressCheckRun(progress: {
  specialty: string;
  runnerName: string;
  agentName: string;
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
export function toResultCheckRun(ended: {
  specialty: string;
  runnerName: string | null;
  result: AttemptResult;
}): CheckRunContent {
  const { specialty, runnerName, result } = ended;
  const { agent, usage } = result;
  const rows = [
    ['Specialty', toCode(specialty, 50)],
    ...(runnerName === null ? [] : [['Runner', toCode(runnerName, 100)]]),
    ['Agent', toCode([agent.name, agent.version].filter((part) => part !== null).join(' '), 200)],
    ...(agent.model === null ? [] : [['Model', toCode(agent.model, 100)]]),
    ['Cost', formatUsage(usage)],
    ['Changes', toChangedFilesText(result.changedFiles)],
    ['Sandbox', result.sandbox],
  ];
  const phases = Object.entries(result.phaseMs).map(([phase, ms]) => `${phase} ${formatDuration(ms)}`);
  const failing = toFailingOutput(result.evidence);
  return {
    status: 'completed',
    conclusion: CONCLUSIONS[result.outcome],
    title: toTitle(`${toOutcomeText(result.outcome)}: ${summarizeEvidence(result.evidence)}`),
    summary: join([
      result.reason === '' ? null : toQuote(result.reason, 2000),
      toTable(['', ''], rows),
      // Where the agent was never reached there is nothing to warn of.
      result.phaseMs.agent === undefined ? null : warnAfterwards(result.sandbox),
      phases.length === 0 ? null : `Times: ${phases.join(', ')}`,
      '### Evidence',
      toEvidenceSection(result.evidence),
      failing === null ? null : `### What failed\n\n${failing}`,
      result.summary === '' ? null : `### What the agent says\n\n${toQuote(result.summary, 10_000)}`,
    ]),
  };
}

/** The check run on the head of the pull request: what the tests said before and after, seen by the runner. */
export function toEvidenceCheckRun({ job, attempt }: { job: Job; attempt: Attempt }): {
  name: string;
  content: CheckRunContent;
} {
  const name = `Yardmaster evidence / ${job.specialty}`;
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
      title: toTitle(summarizeEvidence(evidence)),
      summary: join([
        EVIDENCE_NOTE,
        toEvidenceSection(evidence),
        failing === null ? null : `### What failed\n\n${failing}`,
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
