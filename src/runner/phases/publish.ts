import { toRefusalText } from '../../domain/refusal-text.ts';
import type { Ending } from '../attempt-record.ts';
import { AttemptStopped } from '../attempt-stop.ts';
import { toCommitMessage } from '../commit-message.ts';
import { keepPatch } from './keep-patch.ts';
import type { Refusal } from './judge-work.ts';
import type { AttemptContext, PhaseDeps } from './phase.ts';
import { signCommit } from './sign-commit.ts';
import type { Verified } from './verify.ts';

/** Puts the work where people can look at it: on the job's branch, or, where that can't be, in a patch on this machine. */
export async function publish(verified: Verified, attempt: AttemptContext, deps: PhaseDeps): Promise<Ending> {
  const { refusal, ending } = verified;
  if (refusal !== null) return await keepRefused(refusal, verified, attempt, deps);
  // Red or unfinished: on the branch of an open pull request it would be published.
  if (attempt.spec.kind === 'revise' && ending.outcome !== 'pull_request') {
    const kept = await keepPatch({ ...verified, mayHoldSecret: false }, attempt, deps);
    return { ...ending, reason: toRefusalText({ reasons: [ending.reason], kept, hasSecret: false }) };
  }
  const pushed = await pushWork(verified, attempt, deps);
  if (pushed.kind === 'pushed') return tellBranch(ending, attempt);
  if (pushed.kind === 'moved') return tellMoved(attempt);
  const refused = pushed.reason;
  const hasSecret = tellsOfSecret(refused);
  const kept = await keepPatch({ ...verified, mayHoldSecret: hasSecret }, attempt, deps);
  const reasons = [...(ending.outcome === 'tests_failed' ? [ending.reason] : []), refused];
  return {
    outcome: ending.outcome === 'tests_failed' ? 'tests_failed' : 'policy_refused',
    reason: toRefusalText({ reasons, kept, hasSecret }),
    retryable: false,
  };
}

/** GitHub knows more secrets than we do, and says so in words only. Taken for one too often, the patch merely stays on this machine. */
function tellsOfSecret(refused: string): boolean {
  return /secret/i.test(refused);
}

function tellBranch(ending: Ending, { spec }: AttemptContext): Ending {
  if (ending.outcome !== 'tests_failed') return ending;
  return { ...ending, reason: `${ending.reason} The work so far is on the branch ${spec.branch}.` };
}

/** Somebody else's commits are never pushed over: the next attempt begins on them. */
function tellMoved({ spec }: AttemptContext): Ending {
  const reason = `Somebody pushed to ${spec.branch} while this was worked on, so the work was not put there.`;
  return { outcome: 'agent_failed', reason, retryable: true, overtaken: true };
}

/** Work that may not become a pull request is kept for people to decide about, as the settings say. */
async function keepRefused(
  { reasons, mayBePushed, hasSecret, isSearched, findings }: Refusal,
  verified: Verified,
  attempt: AttemptContext,
  deps: PhaseDeps,
): Promise<Ending> {
  const { spec } = attempt;
  attempt.record.findings = findings;
  const wanted = spec.settings.refusedWork ?? 'branch';
  if (wanted === 'discard') {
    const why = 'the settings say `refused_work: discard`.';
    return end(reasons, { kind: 'nowhere', why });
  }
  // On the branch of an open pull request it would be published.
  if (wanted === 'patch' || !mayBePushed || spec.kind === 'revise') return await endKept([]);
  const pushed = await pushWork(verified, attempt, deps);
  if (pushed.kind === 'pushed') return end(reasons, { kind: 'branch', branch: spec.branch });
  return await endKept(pushed.kind === 'refused' ? [pushed.reason] : []);

  async function endKept(refused: readonly string[]): Promise<Ending> {
    const mayHoldSecret = hasSecret || !isSearched || refused.some(tellsOfSecret);
    return end([...reasons, ...refused], await keepPatch({ ...verified, mayHoldSecret }, attempt, deps));
  }

  function end(told: readonly string[], kept: Parameters<typeof toRefusalText>[0]['kept']): Ending {
    const reason = toRefusalText({ reasons: told, kept, hasSecret });
    return { outcome: 'policy_refused', reason, retryable: false };
  }
}

/**
 * Commits the snapshot that was judged, and pushes it to the job's branch. The far side is asked for the right to write right before
 * the push, and git itself refuses it when another attempt took over; of a revision also when anybody else pushed to the branch (`moved`).
 */
async function pushWork(
  verified: Verified,
  attempt: AttemptContext,
  deps: PhaseDeps,
): Promise<{ kind: 'pushed' } | { kind: 'moved' } | { kind: 'refused'; reason: string }> {
  const { spec, record, signal } = attempt;
  const { workspace, tree } = verified;
  const message = toCommitMessage({
    spec,
    runnerName: deps.runnerName,
    agentName: record.agent.name,
    summary: record.summary,
  });
  const local = await workspace.commit(tree, message, spec.commitAuthor);

  await attempt.confirmLease();
  // With credentials of the machine's own, nothing else asks whether the lease still holds.
  if (deps.ownGit.token !== null || deps.ownGit.sshKey !== null) await attempt.tokens.publish(local);
  signal.throwIfAborted();

  const signed = await signCommit({ local, tree, message, workspace }, attempt, deps);
  if (signed.kind === 'refused')
    return { kind: 'refused', reason: `GitHub made no signed commit: ${signed.reason}` };
  const { commit } = signed;
  // From here on the branch may stand at this commit, even if the answer gets lost.
  record.headCommit = commit;
  const pushed = await workspace.push(commit);
  switch (pushed.kind) {
    case 'pushed':
      attempt.say(`Pushed ${commit} to ${spec.branch}`);
      return pushed;
    case 'fenced':
      record.headCommit = null;
      if (spec.kind === 'revise') return { kind: 'moved' };
      throw new AttemptStopped({
        kind: 'lost',
        reason: `The branch ${spec.branch} stands elsewhere by now.`,
      });
    case 'refused':
      record.headCommit = null;
      return { kind: 'refused', reason: `GitHub refused the push: ${deps.redact(pushed.reason)}` };
    default:
      return pushed satisfies never;
  }
}
