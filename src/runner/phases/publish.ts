import type { Ending } from '../attempt-record.ts';
import { AttemptStopped } from '../attempt-stop.ts';
import { toCommitMessage } from '../commit-message.ts';
import type { AttemptContext, PhaseDeps } from './phase.ts';
import type { Verified } from './verify.ts';

/**
 * Commits the snapshot that was judged and tested, and pushes it to the job's branch. The far side is asked for the right to write right before the push, and git itself
 * refuses it when another attempt took over.
 */
export async function publish(verified: Verified, attempt: AttemptContext, deps: PhaseDeps): Promise<Ending> {
  const { spec, record, signal } = attempt;
  const { workspace, agent, tree, ending } = verified;
  const message = toCommitMessage({ spec, runnerName: deps.runnerName, agentName: agent.name });
  const commit = await workspace.commit(tree, message, spec.commitAuthor);

  await attempt.confirmLease();
  // With credentials of the machine's own, nothing else asks whether the lease still holds.
  if (deps.ownGit.token !== null || deps.ownGit.sshKey !== null) await attempt.tokens.publish(commit);
  signal.throwIfAborted();

  // From here on the branch may stand at this commit, even if the answer gets lost.
  record.headCommit = commit;
  const pushed = await workspace.push(commit);
  switch (pushed.kind) {
    case 'pushed':
      attempt.say(`Pushed ${commit} to ${spec.branch}`);
      return ending;
    case 'fenced':
      throw new AttemptStopped({
        kind: 'lost',
        reason: `The branch ${spec.branch} stands elsewhere by now.`,
      });
    case 'refused':
      record.headCommit = null;
      return {
        outcome: ending.outcome === 'tests_failed' ? 'tests_failed' : 'policy_refused',
        reason: `${ending.outcome === 'tests_failed' ? `${ending.reason} ` : ''}GitHub refused the push: ${deps.redact(pushed.reason)}`,
        retryable: false,
      };
    default:
      return pushed satisfies never;
  }
}
