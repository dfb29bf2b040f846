import { Buffer } from 'node:buffer';
import type { RepositoryTarget } from '../domain/trigger.ts';
import { GitHubError } from './github-error.ts';
import { type GitHubCall, toPath } from './github-call.ts';

/** Logs may have hundreds of megabytes; what failed stands near the end. */
const MAX_TAIL_BYTES = 1_000_000;
const MAX_READ_BYTES = 100_000_000;
const TIMEOUT_MS = 30_000;

/** The end of a job's log; or why there is none, for people. */
type LogReading = { kind: 'log'; tail: string } | { kind: 'none'; reason: string };

/**
 * Reads logs of GitHub Actions, which takes the permission `actions: read`. What can't be read is said, and keeps nobody from going on; throws
 * `GitHubError` only where GitHub asks to come again later.
 */
export function createActionsLogs({
  call,
  apiUrl,
  fetch: get = fetch,
}: {
  call: GitHubCall;
  /** REST root. */
  apiUrl: string;
  fetch?: typeof fetch;
}): { readActionsLog(target: RepositoryTarget, jobId: number): Promise<LogReading> } {
  return {
    async readActionsLog(target, jobId) {
      try {
        const { headers } = await call(target.installationId, (octokit) =>
          octokit.request('GET /repos/{owner}/{repo}/actions/jobs/{job_id}/logs', {
            ...toPath(target),
            job_id: jobId,
            // The address holds for a minute and is no place for our token.
            request: { redirect: 'manual' },
          }),
        );
        return await readTail(headers.location);
      } catch (error) {
        if (!(error instanceof GitHubError) || error.kind === 'rate_limited' || error.kind === 'unavailable')
          throw error;
        return { kind: 'none', reason: error.message };
      }
    },
  };

  async function readTail(address: string | undefined): Promise<LogReading> {
    const url = URL.parse(address ?? '');
    // In the clear only from where the API itself is spoken to like that.
    if (url === null || (url.protocol !== 'https:' && url.origin !== new URL(apiUrl).origin))
      return { kind: 'none', reason: 'GitHub gave no address of the log' };
    try {
      const response = await get(url, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'error' });
      if (!response.ok || response.body === null)
        return { kind: 'none', reason: `The storage of the log answered ${response.status}` };
      return { kind: 'log', tail: await keepTail(response.body) };
    } catch {
      // Whatever went wrong there: the check run itself says the most important.
      return { kind: 'none', reason: 'The storage of the log could not be read' };
    }
  }
}

async function keepTail(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let kept = 0;
  let read = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    kept += chunk.length;
    read += chunk.length;
    while (chunks[0] !== undefined && kept - chunks[0].length >= MAX_TAIL_BYTES)
      kept -= chunks.shift()?.length ?? 0;
    if (read > MAX_READ_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(-MAX_TAIL_BYTES).toString('utf8');
}
