import type { RepositoryAnalysis } from '../analysis/repository-analysis.ts';
import { analyzeRepository } from '../analysis/analyze-repository.ts';
import { lineUp } from '../agents/agent-line.ts';
import { describeReach } from '../sandbox/allow-hosts.ts';
import type { Workspace } from '../workspace/workspace-types.ts';
import { goOnWithSession } from './go-on.ts';
import { type Staff, takeAgent } from './take-agent.ts';
import { type AttemptContext, end, next, type PhaseDeps, type PhaseResult } from './phase.ts';

export type Prepared = {
  staff: Staff;
  workspace: Workspace;
  analysis: RepositoryAnalysis;
  /** Of the work before on the pull request, with which the agent goes on; `null` = it begins anew. */
  earlierSession: string | null;
};

/** The agent is there and can run; the repository is checked out at the base and has been looked at. */
export async function prepare(attempt: AttemptContext, deps: PhaseDeps): Promise<PhaseResult<Prepared>> {
  const { spec, signal } = attempt;
  const taken = await takeAgent(lineUp(spec.settings, deps.agents), [], attempt, deps);
  if (!taken.ok) return end({ outcome: 'agent_failed', reason: taken.reason, retryable: false });

  attempt.say(`Checking out ${spec.repository.owner}/${spec.repository.name} at ${spec.base.commit}`);
  const workspace = await deps.workspaces.open(
    spec,
    async (intent) => {
      if (deps.ownGit.token !== null) return deps.ownGit.token;
      if (intent.kind === 'read') return await attempt.tokens.run();
      const token = await attempt.tokens.publish(intent.commit);
      // The machine may have slept since it was granted.
      await attempt.confirmLease();
      return token;
    },
    signal,
  );
  await attempt.keepWorkspace(workspace);
  signal.throwIfAborted();
  for (const note of workspace.notes) attempt.say(`Note: ${note}`);

  const { ownFiles } = workspace;
  const analysis = await analyzeRepository(workspace.folder, {
    specialty: spec.specialty,
    ...(ownFiles === null ? {} : { ownFiles }),
  });
  const conflicts = workspace.merge?.conflicts.length ?? 0;
  if (workspace.merge !== null)
    attempt.say(`Merged ${spec.base.branch} into ${spec.branch}, with conflicts in ${conflicts} files`);
  const languages = analysis.languages.map(({ name }) => name).join(', ');
  attempt.say(`Found ${languages === '' ? 'no language that is known' : languages}`);
  const reach = deps.sandbox.kind === 'none' ? null : describeReach(spec.settings.hosts ?? [], deps.reach);
  if (reach !== null) attempt.say(reach);
  const earlierSession = await goOnWithSession(workspace, taken.staff, attempt);
  return next({ staff: taken.staff, workspace, analysis, earlierSession });
}
