import type { AttemptResult } from '../contract/attempt-result.ts';
import type { Evidence } from '../contract/evidence.ts';
import { explainWithheldLog } from './log-text.ts';
import { toPassedOverRows } from './passed-over-text.ts';
import { toChangesText } from './changes-text.ts';
import { EVIDENCE_NOTE, toEvidenceSection } from './evidence-text.ts';
import { formatDuration, formatUsage } from './figures-text.ts';
import type { Attempt, Job } from './job.ts';
import { toCode, toPlainTitle, toQuote, toTable } from './markdown-escape.ts';
import { warnAfterwards } from './sandbox-text.ts';

/** GitHub allows 256 characters. */
const MAX_TITLE_CHARACTERS = 200;
const MAX_SUMMARY_CHARACTERS = 15_000;
const MAX_REASON_CHARACTERS = 2000;
const MAX_CHANGES_SHOWN = 50;
/** Of the work that was there before, the newest. */
const MAX_EARLIER = 5;

/**
 * The pull request of a job. Only our own `Closes #N` may close an issue: references in the title and in the agent's words
 * are broken, since GitHub acts on them when the pull request is merged. `isPart`: other work on the issue is still to come, which closing
 * the issue would cancel.
 *
 * A draft when no test confirms the work, unless the settings say otherwise: then a person has to look first. Always when a limit ended the
 * work before it was done.
 */
export function toPullRequest({
  job,
  attempt,
  earlier = [],
  isPart = false,
}: {
  job: Job;
  attempt: Attempt;
  /** Work that was in it before, the oldest first. */
  earlier?: readonly { job: Job; attempt: Attempt }[];
  isPart?: boolean;
}): { title: string; body: string; draft: boolean } {
  const { result } = attempt;
  if (result === null) throw new Error(`Attempt ${attempt.id} has no result to open a pull request with`);
  const title = toPlainTitle(job.issue.title, MAX_TITLE_CHARACTERS);
  return {
    title: title === '' ? `Work on issue ${job.issue.number}` : title,
    body: toBody(job, attempt, result, { earlier, isPart }),
    draft:
      result.unfinished !== undefined || (job.settings.pullRequest?.draft ?? !isConfirmed(result.evidence)),
  };
}

/** By tests, and not refuted by them on the base branch as it stood at the end. */
function isConfirmed({ after, rebase }: Evidence): boolean {
  return after?.verdict === 'passed' && rebase?.kind !== 'red';
}

/** Whether a text of ours says that other work on the issue was to come. */
export function saysPart(body: string): boolean {
  return body.startsWith('Part of #');
}

function toBody(
  job: Job,
  attempt: Attempt,
  result: AttemptResult,
  { earlier, isPart }: { earlier: readonly { job: Job; attempt: Attempt }[]; isPart: boolean },
): string {
  const most = Math.floor(MAX_SUMMARY_CHARACTERS / (Math.min(earlier.length, MAX_EARLIER) + 1));
  const parts = [
    `${isPart ? 'Part of' : 'Closes'} #${job.issue.number}`,
    result.unfinished === undefined
      ? null
      : `⚠️ **Unfinished.** A limit ended the work before it was done; this is the work so far, as a draft. \`/agent fix Go on\` here continues it.\n\n${toQuote(result.unfinished, MAX_REASON_CHARACTERS)}`,
    ...earlier.slice(-MAX_EARLIER).map((one) => toSummary(one.job, one.attempt.result, most)),
    toSummary(job, result, most),
    `### Evidence\n\n${EVIDENCE_NOTE}\n\n${toEvidenceSection(result.evidence)}`,
    `### Changes${job.revision === null ? '' : ` of round ${job.revision.round}`}\n\n${toChangesText(result, MAX_CHANGES_SHOWN)}`,
    `### How it was made\n\n${toTable(['', ''], toFacts(job, attempt, result))}`,
    warnAfterwards(result.sandbox),
    'To have it changed, choose *Request changes* in a review, or write `/agent fix <what to change>` here.',
  ];
  return parts.filter((part) => part !== null).join('\n\n');
}

function toSummary({ revision }: Job, result: AttemptResult | null, most: number): string | null {
  if (result === null || result.summary === '') return null;
  const about = revision === null ? '' : ` about round ${revision.round}`;
  return `### What the agent says${about}\n\n${toQuote(result.summary, most)}`;
}

function toFacts(job: Job, attempt: Attempt, result: AttemptResult): string[][] {
  const { agent, usage } = result;
  const totalMs = Object.values(result.phaseMs).reduce((sum, ms) => sum + ms, 0);
  return [
    ['Specialty', toCode(job.specialty, 50)],
    ['Asked for by', toCode(job.requestedBy, 100)],
    ...(attempt.runner === null ? [] : [['Runner', toCode(attempt.runner.name, 100)]]),
    ['Agent', toCode([agent.name, agent.version].filter((part) => part !== null).join(' '), 200)],
    ...toPassedOverRows(agent.passedOver),
    ...(agent.model === null ? [] : [['Model', toCode(agent.model, 100)]]),
    ['Cost', formatUsage(usage)],
    ['Duration', formatDuration(totalMs)],
    ['Sandbox', result.sandbox],
    ...(attempt.checkRun === null
      ? []
      : [
          [
            'Check run',
            `[${explainWithheldLog(result) === null ? 'with the end of the log' : 'how it went'}](${attempt.checkRun.url})`,
          ],
        ]),
  ];
}
