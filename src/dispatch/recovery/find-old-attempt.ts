import type { AttemptId } from '../../contract/identifiers.ts';
import type { RepositoryTarget } from '../../domain/trigger.ts';
import type { FoundCheckRun, RecoveryReads } from '../../github/recovery-reads.ts';
import { parseExternalId, toExternalId } from '../check-run-identity.ts';
import { type Claim, readClaim } from './read-claim.ts';
import type { JobFacts } from './recovery-marker.ts';
import type { OldAttempt, RecoveryDeps } from './recovery-plan.ts';

export type Branches = Awaited<ReturnType<RecoveryReads['branches']>>;

/** `null`: the job had none. Throws `GitHubError`. */
export async function findOldAttempt(
  target: RepositoryTarget,
  facts: JobFacts,
  branches: Branches,
  deps: Pick<RecoveryDeps, 'reads' | 'github' | 'mailKey'>,
): Promise<{ attempt: OldAttempt; conclusion: string | null; claim: Claim | null } | null> {
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
      : findCheckRun(await deps.reads.checkRuns(target, startCommit), { id, jobId: facts.id });
  return {
    attempt: {
      id,
      number,
      startCommit,
      parent: head?.parent ?? null,
      pushedCommit: isWork ? (head?.commit ?? null) : null,
      checkRun: checkRun && { id: checkRun.id, url: checkRun.url },
    },
    conclusion: checkRun?.conclusion ?? null,
    claim: checkRun && (await findClaim(checkRun)),
  };

  /** Only where the branch stands as its runner left it: otherwise its push would be refused. */
  async function findClaim({ id: checkRunId, externalId }: FoundCheckRun): Promise<Claim | null> {
    const attempt = { id, jobId: facts.id };
    if (externalId === toExternalId(attempt)) return null;
    const reading = await deps.github.readCheckRun(target, checkRunId, null);
    const place = { ...attempt, repositoryId: target.repository.id, checkRunId };
    const claim = reading && readClaim(reading, place, deps.mailKey);
    return isStart || (isWork && claim?.report.publishCommit === head?.commit) ? claim : null;
  }
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
