import type { KeptWork } from '../../domain/refusal-text.ts';
import { BUDGETS } from '../../domain/timings.ts';
import { toError } from '../../lib/to-error.ts';
import type { AttemptContext, PhaseDeps } from './phase.ts';
import type { Verified } from './verify.ts';

/** Keeps work on this machine that can't be pushed. A full disk costs the patch, but not the report that tells of it. */
export async function keepPatch(
  { workspace, tree }: Verified,
  { signal, say }: AttemptContext,
  { runnerName, redact }: Pick<PhaseDeps, 'runnerName' | 'redact'>,
): Promise<KeptWork> {
  try {
    const file = await workspace.keepPatch(tree);
    if (file === null) return { kind: 'nowhere', why: 'it is too large for a patch.' };
    say(`Kept the patch ${file} on ${runnerName}`);
    return { kind: 'patch', file, runnerName, base: workspace.base, days: BUDGETS.refusedPatchDays };
  } catch (error) {
    signal.throwIfAborted();
    say(`The patch could not be written: ${redact(toError(error).message)}`);
    return { kind: 'nowhere', why: 'the runner could not write the patch; its log tells why.' };
  }
}
