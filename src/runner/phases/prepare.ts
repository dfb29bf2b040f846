import type { RepositoryAnalysis } from '../analysis/repository-analysis.ts';
import { analyzeRepository } from '../analysis/analyze-repository.ts';
import type { Agent } from '../agents/agent.ts';
import { chooseAgent } from '../agents/choose-agent.ts';
import type { Workspace } from '../workspace/workspace-types.ts';
import { type AttemptContext, end, next, type PhaseDeps, type PhaseResult } from './phase.ts';

export type Prepared = { agent: Agent; workspace: Workspace; analysis: RepositoryAnalysis };

/** The agent is there and can run; the repository is checked out at the base and has been looked at. */
export async function prepare(attempt: AttemptContext, deps: PhaseDeps): Promise<PhaseResult<Prepared>> {
  const { spec, signal, record } = attempt;
  const choice = chooseAgent(deps.agents, spec.settings.agent);
  if (!choice.ok) return end({ outcome: 'agent_failed', reason: choice.reason, retryable: false });
  const { agent } = choice;
  record.agent.name = agent.name;
  const fitness = await agent.preflight();
  if (!fitness.ok) {
    const reason = `The agent ${agent.name} can't run on ${deps.runnerName}: ${fitness.reason} ${fitness.fix}`;
    return end({ outcome: 'agent_failed', reason: deps.redact(reason), retryable: false });
  }
  record.agent.version = fitness.version;
  if (fitness.warning) attempt.say(`Note: ${fitness.warning}`);

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
  return next({ agent, workspace, analysis });
}
