import { saysPart } from '../../domain/pull-request-text.ts';
import type { StoredAttempt } from '../../store/attempts.ts';
import type { StoredJob } from '../../store/stored-job.ts';
import { wantStatusComment } from '../want-report.ts';
import { type EffectDeps, toTarget } from './effect-deps.ts';
import { JOBS_READ } from '../jobs-read.ts';

/** The work of a revision is on the branch of its pull request: its text, evidence and answers follow. */
export async function noteRevised(job: StoredJob, attempt: StoredAttempt, deps: EffectDeps): Promise<void> {
  if (job.revision === null) return;
  const { store, github } = deps;
  const { number, url } = job.revision.pullRequest;
  const pull = await github.readPullRequest(toTarget(job), number);
  if (pull?.state === 'open') await renewBody(job, attempt, pull.body, deps);

  const ended =
    pull === null || pull.state === 'open'
      ? {}
      : {
          ended: {
            how: pull.state,
            by: pull.mergedBy,
            atMs: Date.parse(pull.closedAt ?? '') || (await store.nowMs()),
          },
        };
  const { id: jobId, installationId } = job;
  await store.transact(async (tx) => {
    await tx.jobs.change(jobId, { pullRequest: { number, url, ...ended }, stateReason: null }, tx.nowMs);
    await tx.tell(
      jobId,
      'pull_request',
      `Round ${job.revision?.round} is on pull request #${number}: ${url}`,
    );
    await tx.want({ effect: { kind: 'evidence', jobId }, installationId, weight: 'final' });
    await tx.want({ effect: { kind: 'revision-answers', jobId }, installationId });
    // Somebody was faster than we are.
    if (pull?.state === 'open' && pull.headCommit !== attempt.result?.headCommit)
      await tx.want({ effect: { kind: 'evidence', jobId, commit: pull.headCommit }, installationId });
    await wantStatusComment(tx, job, 'final');
  });
}

/** Only a text that is still as we wrote it is replaced: what people have put there stays. */
async function renewBody(
  job: StoredJob,
  attempt: StoredAttempt,
  body: string,
  { store, github, texts }: EffectDeps,
): Promise<void> {
  const number = job.revision?.pullRequest.number ?? 0;
  const jobs = (await store.jobs.ofIssue(job.repository.id, job.issue.number, JOBS_READ)).filter(
    ({ pullRequest }) => pullRequest?.number === number,
  );
  const rounds: { job: StoredJob; attempt: StoredAttempt }[] = [];
  for (const one of jobs.toReversed()) {
    const done = one.attemptId === null ? null : await store.attempts.get(one.attemptId);
    if (done?.result != null) rounds.push({ job: one, attempt: done });
  }
  const last = rounds.at(-1);
  if (last === undefined) return;
  const isPart = saysPart(body);
  const written = texts.toPullRequest({ ...last, earlier: rounds.slice(0, -1), isPart }).body;
  if (toComparable(written) !== toComparable(body)) return;
  await github.changePullRequestBody(
    toTarget(job),
    number,
    texts.toPullRequest({ job, attempt, earlier: rounds, isPart }).body,
  );
}

/** GitHub may keep line ends of its own. */
function toComparable(text: string): string {
  return text.replaceAll('\r\n', '\n').trim();
}
