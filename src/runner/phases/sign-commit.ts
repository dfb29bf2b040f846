import { stripControl } from '../../lib/strip-control.ts';
import { toError } from '../../lib/to-error.ts';
import { createSignedCommits, type SignedCommit, type SignedCommits } from '../signed-commits.ts';
import { GitCommandError } from '../workspace/git-command-error.ts';
import type { AttemptContext, PhaseDeps, Workspace } from './phase.ts';

const MAX_REASON = 500;

/**
 * The commit to push: `local` itself, or, where the settings or the repository's rules ask for signatures, the same that GitHub has made and
 * signed. It gets the files through git, so that modes, links and sizes are no matter; only the commit is made by a call. The branch is
 * then moved by an ordinary push, fenced as always.
 */
export async function signCommit(
  work: { local: string; tree: string; message: string; workspace: Workspace },
  attempt: AttemptContext,
  deps: PhaseDeps,
): Promise<SignedCommit> {
  const { spec, signal, say } = attempt;
  const { fetch, userAgent } = deps;
  const github = createSignedCommits({ spec, fetch, userAgent, signal });
  if (!(await mustBeSigned(github, attempt, deps))) return { kind: 'made', commit: work.local };

  say('GitHub is asked to make and sign the commit');
  const { lending } = work.workspace;
  try {
    const signed = await makeSigned(work, github, attempt);
    if (signed.kind === 'made') say(`GitHub signed ${signed.commit}`);
    return signed.kind === 'made' ? signed : refuse(signed.reason);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof GitCommandError)) throw error;
    return refuse(error.message);
  } finally {
    await lending.takeBack();
  }

  function refuse(reason: string): SignedCommit {
    return { kind: 'refused', reason: stripControl(deps.redact(reason)).slice(0, MAX_REASON) };
  }
}

async function makeSigned(
  { local, tree, message, workspace }: Parameters<typeof signCommit>[0],
  github: SignedCommits,
  attempt: AttemptContext,
): Promise<SignedCommit> {
  const { lending, parents } = workspace;
  const refused = await lending.lend(local);
  if (refused !== null) return { kind: 'refused', reason: refused };
  const token = await attempt.tokens.publish(local);
  await attempt.confirmLease();
  const signed = await github.make({ tree, parents, message }, token);
  // To move the branch git needs to have what it moves it to.
  if (signed.kind === 'made') await lending.fetch(signed.commit);
  return signed;
}

/** By the setting, or else by the rules of the base branch, which whatever is merged has to keep, and of the branch that is pushed to. */
async function mustBeSigned(
  github: SignedCommits,
  { spec, tokens, signal, say }: AttemptContext,
  { redact }: PhaseDeps,
): Promise<boolean> {
  const { commits } = spec.settings;
  if (commits !== undefined) return commits === 'signed';
  try {
    for (const branch of [spec.base.branch, spec.branch]) {
      if (await github.areRequired(branch, await tokens.run())) return true;
    }
  } catch (error) {
    signal.throwIfAborted();
    // Where there can be no rulesets, GitHub refuses to tell of any. If they do ask for signatures, it refuses the push.
    say(`Note: the repository's rules can't be read: ${redact(toError(error).message)}`);
  }
  return false;
}
