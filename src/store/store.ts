/** A webhook delivery as it came in: verified, not yet looked at. */
export type NewDelivery = {
  /** `X-GitHub-Delivery`: a redelivery bears the same. */
  guid: string;
  event: string;
  /** Deliveries with the same key are handled one after the other, in the order of arrival: `<repository id>#<issue>`, or the GUID. */
  orderKey: string;
  /** The body, as received. */
  payload: string;
};

export type ClaimedDelivery = NewDelivery & {
  /** 1 for the first try. */
  attempt: number;
  /** Fences a claim that has lapsed. */
  fence: number;
  receivedAtMs: number;
};

/** The inbox. */
export type DeliveryStore = {
  /** Durable when it resolves. `known`: a delivery with this GUID is stored already; nothing changes. */
  putDelivery(delivery: NewDelivery): Promise<'stored' | 'known'>;
  /** The oldest delivery that is due and whose order key nobody is working on; `null` when there is none. */
  claimDelivery(): Promise<ClaimedDelivery | null>;
  finishDelivery(claim: { guid: string; fence: number }): Promise<void>;
  /** `retryAfterMs: null` makes it a dead letter. */
  failDelivery(
    claim: { guid: string; fence: number },
    error: string,
    retryAfterMs: number | null,
  ): Promise<void>;
};
