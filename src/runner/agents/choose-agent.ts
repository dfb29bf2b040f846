import type { Agent } from './agent.ts';
import type { Agents } from './create-agents.ts';

/** The agent that a repository asked for (`null` = none in particular), or why there is none. */
export function chooseAgent(
  agents: Agents,
  wanted: string | null,
): { ok: true; agent: Agent } | { ok: false; reason: string } {
  const agent = agents.byName.get(wanted ?? agents.defaultName);
  if (agent !== undefined) return { ok: true, agent };
  return {
    ok: false,
    reason: `The agent "${wanted}" is not configured on this runner; it has ${[...agents.byName.keys()].join(', ')}`,
  };
}
