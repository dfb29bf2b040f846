import { Octokit } from '@octokit/core';
import { retry } from '@octokit/plugin-retry';
import { RequestError } from '@octokit/request-error';
import { z } from 'zod';
import { CommitId } from '../contract/identifiers.ts';
import type { JobSpec } from '../contract/job.ts';
import { unlessAborted } from '../lib/unless-aborted.ts';

/** Statuses for which sending the same again is no use. */
const NEVER_REPEATED = [400, 401, 403, 404, 409, 410, 422, 451];
const TIMEOUT_MS = 30_000;

const Rules = z.array(z.object({ type: z.string() }));
const Made = z.object({
  sha: CommitId,
  tree: z.object({ sha: z.string() }),
  verification: z.object({ verified: z.boolean(), reason: z.string() }),
});

/** `refused`: in GitHub's words or ours, not cleaned. */
export type SignedCommit = { kind: 'made'; commit: string } | { kind: 'refused'; reason: string };

/**
 * Commits that GitHub itself makes and signs. It signs what an App commits by this call in its own name; what is pushed it leaves as it is,
 * and a key of a runner's own would be one more secret for GitHub to be told of.
 */
export type SignedCommits = {
  /**
   * Whether rules of the repository take only signed commits on a branch, which need not exist. Rulesets only: no App but an administrator
   * sees branch protection. Throws `RequestError` when GitHub doesn't tell.
   */
  areRequired(branch: string, token: string): Promise<boolean>;
  /**
   * Makes a commit, on no branch, of a tree and parents that GitHub has. Refusals that a repeat would only repeat are values; throws
   * `RequestError` for the rest.
   */
  make(
    wanted: { tree: string; parents: readonly string[]; message: string },
    token: string,
  ): Promise<SignedCommit>;
};

export function createSignedCommits(options: {
  spec: Pick<JobSpec, 'githubApiUrl' | 'repository'>;
  fetch: typeof fetch;
  userAgent: string;
  signal: AbortSignal;
}): SignedCommits {
  const { spec } = options;
  const octokit = new (Octokit.plugin(retry))({
    baseUrl: spec.githubApiUrl,
    userAgent: options.userAgent,
    request: { fetch: options.fetch },
    retry: { doNotRetry: NEVER_REPEATED },
  });
  const place = { owner: spec.repository.owner, repo: spec.repository.name };

  return {
    areRequired: async (branch, token) => {
      const data = await request('GET /repos/{owner}/{repo}/rules/branches/{branch}', token, {
        branch,
        per_page: 100,
      });
      return Rules.parse(data).some(({ type }) => type === 'required_signatures');
    },
    make: async (wanted, token) => {
      try {
        return judge(await request('POST /repos/{owner}/{repo}/git/commits', token, wanted), wanted.tree);
      } catch (error) {
        if (!(error instanceof RequestError) || !NEVER_REPEATED.includes(error.status)) throw error;
        return { kind: 'refused', reason: `HTTP ${error.status}: ${error.message}` };
      }
    },
  };

  async function request(route: string, token: string, parameters: object): Promise<unknown> {
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const sent = octokit.request(route, {
      ...place,
      ...parameters,
      headers: { authorization: `token ${token}`, 'x-github-api-version': '2022-11-28' },
      request: { signal },
    });
    // The plugin's waits between tries know nothing of the signal.
    return (await unlessAborted(sent, signal)).data as unknown;
  }
}

function judge(answer: unknown, tree: string): SignedCommit {
  const made = Made.parse(answer);
  if (made.tree.sha !== tree) return { kind: 'refused', reason: 'it made a commit of other files' };
  const { verified, reason } = made.verification;
  if (!verified) return { kind: 'refused', reason: `it did not sign the commit (${reason})` };
  return { kind: 'made', commit: made.sha };
}
