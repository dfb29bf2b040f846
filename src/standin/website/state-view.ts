import { issueOf } from '../actions/issues.ts';
import type { Exchange } from '../http/exchange-log.ts';
import { isoTime } from '../shapes/links.ts';
import { asPull } from '../shapes/pull-shapes.ts';
import type { Site } from '../site.ts';
import { fullNameOf, type Repository } from '../world.ts';

/**
 * What stands at the stand-in, for tests to look at: objects as REST gives them, taken at the time of the
 * call.
 */
export function createStateView(
  site: Pick<Site, 'world' | 'shapes' | 'objects' | 'refs' | 'tokens'>,
  requests: () => Exchange[],
) {
  const { world, shapes, objects, refs, tokens } = site;

  function repositoryOf(fullName: string): Repository {
    const repository = world.repository(fullName);
    if (!repository) throw new Error(`There is no repository ${fullName}`);
    return repository;
  }

  return {
    repository: (fullName: string) => shapes.repositories.fullRepository(repositoryOf(fullName)),
    issue: (fullName: string, number: number) =>
      shapes.issues.issue(repositoryOf(fullName), issueOf(repositoryOf(fullName), number)),
    /** Comments of one issue, oldest first. */
    comments(fullName: string, number: number) {
      const repository = repositoryOf(fullName);
      const issue = issueOf(repository, number);
      return [...repository.comments.values()]
        .filter((comment) => comment.issueNumber === number)
        .map((comment) => shapes.issues.comment(repository, issue, comment));
    },
    /** Comments on lines of a pull request, oldest first. */
    reviewComments(fullName: string, number: number) {
      const repository = repositoryOf(fullName);
      const pull = asPull(issueOf(repository, number));
      if (!pull) throw new Error(`#${number} of ${fullName} is no pull request`);
      return [...repository.reviewComments.values()]
        .filter((comment) => comment.pullNumber === number)
        .map((comment) => shapes.pulls.reviewComment(repository, pull, comment));
    },
    /** Check runs of the repository or of one commit, oldest first, with their buttons. */
    checkRuns(fullName: string, sha?: string) {
      const repository = repositoryOf(fullName);
      return [...repository.checkRuns.values()]
        .filter((run) => sha === undefined || run.headSha === sha)
        .map((run) => ({ ...shapes.checks.checkRun(repository, run), actions: run.actions }));
    },
    /** Pull requests in any state, oldest first. */
    pullRequests(fullName: string) {
      const repository = repositoryOf(fullName);
      return [...repository.issues.values()]
        .flatMap((issue) => asPull(issue) ?? [])
        .map((pull) => shapes.pulls.simplePull(repository, pull));
    },
    labels(fullName: string) {
      const repository = repositoryOf(fullName);
      return repository.labels.map((label) => shapes.repositories.label(repository, label));
    },
    /** Where the branches stand, by name. */
    async branches(fullName: string): Promise<Record<string, string>> {
      const found = await refs.list(repositoryOf(fullName).folder, 'refs/heads');
      return Object.fromEntries(found.map(({ name, sha }) => [name.slice('refs/heads/'.length), sha]));
    },
    /** A file's text at a branch, tag or sha; `null` when there is none. */
    async file(fullName: string, ref: string, path: string): Promise<string | null> {
      const { folder } = repositoryOf(fullName);
      const sha = await objects.resolve(folder, ref);
      const entry = sha === null ? null : await objects.entryAt(folder, sha, path);
      return entry?.type === 'blob' ? (await objects.blob(folder, entry.sha)).toString('utf8') : null;
    },
    /** Commits reachable from a ref, newest first. */
    async commits(fullName: string, ref: string) {
      return objects.log(repositoryOf(fullName).folder, [ref]);
    },
    /** Reactions to a comment, wherever it is. */
    reactions(commentId: number) {
      for (const repository of world.repositories.values()) {
        const comment = repository.comments.get(commentId);
        if (comment) return comment.reactions.map((reaction) => shapes.issues.reaction(reaction));
      }
      throw new Error(`There is no comment ${commentId}`);
    },
    /** The newest REST exchanges, oldest first. */
    requests,
    /** All installation tokens ever minted, without their secrets. */
    tokens: () =>
      tokens.all().map((token) => ({
        id: token.id,
        installationId: token.installation.id,
        permissions: token.permissions,
        repositories:
          token.repositoryIds &&
          [...token.repositoryIds].flatMap((id) => {
            const repository = world.repositories.get(id);
            return repository ? [fullNameOf(repository)] : [];
          }),
        revoked: token.revoked,
        expiresAt: isoTime(token.expiresAtMs),
      })),
    /** The bare git repository on disk. */
    gitFolder: (fullName: string) => repositoryOf(fullName).folder,
  };
}
