import { verify } from '@octokit/webhooks-methods';
import type { Logger } from '../lib/logger.ts';
import { toError } from '../lib/to-error.ts';
import type { DeliveryStore } from '../store/store.ts';
import { toOrderKey } from './order-key.ts';
import { isHandled, toEventName } from './translate.ts';

/** GitHub sends no larger ones. */
export const MAX_WEBHOOK_BYTES = 25 * 1024 * 1024;

/** Names in lower case, as Node gives them. */
export type WebhookHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A delivery that somebody else has verified. */
export type VerifiedDelivery = { id: string; name: string; payload: unknown };

export type Inbox = {
  /**
   * Takes a webhook off the wire and says what to answer. 202 means that it survives a crash from here on; what it
   * means is found out later. Never throws.
   */
  receive(request: {
    headers: WebhookHeaders;
    body: Uint8Array | string;
  }): Promise<{ status: number; body: string }>;
  /** The same for a verified delivery. Rejects when it could not be stored: then GitHub has to be told so. */
  put(delivery: VerifiedDelivery): Promise<'stored' | 'known' | 'ignored'>;
};

/**
 * The front door for webhooks: verify, store, answer. Nothing else happens before the answer, since GitHub waits ten
 * seconds and sends nothing twice by itself.
 */
export function createInbox(deps: {
  store: Pick<DeliveryStore, 'putDelivery'>;
  /** The webhook secret. */
  secret: string;
  log: Logger;
  /** Called after something new was stored. */
  onStored?: () => void;
}): Inbox {
  const { store, secret, log, onStored } = deps;
  if (secret === '') throw new Error('A webhook secret is needed: without one, anybody could send webhooks');

  return { receive, put };

  async function receive({ headers, body }: Parameters<Inbox['receive']>[0]) {
    const contentType = header(headers, 'content-type') ?? '';
    if (!/^application\/json\b/i.test(contentType)) {
      return answer(415, "send application/json: set the webhook's content type to it");
    }
    if (body.length > MAX_WEBHOOK_BYTES) return answer(413, 'GitHub sends at most 25 MB');
    const text = toText(body);
    if (text === null) return answer(400, 'the body is not UTF-8');

    const guid = header(headers, 'x-github-delivery');
    const event = header(headers, 'x-github-event');
    if (!(await isSigned(text, header(headers, 'x-hub-signature-256')))) {
      // Not a word of the payload: anybody can send one, and fill the log with it.
      log.warn({ bytes: body.length }, 'Refused a webhook without a valid signature');
      return answer(401, 'the signature is missing or wrong: compare the webhook secrets');
    }
    if (guid === undefined || event === undefined) {
      return answer(400, 'the headers X-GitHub-Delivery and X-GitHub-Event are needed');
    }
    const payload = parseJson(text);
    if (payload === undefined) return answer(400, 'the body is not JSON');

    try {
      const outcome = await keep({ id: guid, name: event, payload }, text);
      return outcome === 'ignored' ? answer(200, 'ignored') : answer(202, outcome);
    } catch (thrown) {
      log.error({ err: toError(thrown), guid, event }, 'Could not store a webhook');
      return answer(500, 'could not be stored: deliver it again');
    }
  }

  async function put(delivery: VerifiedDelivery) {
    return keep(delivery, JSON.stringify(delivery.payload));
  }

  async function keep({ id, name, payload }: VerifiedDelivery, text: string) {
    if (!isHandled(toEventName(name, payload))) return 'ignored';
    const orderKey = toOrderKey(payload, id);
    const outcome = await store.putDelivery({ guid: id, event: name, orderKey, payload: text });
    if (outcome === 'stored') onStored?.();
    return outcome;
  }

  async function isSigned(text: string, signature: string | undefined): Promise<boolean> {
    if (text === '' || signature === undefined || signature === '') return false;
    return verify(secret, text, signature);
  }
}

function answer(status: number, body: string): { status: number; body: string } {
  return { status, body: `${body}\n` };
}

function header(headers: WebhookHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' || value === undefined ? value : value[0];
}

/** `null` when it is not UTF-8: replacing the bad bytes would change what was signed. */
function toText(body: Uint8Array | string): string | null {
  if (typeof body === 'string') return body;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    // Said by the return value.
    return null;
  }
}

/** `undefined` when it is no JSON, which no JSON parses to. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Said by the return value.
    return undefined;
  }
}
