import { Octokit } from '@octokit/core';
import { retry } from '@octokit/plugin-retry';
import { RequestError } from '@octokit/request-error';
import { z } from 'zod';
import type { JobSpec } from '../contract/job.ts';
import { toActions } from '../domain/check-run-buttons.ts';
import type { CheckRunContent } from '../domain/check-run-content.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { unlessAborted } from '../lib/unless-aborted.ts';

/** Statuses for which sending the same again is no use, or makes it worse. Waits for limits are ours: see `finish`. */
const NEVER_REPEATED = [400, 401, 403, 404, 409, 410, 422, 429, 451];
/** A token that was just minted may be unknown to GitHub for some seconds. */
const FRESH_TOKEN_TRIES = 4;
const FRESH_TOKEN_WAIT_MS = 2000;
const DEFAULT_SPACING_MS = 10_000;
const DEFAULT_LIMIT_WAIT_MS = 5000;
const PROGRESS_TIMEOUT_MS = 10_000;
const LOOK_TIMEOUT_MS = 10_000;
/** Between two looks at the check run while GitHub is in trouble, and for how long in all. */
const TROUBLE_WAIT_MS = 5000;
const DEFAULT_LOOK_MS = 60_000;

/** What of GitHub's check run is looked at. */
const CheckRun = z.object({
  name: z.string(),
  head_sha: z.string(),
  external_id: z.string().nullable(),
  app: z.object({ id: z.number() }).nullable(),
});

/** Whether the check run on GitHub is the one of this attempt. `unreachable`: GitHub could not be asked, for as long as we try. */
export type CheckRunVerdict = { kind: 'right' } | { kind: 'wrong' | 'unreachable'; reason: string };

/** The attempt's check run on GitHub. Nothing here ever throws: reporting is worth no attempt. */
export type CheckRunReporter = {
  /** Reads it, again and again for a while if need be, and compares App, name, external id and commit with the job. */
  verify(signal: AbortSignal): Promise<CheckRunVerdict>;
  /** Shows progress when GitHub's limits allow; what is newer replaces what is not sent yet. */
  show(content: CheckRunContent): void;
  /** Sends the final state, after which nothing more is shown. Gives up when the signal aborts. True when GitHub took it. */
  finish(content: CheckRunContent, signal: AbortSignal): Promise<boolean>;
};

