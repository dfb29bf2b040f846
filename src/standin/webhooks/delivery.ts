/** An event as GitHub sends it, before any attempt to deliver it. */
export type SentWebhook = {
  event: string;
  action?: string;
  /** Stays the same when the event is delivered again. */
  guid: string;
  payload: Record<string, unknown>;
};

/** One attempt to deliver an event. */
export type Delivery = SentWebhook & {
  id: number;
  installationId: number | null;
  repositoryId: number | null;
  redelivery: boolean;
  deliveredAtMs: number;
  durationMs: number;
  /** `OK`, or why not. */
  status: string;
  statusCode: number;
  url: string;
  request: { headers: Record<string, string>; payload: Record<string, unknown> };
  response: { headers: Record<string, string>; body: string | null };
};

/** Which events a fault is for; without one, all. */
export type WebhookFilter = (webhook: SentWebhook) => boolean;
