import type { CommandRun } from '../../contract/command-run.ts';
import type { Rebase } from '../../contract/evidence.ts';
import { toOneLine } from '../../lib/strip-control.ts';
import { GitCommandError } from '../workspace/git-command-error.ts';
import type { Rebased } from '../workspace/workspace-types.ts';
import { judgeWork } from './judge-work.ts';
import { type AttemptContext, end, next, type PhaseDeps, type PhaseResult } from './phase.ts';
import { explainRed } from './run-plan.ts';
import { runTests } from './run-tests.ts';
import { touchesDependencies } from './test-plan.ts';
import type { Verified } from './verify.ts';

const MAX_PATHS_NAMED = 5;

/**
 * Puts good work on the base branch as it stands by now, and tests it there. Where that can't be, or turns out red, the work stays as it was
 * tested, on the base that it was begun from; the evidence says so. Once: a base that moves on meanwhile is GitHub's to merge with.
 */
export async function followBase(
  verified: Verified,
  attempt: AttemptContext,
  deps: PhaseDeps,
): Promise<PhaseResult<Verified>> {
  const { spec, record } = attempt;
  // Red, refused and unfinished work is for people to look at as the agent left it; the base of a rework is a branch of ours.
  const isGood =
    verified.ending.outcome === 'pull_request' &&
    record.evidence.after?.verdict !== 'failed' &&
    record.unfinished === undefined;
  if (!isGood || spec.settings.rebase === false || spec.kind !== 'resolve') return next(verified);

  const { workspace } = verified;
  const rebased = await lookAtBase(verified, attempt, deps);
  if (rebased === null)
    return stay('not_tried', null, 'It could not be fetched or merged; the log tells why.');
  if (rebased.kind === 'current') return next(verified);
  if (rebased.kind === 'conflict') return stay('conflict', rebased.onto, nameConflicts(rebased.paths));

  const onto = rebased.workspace.base;
  if (2 * lastTestsMs(record.evidence) > attempt.remainingMs()) {
    return stay('not_tried', onto, 'There was no time left to test it there.');
  }
  return await tryThere(rebased);

  async function tryThere(moved: Extract<Rebased, { kind: 'rebased' }>): Promise<PhaseResult<Verified>> {
    const former = { evidence: record.evidence, changes: record.changes };
    record.changes = await moved.workspace.changes(moved.tree);
    if (record.changes.length === 0) {
      const reason = `The branch ${spec.base.branch} holds the same changes by now.`;
      return end({ outcome: 'no_changes', reason, retryable: false });
    }
    attempt.say(`Testing the work on ${spec.base.branch} as it stands by now, ${onto}`);
    const merged = { ...verified, tree: moved.tree, workspace: moved.workspace };
    const refusal = await judgeWork(moved.tree, merged, attempt, deps);
    if (refusal !== null) {
      Object.assign(record, former);
      return stay('not_tried', onto, refusal.reasons.join(' '));
    }
    // In the work tree stands what the tests of the former base left.
    await workspace.restore(moved.tree);
    const differs = (await workspace.changes(moved.tree)).map(({ path }) => path);
    const setupIsBroken = verified.setupIsBroken || touchesDependencies(differs);
    const red = explainRed(await runTests(moved.tree, { ...merged, setupIsBroken }, attempt, inTime()));
    if (red !== null) {
      Object.assign(record, former);
      stay('red', onto, red);
      const { ending } = verified;
      const said = `${ending.reason} On ${spec.base.branch}, which moved on meanwhile, they don’t.`;
      return next({ ...verified, ending: { ...ending, reason: said } });
    }
    tell('rebased', onto, '');
    return next(merged);
  }

  /** Tests that hang there must not cost the work. */
  function inTime(): PhaseDeps {
    const mostMs = attempt.remainingMs() / 2 / Math.max(1, verified.plan.test.length);
    return { ...deps, limits: { ...deps.limits, testMs: Math.min(deps.limits.testMs, mostMs) } };
  }

  function stay(kind: Rebase['kind'], where: string | null, reason: string): PhaseResult<Verified> {
    attempt.say(`The work stays on ${workspace.base}: ${reason}`);
    tell(kind, where, reason);
    return next(verified);
  }

  function tell(kind: Rebase['kind'], where: string | null, reason: string): void {
    const rebase: Rebase = {
      branch: spec.base.branch.slice(0, 255),
      from: spec.base.commit,
      onto: where,
      kind,
      reason: reason.slice(0, 2000),
    };
    record.evidence = { ...record.evidence, rebase };
  }
}

/** `null`, after saying why, when it could not be done: that must not cost the work. */
async function lookAtBase(
  { workspace, tree }: Verified,
  { say }: AttemptContext,
  { redact }: PhaseDeps,
): Promise<Rebased | null> {
  try {
    return await workspace.rebase(tree);
  } catch (error) {
    if (!(error instanceof GitCommandError)) throw error;
    say(`The base branch could not be followed: ${redact(error.message)}`);
    return null;
  }
}

function nameConflicts(paths: readonly string[]): string {
  const named = paths.slice(0, MAX_PATHS_NAMED).map((path) => toOneLine(path, 150));
  const more = paths.length - named.length;
  return `Both changed ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}.`;
}

function lastTestsMs({
  setup,
  after,
}: {
  setup: readonly CommandRun[];
  after: { runs: CommandRun[] } | null;
}): number {
  return [...setup, ...(after?.runs ?? [])].reduce((sum, { durationMs }) => sum + durationMs, 0);
}
