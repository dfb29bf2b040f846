import type { AgentPreflight } from '../agents/agent.ts';
import { type Check, fine, trouble } from './check.ts';

/** A line for each agent. The default one has to work, or one of those to fall back to; another that doesn't is only not offered. */
export function judgeAgents(
  found: readonly { name: string; fitness: AgentPreflight }[],
  defaultNames: readonly string[],
): Check[] {
  const defaults = found.filter(({ name }) => defaultNames.includes(name));
  const isServed = defaults.some(({ fitness }) => fitness.ok);
  return found.map(({ name, fitness }) => {
    const title = `agent ${name}`;
    if (!fitness.ok) {
      const isMissed = defaultNames.includes(name) && !isServed;
      return trouble(isMissed ? 'failed' : 'warning', title, fitness.reason, fitness.fix);
    }
    const version = fitness.version === null ? 'can run' : `${fitness.version}, with an account`;
    return fitness.warning == null
      ? fine(title, version)
      : trouble('warning', title, version, fitness.warning);
  });
}
