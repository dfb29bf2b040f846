import type { StoreTx } from '../store/store.ts';
import { type Answer, refused } from './answer.ts';

/** What makes a repeat of a call recognisable. */
export type Idempotency = {
  key: string;
  /** Hash of the request, so that one key can't stand for two. */
  requestHash: string;
};

/**
 * Answers a call that changes state exactly once: the answer is stored in the transaction of the change, and a repeat gets the stored
 * one without anything happening again. Refusals are not stored, since nothing was changed. Answers must hold no secret.
 */
export async function answerOnce<T>(
  tx: StoreTx,
  scope: string,
  idempotency: Idempotency,
  work: () => Promise<Answer<T>>,
): Promise<Answer<T>> {
  const known = await tx.memory.getAnswer(scope, idempotency.key);
  if (known && known.requestHash !== idempotency.requestHash) {
    return refused(
      'invalid_request',
      'This idempotency key was used for another request. Use a new key for each request, and the same one only for repeats.',
    );
  }
  if (known) {
    // Written below, from a value of this type, under the same scope.
    return { ok: true, value: JSON.parse(known.body) as T };
  }
  const answer = await work();
  if (answer.ok) {
    const body = JSON.stringify(answer.value);
    await tx.memory.putAnswer(
      scope,
      idempotency.key,
      { requestHash: idempotency.requestHash, body },
      tx.nowMs,
    );
  }
  return answer;
}
