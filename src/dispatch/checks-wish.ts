import type { Store, StoreTx } from '../store/store.ts';
import type { FailedChecks } from '../github/github.ts';
import type { UnaskedWish } from './wish-revision.ts';

/** A head of a pull request whose failed checks of others may be worked on `most` times. */
type CheckedHead = {
  repositoryId: number;
  pullRequestNumber: number;
  headCommit: string;
  most: number;
};

/** That the failed checks be worked on, unless that was done as often as the settings allow. `key`: of what told of them. */
export function toChecksWish(
  head: CheckedHead,
  { checks, withoutLog }: FailedChecks,
  asked: { key: string; nowMs: number },
): UnaskedWish {
  const names = checks.map(({ name }) => name).join(', ');
  return {
    cause: 'checks',
    sender: null,
    at: new Date(asked.nowMs).toISOString(),
    checks,
    notices: withoutLog === null ? [] : [`The log of the failed check was not read. ${withoutLog}`],
    key: asked.key,
    reason: () => `${names.slice(0, 200)} failed, and the settings want that mended`,
    head: head.headCommit,
    admit: (tx) => takeTurn(tx, head),
  };
}

/** Whether the head was worked on as often as it may be. */
export async function isUsedUp(store: Pick<Store, 'memory'>, head: CheckedHead): Promise<boolean> {
  return store.memory.hasTrigger(toTurnKey(head, head.most));
}

async function takeTurn(tx: StoreTx, head: CheckedHead): Promise<boolean> {
  for (let turn = 1; turn <= head.most; turn += 1) {
    if (await tx.memory.rememberTrigger(toTurnKey(head, turn), 'started', tx.nowMs)) return true;
  }
  return false;
}

function toTurnKey({ repositoryId, pullRequestNumber, headCommit }: CheckedHead, turn: number): string {
  return `checks:${repositoryId}#${pullRequestNumber}:${headCommit}:${turn}`;
}
