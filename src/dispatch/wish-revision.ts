import type { FailedCheck, RevisionCause } from '../contract/revision.ts';
import { decideRevision } from '../domain/decide-revision.ts';
import { isTerminal } from '../domain/job-lifecycle.ts';
import { toInline } from '../domain/markdown-escape.ts';
import { toNeedsHumanText, toReviewRefusalText, toReviewWaitsText } from '../domain/revision-text.ts';
import { type PullRequestWishes, WISH_NOTICE } from '../domain/job.ts';
import { mayWrite } from '../domain/permission.ts';
import type { Actor, RepositoryTarget } from '../domain/trigger.ts';
import type { StartRules } from '../domain/who-may-start.ts';
import type { StoredJob } from '../store/stored-job.ts';
import type { StoreTx } from '../store/store.ts';
import { isFirstDenial, readForCommands } from './carry-out-command.ts';
import { judgeLimits } from './judge-limits.ts';
import { wantNote } from './notes.ts';
import { readRevision } from './read-revision.ts';
import { tellNotices } from './start-job.ts';
import { settingsReader } from './read-settings.ts';
import { readStanding } from './read-standing.ts';
import { startRevision, wantNeedsHuman } from './start-revision.ts';
import type { TriggerDeps } from './trigger-deps.ts';
import type { TriggerOutcome } from './trigger-outcome.ts';
import { JOBS_READ } from './jobs-read.ts';

/** What wants a pull request of ours reworked, other than a command. */
export type UnaskedWish = {
  cause: Exclude<RevisionCause, 'asked'>;
  /** Who answers for it; `null`: whoever asked for the work that is in the pull request. */
  sender: Actor | null;
  /** When, by GitHub's clock. */
  at: string;
  checks: FailedCheck[];
  /** What people are told beside it. */
  notices?: string[];
  /** Told apart from others of its kind on the same pull request. */
  key: string;
  /** In words, for the timeline. */
  reason: (who: string) => string;
  /** The head that it is about; when the pull request stands elsewhere by now, nothing comes of it. */
  head?: string;
  /** It came while a round was under way, and waited for the end of that. */
  hasWaited?: boolean;
  /** Looked at last, in the transaction that starts the job: whether there may be one more of this kind. */
  admit?: (tx: StoreTx) => Promise<boolean>;
};

type WishDeps = Pick<TriggerDeps, 'store' | 'github' | 'newId'>;

/**
 * Reads what the decision needs; what is then to be done in one transaction comes back. Nothing comes of a wish behind which nobody stands who
 * may change the repository, now. Throws `GitHubError` when GitHub can't be asked.
 */
