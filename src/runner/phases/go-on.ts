import type { Workspace } from '../workspace/workspace-types.ts';
import { judgeSession } from './judge-session.ts';
import { explainUnknown, judgeSetUp } from './judge-set-up.ts';
import type { AttemptContext } from './phase.ts';
import type { Staff } from './take-agent.ts';
import type { TestPlan } from './test-plan.ts';

/**
 * Whether the agent can go on where it was in the work before on this pull request: with which session. If not, `null`; then it has said why,
 * and leaves nothing of it.
 */
export async function goOnWithSession(
  { found }: Workspace,
  { agent }: Staff,
  { spec, record, say }: AttemptContext,
): Promise<string | null> {
  if (spec.kind !== 'revise') return null;
  if ('whyNot' in found) {
    say(`Begins anew: ${found.whyNot}`);
    return null;
  }
  say('The workspace of the work before on this pull request is still here');
  const judged = judgeSession(found, {
    agent: agent.name,
    version: record.agent.version,
    canGoOn: agent.isSessionFile !== undefined,
  });
  if (judged.kind === 'anew') {
    say(`The agent begins anew: ${judged.why}`);
    await found.dropSession();
    return null;
  }
  say('The agent goes on with the session in which it did that work');
  return judged.id;
}

/** Whether set-up can be left out. If not, has said why, and leaves nothing of what it made before. */
export async function goOnWithSetUp(
  { found }: Workspace,
  plan: TestPlan,
  { say }: Pick<AttemptContext, 'say'>,
): Promise<boolean> {
  if ('whyNot' in found) return false;
  const judged = judgeSetUp(found, plan.setup);
  if (judged.kind === 'kept') {
    if (plan.setup.length > 0)
      say('Set-up is left out: what it made before is here, and nothing that it depends on has changed');
    return true;
  }
  say(`Set-up begins anew: ${judged.why}`);
  await found.dropSetUp();
  return false;
}

/** For a next round: what set-up has made, right after it. */
export async function noteSetUp(workspace: Workspace, { setup }: TestPlan): Promise<void> {
  const { found, base } = workspace;
  const earlier = !('whyNot' in found) && 'commit' in found.setUp ? found.setUp.commit : null;
  const whyNot = explainUnknown(setup);
  await workspace.noteSetUp(whyNot === null ? { commands: setup, commit: earlier ?? base } : { whyNot });
}
