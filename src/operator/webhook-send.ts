import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { sign } from '@octokit/webhooks-methods';
import { OperatorError } from './operator-client.ts';

/** What the coordinator said to a payload that was sent to it. */
export type WebhookAnswer = { guid: string; event: string; status: number; body: string };

/** Which GitHub event a payload is, by what it holds; the first key that is there wins. */
const EVENT_BY_KEY: readonly (readonly [key: string, event: string])[] = [
  ['check_run', 'check_run'],
  ['check_suite', 'check_suite'],
  ['review', 'pull_request_review'],
  ['comment', 'issue_comment'],
  ['pull_request', 'pull_request'],
  ['issue', 'issues'],
  ['repositories_added', 'installation_repositories'],
  ['head_commit', 'push'],
  ['zen', 'ping'],
  ['installation', 'installation'],
];

const COMMENT_ON_LINES = 'pull_request_review_comment';

/**
 * The event of a payload: from a file name such as `issues.labeled.json`, else from the payload's keys; `null` when neither tells.
 */
export function guessEvent(file: string, payload: object): string | null {
  const fromName = /^([a-z_]+)(?:\.[a-z_]+)?\.json$/.exec(path.basename(file))?.[1];
  if (fromName === COMMENT_ON_LINES || EVENT_BY_KEY.some(([, event]) => event === fromName))
    return fromName ?? null;
  // Comments in conversations have an issue beside them.
  if ('comment' in payload && 'pull_request' in payload) return COMMENT_ON_LINES;
  return EVENT_BY_KEY.find(([key]) => key in payload)?.[1] ?? null;
}

/**
 * Signs `body` as GitHub does and posts it to a coordinator. A new delivery GUID each time unless one is given, so the
 * same payload can be sent twice on purpose. Throws when the coordinator can't be reached.
 */
export async function sendWebhook(options: {
  url: string;
  secret: string;
  event: string;
  body: string;
  guid?: string | undefined;
  fetch: typeof fetch;
}): Promise<WebhookAnswer> {
  const guid = options.guid ?? randomUUID();
  const response = await post(options, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'yardmaster-webhook-send',
      'x-github-delivery': guid,
      'x-github-event': options.event,
      'x-hub-signature-256': await sign(options.secret, options.body),
    },
    body: options.body,
    signal: AbortSignal.timeout(30_000),
  });
  return {
    guid,
    event: options.event,
    status: response.status,
    body: (await response.text()).slice(0, 2000),
  };
}

async function post(to: { url: string; fetch: typeof fetch }, request: RequestInit): Promise<Response> {
  try {
    return await to.fetch(to.url, request);
  } catch (error) {
    throw new OperatorError(
      `no coordinator answers at ${to.url}: start one, or name another address with --url.`,
      {
        cause: error,
      },
    );
  }
}
