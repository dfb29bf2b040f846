import type { JobSpec } from '../contract/job.ts';
import type { Agent } from './agents/agent.ts';
import type { AttemptRecord, Ending } from './attempt-record.ts';
import type { KeepWish } from './workspace/kept/keeping.ts';

/** How an attempt ended. */
export type Ended = Pick<AttemptRecord, 'agent' | 'session' | 'headCommit' | 'sandbox'> & {
  spec: Pick<JobSpec, 'kind' | 'base'>;
  outcome: Ending['outcome'];
  /** It was stopped from outside: whoever did that wants nothing of it left. */
  isStopped: boolean;
  /** Of the agent. */
  isSessionFile: Agent['isSessionFile'];
  holdsSecret: (text: string) => boolean;
};

/**
 * What of its workspace waits for a next round of its pull request; `null`: nothing. What has become a pull request is kept, and so is what a
 * round leaves that did not get through, since the pull request is still there. The agent's session is kept only where what it remembers is
 * what stands on the branch. Without a sandbox the agent could have written whatever the runner knows of its workspace.
 */
export function decideKeeping(ended: Ended): KeepWish | null {
  const { spec, outcome, headCommit } = ended;
  if (ended.isStopped || ended.sandbox === 'none') return null;
  if (outcome === 'pull_request' && headCommit !== null)
    return { head: headCommit, session: toSession(ended) };
  if (spec.kind !== 'revise' || headCommit !== null) return null;
  const head = spec.base.commit;
  if (outcome === 'no_changes') return { head, session: toSession(ended) };
  if (outcome !== 'tests_failed' && outcome !== 'policy_refused') return null;
  return { head, session: { whyNot: 'what the agent did last is not on the branch' } };
}

function toSession({ agent, session: id, isSessionFile, holdsSecret }: Ended): KeepWish['session'] {
  if (id === null || isSessionFile === undefined)
    return { whyNot: `${agent.name} can’t go on with a session of before` };
  return {
    agent: agent.name,
    version: agent.version,
    id,
    isFile: (path) => isSessionFile(id, path),
    holdsSecret,
  };
}
