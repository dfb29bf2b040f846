import { toOneLine } from '../../lib/strip-control.ts';
import type { Agent } from '../agents/agent.ts';
import type { Candidate } from '../agents/agent-line.ts';
import type { AttemptContext, PhaseDeps } from './phase.ts';

const MAX_REASON_CHARACTERS = 1000;

/** Who works on an attempt, and who could in its place. */
export type Staff = {
  agent: Agent;
  /** That the repository asks for; `null` = the agent's own choice. */
  model: string | null;
  /** In this order; not looked at yet. */
  reserve: readonly Candidate[];
};

/**
 * The first in `line` that can run here. Who it is, and who was passed over for which reason, goes in the record; `before`: one that
 * had the work and lost it. When there is none, nothing changes but the reasons, which are told together.
 */
export async function takeAgent(
  line: readonly Candidate[],
  before: readonly { name: string; reason: string }[],
  { record, say }: AttemptContext,
  deps: Pick<PhaseDeps, 'agents' | 'runnerName' | 'redact'>,
): Promise<{ ok: true; staff: Staff } | { ok: false; reason: string }> {
  const passedOver: { name: string; reason: string }[] = [];
  for (const [at, { name, model }] of line.entries()) {
    const looked = await look(name, deps);
    if (looked.ok) {
      const all = [...(record.agent.passedOver ?? []), ...before, ...passedOver];
      for (const { reason } of passedOver) say(reason);
      record.session = null;
      record.agent = {
        name,
        version: looked.version,
        // As far as anybody asked for one; the run tells which it was.
        model: model === null ? null : toOneLine(model, 200),
        ...(all.length === 0 ? {} : { passedOver: all }),
      };
      if (looked.warning !== null) say(`Note: ${looked.warning}`);
      return { ok: true, staff: { agent: looked.agent, model, reserve: line.slice(at + 1) } };
    }
    passedOver.push({ name, reason: looked.reason.slice(0, MAX_REASON_CHARACTERS) });
  }
  return { ok: false, reason: passedOver.map(({ reason }) => reason).join(' ') };
}

async function look(
  name: string,
  { agents, runnerName, redact }: Pick<PhaseDeps, 'agents' | 'runnerName' | 'redact'>,
): Promise<
  { ok: true; agent: Agent; version: string | null; warning: string | null } | { ok: false; reason: string }
> {
  const agent = agents.byName.get(name);
  if (agent === undefined) {
    const known = [...agents.byName.keys()].join(', ');
    return { ok: false, reason: `The agent "${name}" is not configured on this runner; it has ${known}.` };
  }
  const fitness = await agent.preflight();
  if (fitness.ok) return { ok: true, agent, version: fitness.version, warning: fitness.warning ?? null };
  const reason = `The agent ${name} can't run on ${runnerName}: ${fitness.reason} ${fitness.fix}`;
  return { ok: false, reason: redact(reason) };
}