export function createCheckRunReporter(options: {
  spec: Pick<JobSpec, 'checkRun' | 'githubApiUrl' | 'repository' | 'startCommit'>;
  /** A token that may write this check run; asked before each request. */
  token: () => Promise<string>;
  /** Resolves once the attempt is surely still ours; asked before each write. Rejects when it is not. */
  mayWrite?: (signal: AbortSignal) => Promise<void>;
  fetch: typeof fetch;
  clock: Clock;
  log: Logger;
  userAgent: string;
  /** Least time between two progress updates, in milliseconds. */
  spacingMs?: number;
  /** For how long `verify` tries again while GitHub is in trouble, in milliseconds; a minute by default. */
  lookMs?: number;
}): CheckRunReporter {
  const { spec, clock, log } = options;
  const spacingMs = options.spacingMs ?? DEFAULT_SPACING_MS;
  const octokit = new (Octokit.plugin(retry))({
    baseUrl: spec.githubApiUrl,
    userAgent: options.userAgent,
    request: { fetch: options.fetch },
    retry: { doNotRetry: NEVER_REPEATED },
  });
  const place = {
    owner: spec.repository.owner,
    repo: spec.repository.name,
    check_run_id: spec.checkRun.id,
  };
  const over = new AbortController();
  let wanted: CheckRunContent | null = null;
  let notBeforeMs = 0;
  let pump: Promise<void> | null = null;

  return {
    verify: async (signal) => {
      const endsAtMs = clock.monotonicMs() + (options.lookMs ?? DEFAULT_LOOK_MS);
      for (let refusals = 0; ;) {
        try {
          return judge(await read(AbortSignal.any([signal, AbortSignal.timeout(LOOK_TIMEOUT_MS)])));
        } catch (error) {
          const limitMs = toLimitWaitMs(error);
          const isRefusal = limitMs === null && isAboutToken(error);
          if (isRefusal) refusals += 1;
          if (refusals === FRESH_TOKEN_TRIES) {
            return {
              kind: 'wrong',
              reason: `GitHub does not show check run ${spec.checkRun.id}: ${describe(error)}`,
            };
          }
          const waitMs = isRefusal ? FRESH_TOKEN_WAIT_MS : (limitMs ?? TROUBLE_WAIT_MS);
          if (signal.aborted || clock.monotonicMs() + waitMs > endsAtMs) {
            return { kind: 'unreachable', reason: describe(error) };
          }
          log.warn({ err: error, waitMs }, 'The check run could not be looked at yet');
          await clock.sleep(waitMs, signal).catch(() => undefined);
        }
      }
    },
    show: (content) => {
      if (over.signal.aborted) return;
      wanted = content;
      pump ??= sendProgress().finally(() => {
        pump = null;
      });
    },
    finish: async (content, signal) => {
      over.abort();
      for (;;) {
        try {
          // What is on its way must not arrive after the final state.
          if (pump !== null) await unlessAborted(pump, signal);
          await send(content, signal);
          return true;
        } catch (error) {
          const waitMs = toLimitWaitMs(error);
          log.warn({ err: error, waitMs }, 'The final state of the check run was not taken');
          if (waitMs === null || signal.aborted) return false;
          await clock.sleep(waitMs, signal).catch(() => undefined);
        }
      }
    },
  };

  async function sendProgress(): Promise<void> {
    while (wanted !== null && !over.signal.aborted) {
      const waitMs = notBeforeMs - clock.monotonicMs();
      if (waitMs > 0) {
        await clock.sleep(waitMs, over.signal).catch(() => undefined);
        continue;
      }
      const content: CheckRunContent = wanted;
      wanted = null;
      notBeforeMs = clock.monotonicMs() + spacingMs;
      try {
        // Not cut short by the final state: a request that is half done could overtake it.
        await send(content, AbortSignal.timeout(PROGRESS_TIMEOUT_MS));
      } catch (error) {
        notBeforeMs += toLimitWaitMs(error) ?? 0;
        log.warn({ err: error }, 'Progress could not be shown on GitHub');
      }
    }
  }

  async function read(signal: AbortSignal): Promise<unknown> {
    const request = octokit.request('GET /repos/{owner}/{repo}/check-runs/{check_run_id}', {
      ...place,
      headers: await headers(),
      // Repeated by who asks, who knows for how long.
      request: { signal, retries: 0 },
    });
    return (await unlessAborted(request, signal)).data;
  }

  async function send(content: CheckRunContent, signal: AbortSignal): Promise<void> {
    const { status, conclusion, title, summary, text, buttons } = content;
    await options.mayWrite?.(signal);
    const request = octokit.request('PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}', {
      ...place,
      status,
      ...(conclusion === undefined ? {} : { conclusion }),
      output: { title, summary, ...(text === undefined ? {} : { text }) },
      ...(buttons === undefined ? {} : { actions: toActions(buttons) }),
      headers: await headers(),
      request: { signal },
    });
    // The plugin's waits between tries know nothing of the signal.
    await unlessAborted(request, signal);
  }

  async function headers(): Promise<Record<string, string>> {
    return { authorization: `token ${await options.token()}`, 'x-github-api-version': '2022-11-28' };
  }

  function judge(answer: unknown): CheckRunVerdict {
    const expected = spec.checkRun;
    const parsed = CheckRun.safeParse(answer);
    if (!parsed.success) {
      return { kind: 'wrong', reason: `what GitHub shows as check run ${expected.id} is none` };
    }
    const found = parsed.data;
    const differences = [
      found.app?.id === expected.appId ? null : 'belongs to another App',
      isCalled(found.external_id, expected.externalId) ? null : 'has another external id',
      found.head_sha === spec.startCommit ? null : 'is on another commit',
      found.name === expected.name ? null : 'has another name',
    ].filter((difference) => difference !== null);
    if (differences.length === 0) return { kind: 'right' };
    return { kind: 'wrong', reason: `check run ${expected.id} on GitHub ${differences.join(', ')}` };
  }
}

/** To a runner that only reaches GitHub the coordinator writes behind it: see `contract/check-run-mail.ts`. */
function isCalled(found: string | null, expected: string): boolean {
  return found === expected || found?.startsWith(`${expected}:`) === true;
}

/** Refusals that may be over once GitHub knows a fresh token everywhere. */
function isAboutToken(error: unknown): boolean {
  return error instanceof RequestError && [401, 403, 404].includes(error.status);
}

/** How long GitHub wants us to wait; `null` when the refusal is no limit. */
function toLimitWaitMs(error: unknown): number | null {
  if (!(error instanceof RequestError)) return null;
  const headers = error.response?.headers;
  const limited =
    error.status === 429 ||
    (error.status === 403 &&
      (headers?.['retry-after'] !== undefined || headers?.['x-ratelimit-remaining'] === '0'));
  if (!limited) return null;
  const seconds = Number(headers?.['retry-after']);
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : DEFAULT_LIMIT_WAIT_MS;
}

function describe(error: unknown): string {
  if (error instanceof RequestError) return `HTTP ${error.status}: ${error.message.slice(0, 300)}`;
  return error instanceof Error ? error.message : String(error);
}
