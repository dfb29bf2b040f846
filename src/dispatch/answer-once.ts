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
 * one without anything happening again. Refusals are not stored, so whoever refuses must have changed nothing. Answers must hold no secret.
 */
export async function answerOnce<T>(
  tx: StoreTx,
  scope: string,
  idempotency: Idempotency,
  work: () => Promise<Answer<T>>,
): Promise<Answer<T>> {
  // What is found was written below, from a value of this type, under the same scope.
  const find = async (): Promise<Answer<T> | null> =>
    (await findAnswer(tx, scope, idempotency)) as Answer<T> | null;
  const known = await find();
  if (known !== null) return known;
  const answer = await work();
  // A repeat may have looked before its first call was committed at another coordinator, waited for that in `work`, and met the job as it was left.
  if (!answer.ok) return (await find()) ?? answer;
  const body = JSON.stringify(answer.value);
  await tx.memory.putAnswer(scope, idempotency.key, { requestHash: idempotency.requestHash, body }, tx.nowMs);
  return answer;
}

/** `null` when this call was not answered yet. */
async function findAnswer(
  tx: StoreTx,
  scope: string,
  { key, requestHash }: Idempotency,
): Promise<Answer<unknown> | null> {
  const known = await tx.memory.getAnswer(scope, key);
  if (known === null) return null;
  if (known.requestHash !== requestHash) {
    return refused(
      'invalid_request',
      'This idempotency key was used for another request. Use a new key for each request, and the same one only for repeats.',
    );
  }
  return { ok: true, value: JSON.parse(known.body) as unknown };
}
