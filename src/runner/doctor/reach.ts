import { explainNetworkError } from '../transport/send-call.ts';

const REACH_MS = 10_000;

export type Reach =
  { ok: true; status: number; tookMs: number; offsetMs: number | null } | { ok: false; reason: string };

/** Whether an address answers, whatever it says; and how far this machine’s clock is ahead of its own, by its Date header. */
export async function reach(
  address: string,
  deps: { fetch: typeof fetch; nowMs: () => number },
): Promise<Reach> {
  const sentMs = deps.nowMs();
  try {
    const response = await deps.fetch(address, {
      redirect: 'manual',
      headers: { 'user-agent': 'yardmaster-doctor' },
      signal: AbortSignal.timeout(REACH_MS),
    });
    const receivedMs = deps.nowMs();
    await response.body?.cancel();
    const date = Date.parse(response.headers.get('date') ?? '');
    return {
      ok: true,
      status: response.status,
      tookMs: receivedMs - sentMs,
      // The header is cut to whole seconds, so half of one is the best guess.
      offsetMs: Number.isNaN(date) ? null : (sentMs + receivedMs) / 2 - (date + 500),
    };
  } catch (thrown) {
    return { ok: false, reason: explainNetworkError(thrown) };
  }
}
