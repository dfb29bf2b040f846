import type { PolicyFinding } from '../../contract/attempt-result.ts';
import { judgeChanges } from '../../domain/change-policy.ts';
import { toOneLine } from '../../lib/strip-control.ts';
import { inlineCode } from '../context/fence.ts';
import { findAddedSecrets } from '../find-added-secrets.ts';
import type { AttemptContext, PhaseDeps, Workspace } from './phase.ts';

/** Work that may not become a pull request. */
export type Refusal = {
  /** For people, on GitHub. */
  reasons: string[];
  /** Whether it may at least be put on the job's branch. */
  mayBePushed: boolean;
  hasSecret: boolean;
  /** Whether all of it was looked through for secrets. */
  isSearched: boolean;
  /** Where the rules are against it. */
  findings: PolicyFinding[];
};

/** More text than this is no change that a person could review. */
const MAX_SCANNED_CHARACTERS = 20_000_000;
const MAX_TOLD = 10;
/** No character takes more, so that a patch which was cut is always too long. */
const MAX_CHARACTER_BYTES = 3;

/** Holds the changes of a snapshot against the rules, built-in ones and the repository's; `null` when they are kept. */
export async function judgeWork(
  tree: string,
  { workspace }: { workspace: Workspace },
  { spec, record, say }: AttemptContext,
  { redact, holdsSecret }: Pick<PhaseDeps, 'redact' | 'holdsSecret'>,
): Promise<Refusal | null> {
  const patch = await workspace.patch(tree, (MAX_SCANNED_CHARACTERS + 1) * MAX_CHARACTER_BYTES);
  const secrets = await findAddedSecrets({
    patch,
    redact,
    holdsSecret,
    baseHas: workspace.baseHas,
    // Of the settings on the default branch, which no work of an agent changes.
    fakePaths: spec.settings.fakeSecretPaths ?? [],
  });
  const entries = await workspace.entries(tree);
  const verdict = judgeChanges({ changes: record.changes, entries, rules: spec.settings, secrets });
  // What nobody could look through must not be let through.
  const tooMuch =
    patch.length <= MAX_SCANNED_CHARACTERS
      ? []
      : ['The change is too large to be looked through for secrets: keep generated files out of it.'];
  const conflicting = await workspace.unresolved(tree);
  const unresolved = conflicting.map(
    (path) => `The marks of a conflict are left in ${toOneLine(path, 300)}.`,
  );
  const large = await workspace.lfsChanges(tree);
  const inLfs = large.map(
    (path) =>
      `${inlineCode(toOneLine(path, 200))} belongs in Git LFS, where only a person can put it: leave it as it is, or keep it elsewhere.`,
  );
  const own = [...tooMuch, ...unresolved.slice(0, MAX_TOLD), ...inLfs.slice(0, MAX_TOLD)];
  if (verdict.ok && own.length === 0) return null;

  const reasons = [...(verdict.ok ? [] : verdict.reasons), ...own];
  for (const reason of reasons) say(`Not accepted: ${reason}`);
  return {
    reasons,
    mayBePushed: own.length === 0 && (verdict.ok || verdict.mayBePushed),
    hasSecret: secrets.length > 0,
    isSearched: tooMuch.length === 0,
    findings: [
      ...(verdict.ok ? [] : verdict.findings),
      ...conflicting.map((path) => ({ path, line: null, rule: 'has marks of a conflict left' })),
      ...large.map((path) => ({ path, line: null, rule: 'belongs in Git LFS' })),
    ].map((finding) => ({ ...finding, path: redact(finding.path) })),
  };
}
