import type { AttemptId } from '../../contract/identifiers.ts';
import type { RepositoryTarget } from '../../domain/trigger.ts';
import type { FoundCheckRun, RecoveryReads } from '../../github/recovery-reads.ts';
import type { StoredAttempt } from '../../store/attempts.ts';
import { parseExternalId } from '../check-run-identity.ts';
import type { JobFacts } from './recovery-marker.ts';

export type Branches = Awaited<ReturnType<RecoveryReads['branches']>>;

/** The attempt that a job was at, as far as GitHub knows. */
export type OldAttempt = {
  id: AttemptId;
  number: number;
  startCommit: string | null;
  /** Work that was pushed and led to no pull request. */
  pushedCommit: string | null;
  checkRun: StoredAttempt['checkRun'];
};

/** `null`: the job had none. Throws `GitHubError`. */
export async function findOldAttempt(
  target: RepositoryTarget,
  facts: JobFacts,
  branches: Branches,
  { reads }: { reads: Pick<RecoveryReads, 'checkRuns'> },
): Promise<{ attempt: OldAttempt; conclusion: string | null } | null> {
  if (facts.attempt === null) return null;
  const { id, number } = facts.attempt;
  const head = branches.find(({ branch }) => branch === facts.branch);
  const lines = head?.message.split('\n') ?? [];
  const isStart = lines.some((line) => line.startsWith(`Yardmaster-Attempt: ${id} `));
  const isWork = !isStart && lines.includes(`Yardmaster-Job: ${facts.id}`);
  // A comment may be older than the commit that it should tell of.
  const startCommit = (isStart ? head?.commit : null) ?? facts.attempt.startCommit;
  const checkRun =
    startCommit === null
      ? null
      : findCheckRun(await reads.checkRuns(target, startCommit), { id, jobId: facts.id });
  return {
    attempt: {
      id,
      number,
      startCommit,
      pushedCommit: isWork ? (head?.commit ?? null) : null,
      checkRun: checkRun && { id: checkRun.id, url: checkRun.url },
    },
    conclusion: checkRun?.conclusion ?? null,
  };
}

/** Also where the coordinator has written behind its `external_id`, for a runner that only reaches GitHub. */
export function findCheckRun(
  checkRuns: readonly FoundCheckRun[],
  attempt: { id: string; jobId: string },
): FoundCheckRun | null {
  const isOf = ({ externalId }: FoundCheckRun): boolean => {
    const named = parseExternalId(externalId);
    return named?.attemptId === attempt.id && named.jobId === attempt.jobId;
  };
  return checkRuns.find(isOf) ?? null;
}
