import type { AttemptResult } from '../contract/attempt-result.ts';
import type { CommandRun } from '../contract/command-run.ts';
import type { Evidence, TestRun } from '../contract/evidence.ts';
import type { JobSpec } from '../contract/job.ts';
import type { Revision } from '../contract/revision.ts';

/** How much of each is kept, in characters and items; step by step, until it fits. */
const RESULT_STEPS = [
  { tail: 4096, summary: 10_000, changes: 300, runs: 20, words: 500, wordLength: 4000, path: 4096 },
  { tail: 1024, summary: 4000, changes: 200, runs: 20, words: 100, wordLength: 1000, path: 1000 },
  { tail: 300, summary: 2000, changes: 100, runs: 10, words: 30, wordLength: 300, path: 400 },
  { tail: 100, summary: 500, changes: 20, runs: 5, words: 10, wordLength: 100, path: 200 },
  { tail: 0, summary: 0, changes: 0, runs: 0, words: 0, wordLength: 0, path: 0 },
] as const;
type ResultStep = (typeof RESULT_STEPS)[number];

const SPEC_STEPS = [40_000, 20_000, 10_000, 4000, 1000] as const;
const MAX_REASON = 2000;
const CUT_MARK = '[cut]';
const SPEC_NOTE =
  '[Cut here: this job reached its runner through a check run on GitHub, in which it did not fit whole.]';

/**
 * `result` if it `fits`, else with the least important parts cut, and its reason says so. What decides (outcome, commit, verdicts and
 * counts of the tests, cost) is never cut. The last step always comes back, so the caller need not ask again.
 */
export function fitResult(result: AttemptResult, fits: (result: AttemptResult) => boolean): AttemptResult {
  if (fits(result)) return result;
  const [first, ...others] = RESULT_STEPS;
  let cut = cutResult(result, first);
  for (const step of others) {
    if (fits(cut)) break;
    cut = cutResult(result, step);
  }
  return cut;
}

/** `spec` if it `fits`, else with its longest texts cut, each with a note; `null` when it can't be made to fit. */
export function fitSpec(spec: JobSpec, fits: (spec: JobSpec) => boolean): JobSpec | null {
  if (fits(spec)) return spec;
  for (const length of SPEC_STEPS) {
    const cut = cutSpec(spec, length);
    if (fits(cut)) return cut;
  }
  return null;
}

function cutResult(result: AttemptResult, step: ResultStep): AttemptResult {
  const changes = result.changes.filter(({ path }) => path.length <= step.path).slice(0, step.changes);
  const note = ` (The report was too long for the check run and was cut: ${changes.length} of ${result.changedFiles} files are listed, outputs have at most ${step.tail} characters.)`;
  const { agent } = result;
  return {
    ...result,
    reason: `${result.reason.slice(0, MAX_REASON - note.length)}${note}`,
    summary: cutEnd(result.summary, step.summary),
    changes,
    ...(result.leftOut === undefined
      ? {}
      : { leftOut: result.leftOut.filter(({ path }) => path.length <= step.path).slice(0, step.runs) }),
    agent: {
      name: agent.name.slice(0, 200),
      version: agent.version?.slice(0, 200) ?? null,
      model: agent.model?.slice(0, 200) ?? null,
      ...(agent.passedOver === undefined
        ? {}
        : {
            passedOver: agent.passedOver
              .slice(0, 5)
              .map(({ name, reason }) => ({ name: name.slice(0, 200), reason: reason.slice(0, 200) })),
          }),
    },
    evidence: cutEvidence(result.evidence, step),
    ...(result.findings === undefined
      ? {}
      : { findings: result.findings.filter(({ path }) => path.length <= step.path).slice(0, step.runs) }),
  };
}

function cutEvidence({ reasons: _reasons, ...evidence }: Evidence, step: ResultStep): Evidence {
  return {
    ...evidence,
    setup: evidence.setup.slice(0, step.runs).map((run) => cutRun(run, step)),
    before: evidence.before && cutTestRun(evidence.before, step),
    after: evidence.after && cutTestRun(evidence.after, step),
    withoutTests: evidence.withoutTests?.slice(0, 500) ?? null,
    ...(evidence.refusedHosts === undefined
      ? {}
      : { refusedHosts: evidence.refusedHosts.slice(0, step.runs) }),
    ...(evidence.failures === undefined
      ? {}
      : {
          failures: evidence.failures
            .slice(0, step.runs)
            .map((failed) => ({ ...failed, message: failed.message.slice(0, step.tail) })),
        }),
  };
}

function cutTestRun(run: TestRun, step: ResultStep): TestRun {
  return { ...run, runs: run.runs.slice(0, step.runs).map((one) => cutRun(one, step)) };
}

/** The end of an output says the most. */
function cutRun(run: CommandRun, step: ResultStep): CommandRun {
  const words = run.command.slice(0, step.words).map((word) => word.slice(0, step.wordLength) || CUT_MARK);
  return {
    ...run,
    command: words.length === 0 ? [CUT_MARK] : words,
    outputTail: step.tail === 0 ? '' : run.outputTail.slice(-step.tail),
  };
}

function cutEnd(text: string, length: number): string {
  if (text.length <= length) return text;
  return length <= CUT_MARK.length ? '' : `${text.slice(0, length - CUT_MARK.length)}${CUT_MARK}`;
}

function cutSpec(spec: JobSpec, length: number): JobSpec {
  const shorten = (text: string): string =>
    text.length <= length ? text : `${text.slice(0, length)}\n\n${SPEC_NOTE}`;
  const { issue, instructions, settings } = spec;
  return {
    ...spec,
    issue: {
      ...issue,
      body: shorten(issue.body),
      labels: issue.labels.slice(0, 100),
      ...(issue.comments === undefined ? {} : cutComments(issue, length)),
    },
    ...(spec.revision === undefined ? {} : { revision: cutRevision(spec.revision, length) }),
    instructions: instructions === null ? null : shorten(instructions),
    settings: { ...settings, guidance: settings.guidance === null ? null : shorten(settings.guidance) },
  };
}

/** The first threads, as many as have room: answers know them by their places. */
function cutRevision(revision: Revision, length: number): Revision {
  let left = length;
  const takeWhile = <Thing>(things: readonly Thing[]): Thing[] => {
    const at = things.findIndex((thing) => (left -= JSON.stringify(thing).length) < 0);
    return at === -1 ? [...things] : things.slice(0, at);
  };
  const threads = takeWhile(revision.threads);
  const reviews = takeWhile(revision.reviews);
  const checks = revision.checks.map((check) => ({
    ...check,
    output: check.output.slice(-Math.floor(length / 4)),
    annotations: takeWhile(check.annotations),
  }));
  const { untrusted = 0, edited = 0, unread = 0 } = revision.commentsLeftOut ?? {};
  const unsent = revision.threads.length - threads.length + revision.reviews.length - reviews.length;
  const commentsLeftOut = { untrusted, edited, unread: unread + unsent };
  return { ...revision, threads, reviews, checks, commentsLeftOut };
}

/** The newest comments, as many as have room. */
function cutComments(
  { comments = [], commentsLeftOut }: JobSpec['issue'],
  length: number,
): Pick<JobSpec['issue'], 'comments' | 'commentsLeftOut'> {
  let left = length;
  const kept = comments.toReversed().filter(({ body }) => {
    left -= body.length;
    return left >= 0;
  });
  const { untrusted = 0, edited = 0, unread = 0 } = commentsLeftOut ?? {};
  const unsent = comments.length - kept.length;
  return { comments: kept.toReversed(), commentsLeftOut: { untrusted, edited, unread: unread + unsent } };
}
