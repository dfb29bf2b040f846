import type { AgentResult } from '../agents/agent.ts';
import { isOutage } from '../agents/agent-line.ts';
import { addAgentRound, type Ending } from '../attempt-record.ts';
import type { AttemptContext, PhaseDeps, Workspace } from './phase.ts';
import type { Prepared } from './prepare.ts';
import { type Staff, takeAgent } from './take-agent.ts';
import { openWayOut } from './way-out.ts';

/** Part of the longest run that is kept for looking at the work, testing and pushing it, and the most of it. */
const RESERVE = { part: 0.15, mostMs: 10 * 60_000 };

/** What an agent may not use up of the time, in milliseconds: work that nobody can push any more is lost. */
function reserveMs({ spec }: AttemptContext): number {
  return Math.min(RESERVE.mostMs, spec.settings.maxMinutes * 60_000 * RESERVE.part);
}

/** Whether what the job may cost allows another round. */
export function hasBudget(attempt: AttemptContext): boolean {
  const { spec, record } = attempt;
  return (
    attempt.remainingMs() > reserveMs(attempt) &&
    record.usage.turns < spec.settings.maxTurns &&
    (record.usage.costUsd ?? 0) < spec.settings.maxBudgetUsd
  );
}

/** What an agent is asked for. */
export type Round = {
  /** All that somebody has to know who remembers nothing. */
  anew: string;
  /** What is new for whoever remembers `session`. */
  goOn: string;
  /** To go on with; `null` = nobody remembers anything. */
  session: string | null;
  imagesFolder: string | null;
};

export type RoundEnd = {
  /** Who did it. */
  staff: Staff;
  result: AgentResult;
  /** How the attempt ends when the agent did not get through; `null` = it did. */
  ending: Ending | null;
};

/**
 * Runs the agent once, with what earlier rounds left of turns and money. Where its service is out, what it did in this round is taken back,
 * and the next one in reserve gets the whole task, with what is left by then. One that can't go on with its session begins anew, once.
 * When it resolves, the agents and all that they started are gone. Throws the signal's reason when the attempt was stopped meanwhile.
 */
export async function runRound(
  round: Round,
  { staff, workspace }: Pick<Prepared, 'staff' | 'workspace'>,
  attempt: AttemptContext,
  deps: PhaseDeps,
): Promise<RoundEnd> {
  const before = staff.reserve.length === 0 ? null : await workspace.snapshot();
  let now = { staff, session: round.session };
  /** Whether somebody who was passed over may be back next time. */
  let mayRecover = false;
  for (;;) {
    const { agent, reserve } = now.staff;
    const result = await runAgent({ ...round, session: now.session }, now.staff, workspace, attempt, deps);
    if (hasLostSession(now.session, result) && hasBudget(attempt)) {
      attempt.say(`${agent.name} can not go on with its session, and begins anew`);
      now = { ...now, session: null };
      continue;
    }
    const ending = judgeAgentEnding(result, mayRecover);
    if (!isOutage(result.ending) || before === null || reserve.length === 0 || !hasBudget(attempt)) {
      return { staff: now.staff, result, ending };
    }
    const lost = { name: agent.name, reason: result.detail };
    const taken = await takeAgent(reserve, [lost], attempt, deps);
    attempt.signal.throwIfAborted();
    if (!taken.ok) {
      attempt.say(taken.reason);
      return { staff: { ...now.staff, reserve: [] }, result, ending };
    }
    mayRecover ||= ending?.retryable === true;
    await workspace.restore(before);
    attempt.say(`${taken.staff.agent.name} takes over from ${agent.name}`);
    now = { staff: taken.staff, session: null };
  }
}

/** It broke off without having found what it was to go on with, or that has become too long for another word. */
function hasLostSession(wanted: string | null, { ending, session, usage }: AgentResult): boolean {
  if (wanted === null) return false;
  if (ending === 'prompt_too_long') return (usage.turns ?? 0) <= 1;
  return session === null && (ending === 'crashed' || ending === 'start_error');
}

