import { judgeTests } from '../../domain/compare-tests.ts';
import { buildRefusalPrompt } from '../context/build-refusal-prompt.ts';
import { buildRepairPrompt } from '../context/build-repair-prompt.ts';
import type { Ending } from '../attempt-record.ts';
import { hasBudget, runRound } from './agent-round.ts';
import type { Worked } from './agent.ts';
import { type AttemptContext, end, next, type PhaseDeps, type PhaseResult } from './phase.ts';
import { judgeWork, type Refusal } from './judge-work.ts';
import { explainRed, type PlanRun } from './run-plan.ts';
import { runTests } from './run-tests.ts';

export type Verified = Worked & {
  /** The snapshot that was judged and tested, and nothing else, is what may be published. */
  tree: string;
  /** How the attempt ends once the work is published. Red work is published too, so that it isn't lost. */
  ending: Ending;
  /** Why no pull request may come of it, whatever the tests say; `null` when one may. */
  refusal: Refusal | null;
};

const MAX_LEFT_OUT_TOLD = 20;

const NO_CHANGES: Ending = {
  outcome: 'no_changes',
  reason: 'The agent changed nothing.',
  retryable: false,
};

/**
 * Looks at the changes, runs the tests, and gives red results back to the agent as often as the settings allow; what may not be published, once.
 * Each round takes one snapshot before the tests: they run code that the agent wrote, which may write files that nobody has looked at.
 */
export async function verify(
  worked: Worked,
  attempt: AttemptContext,
  deps: PhaseDeps,
): Promise<PhaseResult<Verified>> {
  const { spec, record } = attempt;
  let { session, staff } = worked;
  const { cutShort } = worked;
  let gaveUp = '';
  /** Work that was given back because it may not be published. */
  let refused: (Verified & { changes: typeof record.changes }) | null = null;

  for (;;) {
    const tree = await worked.workspace.snapshot();
    record.changes = await worked.workspace.changes(tree);
    record.leftOut = worked.workspace.toolOutput();
    for (const { path, what } of record.leftOut.slice(0, MAX_LEFT_OUT_TOLD))
      attempt.say(`Left out ${path}: ${what}`);
    // Where git could merge all by itself, that is the work.
    const isMerged = worked.workspace.merge?.conflicts.length === 0;
    if (record.changes.length === 0 && !isMerged) {
      if (refused === null) return end(cutShort ?? NO_CHANGES);
      // Nothing is left without what may not be: what people have to decide about is the work that was refused.
      record.changes = refused.changes;
      return next(refused);
    }
    const refusal = await judgeWork(tree, worked, attempt, deps);
    if (refusal !== null) {
      record.wasRefused = true;
      const result = { ...worked, session, tree, ending: toRefusedEnding(refusal), refusal };
      const isLast = refused !== null || cutShort !== null || spec.settings.repairRounds === 0;
      if (isLast || !hasBudget(attempt)) return next(result);
      refused = { ...result, changes: record.changes };
      attempt.say('The work is given back to the agent, once');
      await goOn(await buildRefusalPrompt(refusal.reasons));
      continue;
    }
    // The time is over: what is left of it is for the push.
    if (cutShort?.outcome === 'timed_out')
      return next({ ...worked, session, tree, ending: keepUnfinished(cutShort, attempt), refusal });
    const run = await runTests(tree, worked, attempt, deps);
    const red = explainRed(run);
    if (cutShort !== null)
      return next({ ...worked, session, tree, ending: keepUnfinished(cutShort, attempt), refusal });
    if (red === null) return next({ ...worked, session, tree, ending: succeed(worked), refusal });

    attempt.say(red);
    const round = record.evidence.repairRounds + 1;
    if (gaveUp !== '' || round > spec.settings.repairRounds || !hasBudget(attempt)) {
      return next({ ...worked, session, tree, ending: endRed(red, gaveUp, attempt), refusal });
    }
    record.evidence = { ...record.evidence, repairRounds: round };
    const repair = await buildRepairPrompt({
      after: toShown(run),
      tests: record.evidence.tests,
      round,
      maxRounds: spec.settings.repairRounds,
    });
    // What the tests made must not get into the next snapshot.
    await worked.workspace.restore(tree);
    await goOn(repair);
  }

  async function goOn(words: string): Promise<void> {
    const { prompt, imagesFolder } = worked;
    const round = { anew: `${prompt}\n\n${words}`, goOn: words, session, imagesFolder };
    const ended = await runRound(round, { ...worked, staff }, attempt, deps);
    session = ended.result.session ?? (ended.staff.agent === staff.agent ? session : null);
    staff = ended.staff;
    // Whatever it managed before it failed is still looked at and tested, once.
    if (ended.ending !== null) gaveUp = ` The agent did not get through repairing it: ${ended.result.detail}`;
  }
}

/** Whatever the tests say: people decide whether it is worth going on with. Not on an open pull request, which somebody may merge. */
function keepUnfinished(cutShort: Ending, { record, spec }: AttemptContext): Ending {
  const { reason } = cutShort;
  if (spec.kind === 'revise')
    return {
      ...cutShort,
      reason: `${reason} What is unfinished is not put on an open pull request.`,
      retryable: false,
    };
  record.unfinished = reason;
  return {
    outcome: 'pull_request',
    reason: `${reason} The unfinished work is in a draft pull request.`,
    retryable: false,
  };
}

function toRefusedEnding({ reasons }: Refusal): Ending {
  return { outcome: 'policy_refused', reason: reasons.join(' '), retryable: false };
}

function succeed({ plan }: Worked): Ending {
  const reason = plan.withoutTests ?? 'The work is done and the tests pass.';
  return { outcome: 'pull_request', reason, retryable: false };
}

/** Published as a pull request only where nothing got worse and the settings allow it; otherwise kept on the branch. */
function endRed(red: string, gaveUp: string, { record, spec }: AttemptContext): Ending {
  const { repairRounds } = record.evidence;
  const judgement = judgeTests(record.evidence);
  const rounds =
    repairRounds === 0
      ? ''
      : ` It was given back to the agent ${repairRounds === 1 ? 'once' : `${repairRounds} times`}.`;
  const said = `${red} ${judgement.reason}${rounds}${gaveUp}`;
  if (judgement.kind === 'red_before' && gaveUp === '' && spec.settings.allowRedBefore === true) {
    return { outcome: 'pull_request', reason: said, retryable: false };
  }
  return {
    outcome: 'tests_failed',
    reason: said,
    retryable: false,
  };
}

/** What the agent is shown: a set-up that fails counts as the failing run. */
function toShown({ setup, tests }: PlanRun): PlanRun['tests'] {
  return tests.verdict === 'not_run' ? { verdict: 'failed', runs: setup, counts: null } : tests;
}
