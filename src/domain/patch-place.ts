/** Where the patch of work that was not pushed is, besides the runner's disk. `why`: a sentence. */
export type PatchPlace = { kind: 'check_run' } | { kind: 'coordinator' } | { kind: 'runner'; why: string };

/** So that it has its place among all that a check run may tell: GitHub takes 65,535 characters. */
const MAX_SHOWN_CHARACTERS = 20_000;

/** Whoever can see the repository may see a check run, so nothing with a secret leaves the runner. */
export function choosePatchPlace(patch: {
  /** `null`: too large to be handed over, or no text. */
  text: string | null;
  mayHoldSecret: boolean;
  /** What a check run does not show can be handed to the coordinator. */
  reachesCoordinator: boolean;
}): PatchPlace {
  if (patch.mayHoldSecret) return { kind: 'runner', why: 'it may hold a secret.' };
  if (patch.text === null) return { kind: 'runner', why: 'it is too large, or not text alone.' };
  if (isShown(patch.text)) return { kind: 'check_run' };
  if (patch.reachesCoordinator) return { kind: 'coordinator' };
  return {
    kind: 'runner',
    why: 'it is too long for the check run, and this runner reaches nothing but GitHub.',
  };
}

/** Whether a check run shows the patch, whole. */
export function isShown(patch: string): boolean {
  return patch.length <= MAX_SHOWN_CHARACTERS;
}
