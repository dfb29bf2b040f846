import type { AttemptId } from '../../contract/identifiers.ts';
import type { RepositoryTarget } from '../../domain/trigger.ts';
import { createSecret } from '../../lib/secret.ts';
import type { StoreTx } from '../../store/store.ts';
import { newAttempt } from '../new-attempt.ts';
import { newGitHubRunner } from '../new-runner.ts';
import { wantStatusComment } from '../want-report.ts';
import type { Claim } from './read-claim.ts';
import type { RecoveredJob, RecoveryDeps, RecoveryPlan } from './recovery-plan.ts';
import { toStoredAttempt, toStoredJob } from './to-stored.ts';

/**
 * Puts the jobs in the store, and wants on GitHub what follows from it; the coordinator does that when it runs. A job that is there already
 * is left alone, so that it may be repeated, as is one in whose place another was begun.
 */
export async function carryOutRecovery(
  plan: RecoveryPlan,
  deps: RecoveryDeps,
): Promise<{ restored: number }> {
  const { store, github } = deps;
  for (const target of plan.repositories) await store.sweeps.putRepository(target);
  let restored = 0;
  // Oldest first: the queue keeps its order.
  for (const job of plan.jobs.toSorted((a, b) => a.facts.createdAtMs - b.facts.createdAtMs)) {
    restored += Number(await store.transact((tx) => restore(tx, job, deps)));
  }
  await store.transact(async (tx) => {
    for (const done of plan.dealtWith) {
      await rememberLabel(tx, { ...done, atMs: Math.min(done.untilMs, tx.nowMs) });
    }
  });
  for (const { target, branch, commit, checkRunId } of plan.strays) {
    await github.updateCheckRun(target, checkRunId, {
      status: 'completed',
      conclusion: 'neutral',
      title: 'Superseded',
      summary:
        'The coordinator lost its memory of this attempt. If its issue still bears the label, it is begun anew.',
    });
    await github.deleteBranch(target, branch, [commit]);
  }
  return { restored };
}

async function restore(tx: StoreTx, recovered: RecoveredJob, deps: RecoveryDeps): Promise<boolean> {
  const { target, facts, issue, commentId } = recovered;
  // Nothing can be told on an issue that is gone, and nothing done for it.
  if (issue === null) return false;
  const old = recovered.oldAttempt && toStoredAttempt(recovered.oldAttempt, recovered, tx.nowMs);
  const next =
    recovered.kind === 'again'
      ? newAttempt({
          id: deps.newId() as AttemptId,
          jobId: facts.id,
          number: (old?.number ?? 0) + 1,
          nowMs: tx.nowMs,
        })
      : null;
  const { timings } = deps;
  const job = toStoredJob(recovered, issue, next ?? old, { nowMs: tx.nowMs, timings });
  if (!(await tx.jobs.restore(job))) return false;
  if (old) await tx.attempts.insert(old);
  if (next) await tx.attempts.insert(next);
  if (recovered.kind === 'goes_on' && old) await letGoOn(tx, old.id, recovered.claim, deps);

  const { installationId } = target;
  if (next) await tx.want({ effect: { kind: 'attempt-start', attemptId: next.id }, installationId });
  if (old?.checkRun && (recovered.kind === 'again' || recovered.kind === 'ended'))
    await tx.want({ effect: { kind: 'check-run', attemptId: old.id }, installationId });
  if (recovered.kind === 'ended')
    await tx.want({ effect: { kind: 'clean-branch', jobId: facts.id }, installationId });
  const texts = {
    again: 'The coordinator had lost its store; the job was rebuilt from GitHub and is begun again',
    goes_on: `The coordinator had lost its store; ${recovered.reason}, and goes on with it`,
    linked: `The coordinator had lost its store; ${recovered.reason}`,
    published: `The coordinator had lost its store; ${recovered.reason}`,
    ended: recovered.reason,
  };
  await tx.tell(facts.id, 'recovered', texts[recovered.kind]);
  await tx.memory.putGitHubObject(
    `status-comment:${target.repository.id}#${issue.number}`,
    { objectId: commentId, bodyHash: null },
    tx.nowMs,
  );
  // What the label asked for up to now has been dealt with; a later labelling counts.
  if (facts.label !== null) {
    await rememberLabel(tx, {
      target,
      issueNumber: issue.number,
      label: facts.label,
      atMs: tx.nowMs,
    });
  }
  // What its comment tells is more than is known by now.
  if (recovered.kind !== 'published') await wantStatusComment(tx, { ...target, issue }, 'final');
  return true;
}

/** Its runner is let in anew as it says it is, and its newest report is heard again: nothing is known of what it told before. */
async function letGoOn(
  tx: StoreTx,
  attemptId: AttemptId,
  { report, order }: Claim,
  { random }: Pick<RecoveryDeps, 'random'>,
): Promise<void> {
  const { runnerId, facts, nonce, number } = report;
  if ((await tx.runners.get(runnerId)) === null) {
    const secret = createSecret(random);
    await tx.runners.insert(newGitHubRunner({ runnerId, secret, facts, nowMs: tx.nowMs }));
  }
  if (order.verb === 'drain') await tx.runners.change(runnerId, { drainRequested: true });
  await tx.mail.open(attemptId);
  await tx.mail.change(attemptId, { nonce, number: number - 1, heartbeatMs: order.heartbeatSeconds * 1000 });
}

/** As if a webhook had told of a labelling at that time: it and earlier ones ask for nothing any more. */
async function rememberLabel(
  tx: StoreTx,
  done: { target: RepositoryTarget; issueNumber: number; label: string; atMs: number },
): Promise<void> {
  const time = new Date(done.atMs).toISOString().replace(/\.\d+Z$/, 'Z');
  const issue = `${done.target.repository.id}#${done.issueNumber}`;
  await tx.memory.rememberTrigger(
    `label_added:${issue}:${time}:${done.label.toLowerCase()}`,
    'recovered',
    tx.nowMs,
  );
}
