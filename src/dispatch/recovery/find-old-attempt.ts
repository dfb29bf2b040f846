import { AttemptId } from '../../contract/identifiers.ts';
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
  const told = facts.attempt;
  if (told === null) return null;
  const head = branches.find(({ branch }) => branch === facts.branch);
  const begun = head === undefined ? null : readStartMessage(head.message, facts.id);
  // A comment may be older than the commit that it should tell of. Anybody can write such a message; the check run is the App's own.
  const later = begun !== null && begun.number > told.number ? await findOn(head?.commit, begun.id) : null;
  const { id, number } = later !== null && begun !== null ? begun : told;
  const isStart = begun?.id === id;
  const isWork = !isStart && head?.message.split('\n').includes(`Yardmaster-Job: ${facts.id}`) === true;
  const startCommit = (isStart ? head?.commit : null) ?? told.startCommit;
  const checkRun = later ?? (await findOn(startCommit, id));
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

  async function findOn(commit: string | null | undefined, attemptId: AttemptId) {
    if (commit == null) return null;
    return findCheckRun(await deps.reads.checkRuns(target, commit), { id: attemptId, jobId: facts.id });
  }

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

/** The attempt that a start commit of the job names; `null` when it is none. */
function readStartMessage(message: string, jobId: string): { id: AttemptId; number: number } | null {
  if (!message.split('\n').includes(`Yardmaster-Job: ${jobId}`)) return null;
  const [, id, number] = /^Yardmaster-Attempt: (\S+) \((\d{1,6})\)$/m.exec(message) ?? [];
  const attemptId = AttemptId.safeParse(id);
  return attemptId.success ? { id: attemptId.data, number: Number(number) } : null;
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
