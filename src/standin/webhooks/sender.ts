import { createHmac, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AppRegistration } from '../app-registration.ts';
import type { World } from '../world.ts';
import type { Delivery, SentWebhook } from './delivery.ts';
import type { WebhookFaults } from './webhook-faults.ts';

const answerTimeoutMs = 10_000;
const largestPayloadBytes = 25 * 1024 * 1024;
const keptDeliveries = 2000;
/** GitHub does not tell the hook's id anywhere but in deliveries; any number will do. */
export const hookId = 7_001;

/** Whom an event belongs to, for the delivery log. */
export type Scope = { installationId: number | null; repositoryId: number | null };

/**
 * Delivers webhooks to the App's one URL, signed, several at a time and with no promise about the order, as
 * GitHub does. There are no retries: what fails stays failed in the log until someone asks for redelivery.
 */
export function createWebhookSender(deps: {
  world: World;
  app: AppRegistration;
  clock: { nowMs(): number };
  faults: WebhookFaults;
}) {
  const { world, app, clock, faults } = deps;
  let target: string | undefined;
  let log: Delivery[] = [];
  const stopping = new AbortController();
  const underWay = new Set<Promise<void>>();
  let held = 0;

  /** Sends an event, if the App has a webhook URL. */
  function send(webhook: SentWebhook, scope: Scope): void {
    const url = target;
    if (url === undefined || Buffer.byteLength(JSON.stringify(webhook.payload)) > largestPayloadBytes) return;
    const fate = faults.fateOf(webhook);
    held += 1;
    faults.inTurn(() => {
      held -= 1;
      for (let copy = 0; copy < fate.copies; copy += 1) {
        track(attempt(webhook, scope, { url, redelivery: false, ...fate }));
      }
    });
  }

  /** Delivers an event of the log again, under the same GUID. False when there is none of this id. */
  function redeliver(deliveryId: number): boolean {
    const earlier = log.find((delivery) => delivery.id === deliveryId);
    if (!earlier) return false;
    const { installationId, repositoryId } = earlier;
    const url = target ?? earlier.url;
    track(
      attempt(
        earlier,
        { installationId, repositoryId },
        { url, redelivery: true, dropped: false, delayMs: 0 },
      ),
    );
    return true;
  }

  function track(work: Promise<void>): void {
    underWay.add(work);
    void work.finally(() => underWay.delete(work));
  }

  async function attempt(
    webhook: SentWebhook,
    scope: Scope,
    how: { url: string; redelivery: boolean; dropped: boolean; delayMs: number },
  ): Promise<void> {
    const { event, action, guid, payload } = webhook;
    const body = JSON.stringify(payload);
    const headers = requestHeaders(event, guid, body);
    const id = world.newId('delivery');
    if (how.delayMs > 0 && !(await waited(how.delayMs))) return;

    const startedMs = performance.now();
    const answer = how.dropped ? connectionFailed : await post(how.url, headers, body);
    log.push({
      id,
      event,
      ...(action === undefined ? {} : { action }),
      guid,
      payload,
      ...scope,
      redelivery: how.redelivery,
      deliveredAtMs: clock.nowMs(),
      durationMs: Math.round(performance.now() - startedMs),
      url: how.url,
      request: { headers, payload },
      ...answer,
    });
    if (log.length > 2 * keptDeliveries) log = log.slice(-keptDeliveries);
  }

  /** False when the stand-in stops first. */
  async function waited(ms: number): Promise<boolean> {
    try {
      await sleep(ms, undefined, { signal: stopping.signal });
      return true;
    } catch {
      // Stopped: nobody waits for this event any more.
      return false;
    }
  }

  function requestHeaders(event: string, guid: string, body: string): Record<string, string> {
    const signature = createHmac('sha256', app.webhookSecret).update(body).digest('hex');
    return {
      accept: '*/*',
      'content-type': 'application/json',
      'user-agent': `GitHub-Hookshot/${randomBytes(4).toString('hex').slice(0, 7)}`,
      'x-github-delivery': guid,
      'x-github-event': event,
      'x-github-hook-id': String(hookId),
      'x-github-hook-installation-target-id': String(app.id),
      'x-github-hook-installation-target-type': 'integration',
      'x-hub-signature-256': `sha256=${signature}`,
    };
  }

  async function post(url: string, headers: Record<string, string>, body: string): Promise<Answer> {
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers,
        body,
        redirect: 'manual',
        signal: AbortSignal.any([stopping.signal, AbortSignal.timeout(answerTimeoutMs)]),
      });
      return {
        status: response.ok ? 'OK' : `Invalid HTTP Response: ${response.status}`,
        statusCode: response.status,
        response: { headers: Object.fromEntries(response.headers), body: await response.text() },
      };
    } catch (error) {
      return error instanceof DOMException && error.name === 'TimeoutError' ? timedOut : connectionFailed;
    }
  }

  /** Resolves when nothing is on its way; events held for a shuffle count as on their way. */
  async function idle(): Promise<void> {
    while (underWay.size > 0 || held > 0) {
      // With nothing under way there is only the clock to wait for: what settles at once would let nothing else happen.
      const settled = underWay.size > 0 ? [Promise.allSettled(underWay)] : [];
      await Promise.race([...settled, sleep(5)]);
    }
  }

  async function stop(): Promise<void> {
    target = undefined;
    stopping.abort();
    await Promise.allSettled(underWay);
  }

  return {
    send,
    redeliver,
    idle,
    stop,
    target: () => target,
    setTarget: (url: string | undefined): void => {
      target = url;
    },
    /** Attempts, oldest first. */
    deliveries: (): Delivery[] => [...log],
  };
}

export type WebhookSender = ReturnType<typeof createWebhookSender>;

type Answer = Pick<Delivery, 'status' | 'statusCode' | 'response'>;

const connectionFailed: Answer = {
  status: 'failed to connect to host',
  statusCode: 502,
  response: { headers: {}, body: null },
};

const timedOut: Answer = { status: 'timed out', statusCode: 504, response: { headers: {}, body: null } };
