import {
  type AttemptProgress,
  AttemptResult,
  type FileChange,
  type Outcome,
  type Phase,
  type PolicyFinding,
  type Usage,
} from '../contract/attempt-result.ts';
import type { Evidence } from '../contract/evidence.ts';
import { fitFindings } from '../domain/policy-findings.ts';
import type { ToolOutput } from '../domain/tool-output.ts';
import { toOneLine } from '../lib/strip-control.ts';
import type { AgentMeter, AgentResult } from './agents/agent.ts';
import type { Sandbox } from './sandbox/sandbox.ts';

const MAX_CHANGES = 300;
const MAX_LEFT_OUT = 20;
const MAX_LEFT_OUT_PATH = 1000;
const MAX_SUMMARY = 20_000;
const MAX_REASON = 2000;

/** How an attempt ended, in the words of the protocol. */
export type Ending = {
  outcome: Exclude<Outcome, 'lost'>;
  /** One sentence for people. */
  reason: string;
  retryable: boolean;
  /** As in `AttemptResult`. */
  overtaken?: true;
};

/** What is known of an attempt so far; the phases add to it. */
export type AttemptRecord = {
  agent: AttemptResult['agent'];
  headCommit: string | null;
  summary: string;
  changes: readonly FileChange[];
  /** What tools made on the way, and is no work. */
  leftOut: readonly ToolOutput[];
  /** Of the rounds that are over. */
  usage: Usage;
  /** What the round under way has used by now; `null` between rounds. */
  meter: (() => AgentMeter) | null;
  evidence: Evidence;
  phaseMs: Partial<Record<Phase, number>>;
  /** What was around agent, set-up and tests. */
  sandbox: Sandbox['kind'];
  /** Which limit ended the work; as in `AttemptResult`. */
  unfinished?: string;
  /** Work that was not pushed, where others than this machine's people may have it. */
  patch?: string;
  /** As in `AttemptResult`. */
  toldThreads?: number[];
  /** As in `AttemptResult`. */
  wasRefused?: true;
  /** Of work that is refused, all of them. */
  findings?: readonly PolicyFinding[];
  /** Of `agent`, to go on with; `null` = it has none. */
  session: string | null;
};

export function createAttemptRecord(agentName: string, sandbox: Sandbox['kind'] = 'none'): AttemptRecord {
  return {
    agent: { name: agentName, version: null, model: null },
    headCommit: null,
    summary: '',
    changes: [],
    leftOut: [],
    usage: { inputTokens: 0, outputTokens: 0, costUsd: null, turns: 0 },
    meter: null,
    evidence: { setup: [], before: null, after: null, withoutTests: null, repairRounds: 0 },
    phaseMs: {},
    sandbox,
    session: null,
  };
}

/** Adds a round of the agent: what it used adds up, its last words and model count. */
export function addAgentRound(record: AttemptRecord, round: AgentResult): void {
  record.usage = addUsage(record.usage, round.usage);
  record.meter = null;
  if (round.session !== null) record.session = round.session;
  if (round.summary !== '') record.summary = round.summary;
  record.agent.model = toModel(round.model) ?? record.agent.model;
}

/** What heartbeats tell of the attempt: all rounds so far, with the one under way. */
export function toProgress({ agent, usage, meter }: AttemptRecord): AttemptProgress {
  const round = meter?.() ?? null;
  return {
    agent: { name: agent.name, model: toModel(round?.model ?? null) ?? agent.model },
    usage: round === null ? usage : addUsage(usage, round.usage),
  };
}

/** The agent's own words, so any text. */
function toModel(model: string | null): string | null {
  return model === null ? null : toOneLine(model, 200);
}

function addUsage(before: Usage, more: Usage): Usage {
  return {
    inputTokens: addCounts(before.inputTokens, more.inputTokens),
    outputTokens: addCounts(before.outputTokens, more.outputTokens),
    costUsd:
      before.costUsd === null && more.costUsd === null ? null : (before.costUsd ?? 0) + (more.costUsd ?? 0),
    turns: addCounts(before.turns, more.turns),
  };
}

/** Whole and safe, whatever an agent says of itself: with anything else the report would not be taken, and the work be lost. */
function addCounts(before: number, more: number): number {
  const added = Number.isFinite(more) ? Math.max(0, Math.trunc(more)) : 0;
  return Math.min(Number.MAX_SAFE_INTEGER, before + added);
}

/**
 * The report for the coordinator, within the protocol's limits. Its fields are in the protocol's order, as they will be when the journal is
 * read again: a repeat has to be the same to the letter, or it is taken for another report under the same key.
 */
export function toAttemptResult(record: AttemptRecord, ending: Ending): AttemptResult {
  const result: AttemptResult = {
    outcome: ending.outcome,
    reason: ending.reason.slice(0, MAX_REASON),
    retryable: ending.retryable,
    headCommit: record.headCommit,
    summary: record.summary.slice(0, MAX_SUMMARY),
    changes: record.changes.slice(0, MAX_CHANGES),
    changedFiles: record.changes.length,
    ...(record.leftOut.length === 0 ? {} : { leftOut: record.leftOut.slice(0, MAX_LEFT_OUT).map(shorten) }),
    agent: record.agent,
    usage: record.usage,
    evidence: record.evidence,
    phaseMs: record.phaseMs,
    sandbox: record.sandbox,
    ...(ending.overtaken === undefined ? {} : { overtaken: ending.overtaken }),
    ...(record.toldThreads === undefined ? {} : { toldThreads: record.toldThreads }),
    ...(record.wasRefused === undefined ? {} : { wasRefused: record.wasRefused }),
    ...(record.findings === undefined ? {} : { findings: fitFindings(record.findings) }),
    ...(record.unfinished === undefined ? {} : { unfinished: record.unfinished.slice(0, MAX_REASON) }),
  };
  const inOrder = AttemptResult.safeParse(result);
  // What breaks the protocol is refused with the name of the field, so it is told as it is.
  return inOrder.success ? inOrder.data : result;
}

function shorten(output: ToolOutput): ToolOutput {
  return { ...output, path: output.path.slice(0, MAX_LEFT_OUT_PATH) };
}