export async function prepareRevision(
  target: RepositoryTarget,
  pullRequestNumber: number,
  wish: UnaskedWish,
  deps: WishDeps,
): Promise<(tx: StoreTx) => Promise<TriggerOutcome>> {
  const { store, github } = deps;
  const published = await store.jobs.ofPullRequest(target.repository.id, pullRequestNumber);
  if (published === null) return nothing('the pull request is none of ours');
  const { requestedBy: login, requestedById: id } = published;
  const sender = wish.sender ?? { login, id: id ?? 0, isBot: false };
  const settings = settingsReader(target, deps);
  const rules = async (): Promise<StartRules> => (await settings()).settings.triggers;
  const { permission, denial } = await readStanding(target, sender, rules, { github });
  if (denial?.isSilent === true) return nothing(denial.reason);
  if (!mayWrite(permission)) return nothing(`${sender.login} may not change the repository`);
  if (denial !== null) {
    return async (tx) => {
      const place = { target, issueNumber: published.issue.number, sender };
      // Reviews are written for other reasons, too: once is enough.
      if (wish.cause === 'review' && (await isFirstDenial(tx, place)))
        await refuseReview(tx, toInline(denial.reason, 2000));
      return { kind: 'refused', reason: denial.reason };
    };
  }
  const asking = { at: wish.at, known: { [sender.login]: permission } };
  const issueNumber = published.issue.number;
  const [reading, { inForce, issue }] = await Promise.all([
    readRevision(target, pullRequestNumber, asking, deps),
    readForCommands({ target, issueNumber, starts: true, withLinked: false, settings }, deps),
  ]);
  if (wish.head !== undefined && reading?.pull.headCommit !== wish.head)
    return nothing('the pull request has another head by now');

  if (!isWanted(wish.cause, inForce.settings.specialties.get(published.specialty)?.settings.pullRequest))
    return nothing('the settings do not want that any more');

  return async (tx) => {
    const { cause, checks } = wish;
    const jobs = await tx.jobs.ofIssue(target.repository.id, issueNumber, JOBS_READ);
    const { settings, problem: settingsProblem } = inForce;
    const decision = decideRevision({
      wish: { cause, instructions: null, checks },
      reading,
      issue,
      settings,
      settingsProblem,
      jobs,
    });
    if (decision.kind === 'refused') {
      if (decision.code === 'busy' && cause === 'review' && endsInNextRound(jobs, pullRequestNumber))
        return keepForNextRound();
      // What it was about was done meanwhile, or is over with the pull request.
      const isSettled = decision.code === 'nothing' || reading?.pull.state !== 'open';
      if (isSettled && wish.hasWaited === true) return ignored(decision.reason);
      if (decision.code === 'rounds') await stopRounds(tx, decision.reason, jobs, pullRequestNumber);
      else if (cause === 'review') await refuseReview(tx, decision.reason);
      return { kind: 'refused', reason: decision.reason };
    }
    const limits = await judgeLimits(tx, { target, sender }, settings);
    if (limits.refusal !== null) {
      if (cause === 'review') await refuseReview(tx, toInline(limits.refusal, 1000));
      return { kind: 'refused', reason: limits.refusal };
    }
    if (wish.admit && !(await wish.admit(tx))) return ignored('it was worked on as often as it may be');
    const reason = wish.reason(sender.login);
    const job = await startRevision(tx, { ...decision, reason }, { target, sender }, deps);
    // Somebody else's trigger was first; theirs is under way.
    if (job === null) return ignored('a job for this pull request is under way already');
    await tellNotices(tx, job, { settings: inForce.notice, limits: limits.warnings });
    for (const text of wish.notices ?? []) await tx.tell(job.id, WISH_NOTICE, text);
    return { kind: 'started', reason };

    /** Nobody has to ask again. */
    async function keepForNextRound(): Promise<TriggerOutcome> {
      const { installationId, repository } = target;
      const waiting = { repositoryId: repository.id, pullNumber: pullRequestNumber };
      await tx.reviews.putWaiting({
        ...waiting,
        sender: { login: sender.login, id: sender.id },
        at: wish.at,
      });
      const place = { installationId, repository, number: pullRequestNumber };
      // Once for all reviews during one round.
      const note = { key: `waiting-review:${jobs[0]?.id}`, text: toReviewWaitsText() };
      if (wish.hasWaited !== true) await wantNote(tx, place, note);
      return { kind: 'noted', reason: 'a round is under way; the next one begins when that is over' };
    }
  };

  /** Whoever wrote the review waits for something to happen. */
  async function refuseReview(tx: StoreTx, why: string): Promise<void> {
    const { installationId, repository } = target;
    const place = { installationId, repository, number: pullRequestNumber };
    await wantNote(tx, place, { key: wish.key, text: toReviewRefusalText(why) });
  }
}

/** A revision of this pull request is under way, and nobody has stopped it. */
function endsInNextRound(jobs: readonly StoredJob[], pullRequestNumber: number): boolean {
  return jobs.some(
    ({ state, revision }) =>
      !isTerminal(state) && state !== 'cancelling' && revision?.pullRequest.number === pullRequestNumber,
  );
}

/** By the settings of now: those of the job may be of long ago. */
function isWanted(cause: UnaskedWish['cause'], wishes: PullRequestWishes | undefined): boolean {
  if (cause === 'conflict') return wishes?.resolveConflicts === true;
  return cause !== 'checks' || (wishes?.fixChecks ?? 0) > 0;
}

/** From now on only a person's command begins another revision. Told once for each row of them. */
async function stopRounds(
  tx: StoreTx,
  reason: string,
  jobs: readonly StoredJob[],
  pullRequestNumber: number,
): Promise<void> {
  const last = jobs.find(({ revision }) => revision?.pullRequest.number === pullRequestNumber);
  if (last === undefined) return;
  const { installationId, repository } = last;
  const place = { installationId, repository, number: pullRequestNumber };
  const note = { key: `needs-human:${last.id}`, text: toNeedsHumanText(reason) };
  // Whoever takes the label off has seen it.
  if (await wantNote(tx, place, note)) await wantNeedsHuman(tx, last, true);
}

function nothing(reason: string): (tx: StoreTx) => Promise<TriggerOutcome> {
  return async () => ignored(reason);
}

function ignored(reason: string): TriggerOutcome {
  return { kind: 'ignored', reason };
}
