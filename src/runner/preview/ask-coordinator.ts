import type { Clock } from '../../lib/clock.ts';
import { sendCall } from '../transport/send-call.ts';
import type { RunnerIdentity } from '../runner-identity.ts';
import type { PreviewAnswer, PreviewWish } from './preview-answer.ts';
import { PreviewError } from './preview-error.ts';

const TIMEOUT_MS = 60_000;

/** What a job would be, as the coordinator knows it. Asked by the runner's key: a session would end that of the daemon. Throws `PreviewError`. */
export async function askCoordinator(
  wish: PreviewWish,
  { url, identity }: { url: string; identity: Extract<RunnerIdentity, { kind: 'coordinator' }> },
  deps: { fetch: typeof fetch; clock: Pick<Clock, 'nowMs'>; signal: AbortSignal },
): Promise<PreviewAnswer> {
  const call = { name: 'preview' as const, body: { ...wish, runnerId: identity.runnerId } };
  const answer = await sendCall(call, {
    url,
    fetch: deps.fetch,
    bearer: identity.key.key,
    timeoutMs: TIMEOUT_MS,
    signal: deps.signal,
    nowMs: deps.clock.nowMs(),
  });
  switch (answer.kind) {
    case 'ok':
      return { preview: answer.value, token: null, notes: [], close: async () => undefined };
    case 'refused':
      throw new PreviewError(answer.error.message);
    case 'unauthorized':
    case 'trouble':
      throw new PreviewError(`The coordinator at ${url} gives no answer: ${answer.text}`);
    default:
      return answer satisfies never;
  }
}
