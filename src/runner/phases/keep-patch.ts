import { readFile, stat } from 'node:fs/promises';
import { MAX_PATCH_CHARACTERS } from '../../contract/runner-api.ts';
import { choosePatchPlace } from '../../domain/patch-place.ts';
import type { KeptWork } from '../../domain/refusal-text.ts';
import { BUDGETS } from '../../domain/timings.ts';
import { toError } from '../../lib/to-error.ts';
import type { AttemptContext, PhaseDeps } from './phase.ts';
import type { Verified } from './verify.ts';

/** Shorter values that this runner masks may be common words. */
const MIN_SECRET_CHARACTERS = 16;

/**
 * Keeps work on this machine that can't be pushed, and gives it along with the report where others may have it. A full disk costs the patch, but
 * not the report that tells of it.
 */
export async function keepPatch(
  { workspace, tree, mayHoldSecret }: Pick<Verified, 'workspace' | 'tree'> & { mayHoldSecret: boolean },
  { spec, signal, say, record, channel }: AttemptContext,
  { runnerName, redact, holdsSecret }: Pick<PhaseDeps, 'runnerName' | 'redact' | 'holdsSecret'>,
): Promise<KeptWork> {
  try {
    const kept = await workspace.keepPatch(tree);
    if (kept === null) return { kind: 'nowhere', why: 'it is too large for a patch.' };
    say(`Kept the patch ${kept.name} on ${runnerName}`);
    const text = mayHoldSecret ? null : await readText(kept.path);
    const place = choosePatchPlace({
      text,
      // Lines around the changes and lines that are taken away were in the repository before; ours belong in no check run all the same.
      mayHoldSecret: mayHoldSecret || (text !== null && holdsSecret(text, MIN_SECRET_CHARACTERS)),
      reachesCoordinator: channel.takesLongPatches,
    });
    if (place.kind !== 'runner' && text !== null) record.patch = text;
    // A merge that was begun here is nowhere else.
    const base = workspace.parents[0] ?? workspace.base;
    const days = BUDGETS.refusedPatchDays;
    return { kind: 'patch', file: kept.name, runnerName, base, days, jobId: spec.jobId, place };
  } catch (error) {
    signal.throwIfAborted();
    say(`The patch could not be written: ${redact(toError(error).message)}`);
    return { kind: 'nowhere', why: 'the runner could not write the patch; its log tells why.' };
  }
}

/** `null` when it is too large to be handed over, or can't be told in UTF-8 as it is. */
async function readText(file: string): Promise<string | null> {
  if ((await stat(file)).size > MAX_PATCH_CHARACTERS) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(file));
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}
