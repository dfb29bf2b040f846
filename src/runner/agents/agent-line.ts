import type { JobSettings } from '../../contract/job.ts';
import type { AgentEnding } from './agent.ts';
import type { Agents } from './create-agents.ts';

/** An agent that a job may be given to. `model`: what the repository asks of it; `null` = its own choice. */
export type Candidate = { name: string; model: string | null };

/**
 * The agents of a job in the order in which they are tried: those that the repository names, else the runner's default ones. The model that
 * the repository names is the first one's; the next would not know it.
 */
export function lineUp(
  settings: Pick<JobSettings, 'agent' | 'otherAgents' | 'model'>,
  agents: Pick<Agents, 'defaultNames'>,
): readonly [Candidate, ...Candidate[]] {
  const { agent, otherAgents = [], model } = settings;
  const [first, ...others] = agent === null ? agents.defaultNames : ([agent, ...otherAgents] as const);
  return [{ name: first, model }, ...others.map((name) => ({ name, model: null }))];
}

/** Ends that say nothing about the task: the same agent would fail at any other, while another agent may well do this one. */
const OUTAGES: ReadonlySet<AgentEnding> = new Set([
  'auth_error',
  'billing_error',
  // Of those that lasted: shorter ones were waited for.
  'rate_limited',
  'api_error',
  'start_error',
]);

/** Whether an end means that the agent, or the service behind it, can not be had at the moment. */
export function isOutage(ending: AgentEnding): boolean {
  return OUTAGES.has(ending);
}