/** With a way out to the hosts of its specialty; where it has none, nobody wonders that it finds none. */
async function runAgent(
  round: Round,
  staff: Staff,
  workspace: Workspace,
  attempt: AttemptContext,
  deps: PhaseDeps,
): Promise<AgentResult> {
  const { hosts = [] } = attempt.spec.settings;
  if (hosts.length === 0) return await runAgentThrough(null, round, staff, workspace, attempt, deps);
  const wayOut = await openWayOut('agent', false, attempt, deps);
  try {
    return await runAgentThrough(wayOut.socket, round, staff, workspace, attempt, deps);
  } finally {
    await wayOut.close();
  }
}

async function runAgentThrough(
  proxySocket: string | null,
  { anew, goOn, session, imagesFolder }: Round,
  { agent, model }: Staff,
  workspace: Workspace,
  attempt: AttemptContext,
  deps: PhaseDeps,
): Promise<AgentResult> {
  const { spec, record, signal } = attempt;
  const result = await agent.run({
    prompt: session === null ? anew : goOn,
    resumeSession: session,
    imagesFolder,
    folder: workspace.folder,
    homeFolder: workspace.homeFolder,
    agentFolder: workspace.agentFolder,
    tempFolder: workspace.tempFolder,
    readableFolders: [...workspace.sharedFolders],
    ...(proxySocket === null ? {} : { proxySocket }),
    model,
    maxTurns: Math.max(1, spec.settings.maxTurns - record.usage.turns),
    maxBudgetUsd: Math.max(0.01, spec.settings.maxBudgetUsd - (record.usage.costUsd ?? 0)),
    maxMs: Math.max(1000, attempt.remainingMs() - reserveMs(attempt)),
    idleMs: deps.limits.agentIdleMs,
    signal,
    onEvent: (event) => attempt.say(`[${agent.name}] ${event.text}`),
    onMeter: (read) => {
      record.meter = read;
    },
  });
  addAgentRound(record, result);
  signal.throwIfAborted();
  attempt.say(`[${agent.name}] ended: ${result.ending}. ${result.detail}`);
  return result;
}

/** Whether the agent was ended by a limit, in the middle of what it did: then what there is is worth looking at. */
export function isCutShort({ ending }: Pick<AgentResult, 'ending'>): boolean {
  return CUT_SHORT.includes(ending);
}

const CUT_SHORT: readonly AgentResult['ending'][] = [
  'max_turns',
  'max_budget',
  'timeout',
  'billing_error',
  'prompt_too_long',
];

/**
 * How an attempt ends whose agent did not get through; `null` = it did. `mayRecover`: somebody who was passed over before may be back next
 * time, which helps where this one could not be had either. Of its own failure at the task, or a used up budget, it says nothing.
 */
export function judgeAgentEnding(
  result: Pick<AgentResult, 'ending' | 'detail'>,
  mayRecover = false,
): Ending | null {
  const judged = judgeAlone(result);
  return judged && { ...judged, retryable: judged.retryable || (mayRecover && isOutage(result.ending)) };
}

function judgeAlone({ ending, detail }: Pick<AgentResult, 'ending' | 'detail'>): Ending | null {
  switch (ending) {
    case 'completed':
      return null;
    // Trouble that may be over next time.
    case 'rate_limited':
    case 'api_error':
    case 'crashed':
    case 'idle':
      return { outcome: 'agent_failed', reason: detail, retryable: true };
    // The same again would only cost the same again, or wants a person first.
    case 'max_turns':
    case 'max_budget':
    case 'auth_error':
    case 'billing_error':
    case 'config_error':
    case 'prompt_too_long':
    case 'start_error':
      return { outcome: 'agent_failed', reason: detail, retryable: false };
    case 'timeout':
      return { outcome: 'timed_out', reason: detail, retryable: false };
    // Only our own signal cancels, and that has been looked at before; someone else ended the agent.
    case 'cancelled':
      return { outcome: 'agent_failed', reason: detail, retryable: true };
    default:
      return ending satisfies never;
  }
}
