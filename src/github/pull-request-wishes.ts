import type { RepositoryTarget } from '../domain/trigger.ts';
import { isKind } from './find-or-create.ts';
import { type GitHubCall, toPath } from './github-call.ts';
import { GitHubError } from './github-error.ts';
import type { GitHub } from './github.ts';

/**
 * Reviewers, labels and assignee of a pull request. GitHub takes a list of reviewers whole or not at all, so after a refusal each is asked for
 * alone; whom it does not let be assigned it leaves out in silence, so its answer is looked at.
 */
export function createPullRequestWishes({
  call,
}: {
  call: GitHubCall;
}): Pick<GitHub, 'addToPullRequest' | 'assign'> {
  return {
    assign,
    async addToPullRequest(target, number, { reviewers, labels, assignee }) {
      return [
        ...(await askForReviews(target, number, reviewers)),
        ...(await addLabels(target, number, labels)),
        ...(await assignPullRequest(target, number, assignee)),
      ];
    },
  };

  async function askForReviews(
    target: RepositoryTarget,
    number: number,
    reviewers: readonly string[],
  ): Promise<string[]> {
    if (reviewers.length === 0) return [];
    const refusal = await unlessRefused(request(target, number, reviewers));
    if (refusal === null) return [];
    if (reviewers.length === 1) return [`${reviewers[0]} could not be asked for a review. ${refusal}`];
    const refused: string[] = [];
    for (const reviewer of reviewers) refused.push(...(await askForReviews(target, number, [reviewer])));
    return refused;
  }

  function request(target: RepositoryTarget, number: number, names: readonly string[]): Promise<unknown> {
    const teams = names.filter((name) => name.includes('/'));
    const { owner } = target.repository;
    const foreign = teams.find((team) => !team.toLowerCase().startsWith(`${owner.toLowerCase()}/`));
    if (foreign !== undefined)
      return Promise.reject(new GitHubError('invalid', `It is no team of ${owner}`, { status: 422 }));
    return call(target.installationId, (octokit) =>
      octokit.rest.pulls.requestReviewers({
        ...toPath(target),
        pull_number: number,
        reviewers: names.filter((name) => !name.includes('/')),
        team_reviewers: teams.map((team) => team.slice(owner.length + 1)),
      }),
    );
  }

  async function addLabels(
    target: RepositoryTarget,
    number: number,
    labels: readonly string[],
  ): Promise<string[]> {
    if (labels.length === 0) return [];
    const refusal = await unlessRefused(
      call(target.installationId, (octokit) =>
        octokit.rest.issues.addLabels({ ...toPath(target), issue_number: number, labels: [...labels] }),
      ),
    );
    return refusal === null
      ? []
      : [`The pull request could not be labelled ${labels.join(', ')}. ${refusal}`];
  }

  async function assignPullRequest(
    target: RepositoryTarget,
    number: number,
    assignee: string | null,
  ): Promise<string[]> {
    const refusal = assignee === null ? null : await assign(target, number, assignee);
    return refusal === null ? [] : [`The pull request could not be assigned to ${assignee}. ${refusal}`];
  }

  async function assign(target: RepositoryTarget, number: number, login: string): Promise<string | null> {
    let assigned: string[] = [];
    const refusal = await unlessRefused(
      call(target.installationId, async (octokit) => {
        const { data } = await octokit.rest.issues.addAssignees({
          ...toPath(target),
          issue_number: number,
          assignees: [login],
        });
        assigned = (data.assignees ?? []).map((one) => one.login.toLowerCase());
      }),
    );
    if (refusal !== null || assigned.includes(login.toLowerCase())) return refusal;
    return 'GitHub lets only people with write access be assigned.';
  }
}

/** GitHub's words when a repeat would be refused again; `null` when it was done. Throws when GitHub can't be asked now. */
async function unlessRefused(request: Promise<unknown>): Promise<string | null> {
  try {
    await request;
    return null;
  } catch (error) {
    const isFinal =
      isKind(error, 'invalid') ||
      isKind(error, 'conflict') ||
      isKind(error, 'forbidden') ||
      isKind(error, 'gone');
    if (!isFinal || !(error instanceof GitHubError)) throw error;
    // The address of GitHub's documentation is of no use there.
    return `${error.message.replace(/ - https:\S+$/, '').replace(/[.\s]+$/, '')}.`;
  }
}
