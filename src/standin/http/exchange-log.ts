/** One REST request and its answer, as the contract checks and tests see it. */
export type Exchange = {
  method: string;
  /** With query, without the `/api/v3` prefix. */
  path: string;
  requestHeaders: Record<string, string>;
  requestBody: unknown;
  status: number;
  responseHeaders: Record<string, string>;
  responseBody: unknown;
  /** `app`, `installation:<id>:<token id>`, `user:<login>` or `anonymous`. */
  actor: string;
  /** The answer was made up by a fault, so GitHub's descriptions say nothing about it. */
  injected?: true;
};

const kept = 2000;

/** Keeps the newest exchanges and tells the listener of each; credentials are masked first. */
export function createExchangeLog(onExchange?: (exchange: Exchange) => void) {
  let exchanges: Exchange[] = [];

  return {
    add(exchange: Exchange): void {
      const masked = { ...exchange, requestHeaders: maskCredentials(exchange.requestHeaders) };
      exchanges.push(masked);
      if (exchanges.length > 2 * kept) exchanges = exchanges.slice(-kept);
      onExchange?.(masked);
    },
    all: (): Exchange[] => exchanges.slice(-kept),
  };
}

function maskCredentials(headers: Record<string, string>): Record<string, string> {
  return headers['authorization'] === undefined ? headers : { ...headers, authorization: '(masked)' };
}
