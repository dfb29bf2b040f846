import { z } from 'zod';
import type { AgentEvent } from './agent.ts';
import { decidePermission, PermissionRequest } from './acp-permission.ts';
import type { CliConversation, CliFacts, CliRun } from './headless-cli.ts';
import { createRpcPeer, type RpcAnswer, type RpcError, type RpcPeer } from './json-rpc.ts';
import { createPiecedText } from './pieced-text.ts';

/** Of the protocol: the only one there is besides drafts. */
const PROTOCOL_VERSION = 1;
/** The agent wants somebody to log in. */
const AUTH_REQUIRED = -32_000;
/** Of tool calls whose words are remembered. */
const MAX_TOOLS = 1000;

/**
 * What we say first. Neither files nor terminals are offered: the runner would read, write and run for the agent outside of its sandbox.
 * Agents that are not offered them use their own, inside.
 */
export const INITIALIZE = {
  protocolVersion: PROTOCOL_VERSION,
  clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false },
  clientInfo: { name: 'yardmaster', title: 'Yardmaster', version: '1' },
};

const Text = z.string().catch('');

/** Who the agent is. */
export const Initialized = z.object({
  protocolVersion: z.number(),
  agentCapabilities: z
    .object({
      loadSession: z.boolean().catch(false),
      sessionCapabilities: z.object({ resume: z.unknown().optional() }).nullish().catch(null),
    })
    .catch({ loadSession: false, sessionCapabilities: null }),
  agentInfo: z.object({ name: Text, version: Text }).nullish().catch(null),
});

const Choice = z.object({ value: z.string() });
const Session = z.object({
  sessionId: z.string().min(1).max(1000).optional(),
  /** Each with choices, or with groups of them. */
  configOptions: z
    .array(
      z.object({
        id: z.string(),
        category: z.string().nullish().catch(null),
        options: z.array(z.union([Choice, z.object({ options: z.array(Choice) })])).catch([]),
      }),
    )
    .nullish()
    .catch(null),
  /** As agents from before `configOptions` tell of them. */
  models: z
    .object({ availableModels: z.array(z.object({ modelId: z.string() })) })
    .nullish()
    .catch(null),
});

/** More than this is no count of tokens of one prompt. */
const MAX_TOKENS = 1e12;
/** What a report can't tell is not counted: fractions, and what no number holds exactly. */
const Count = z.int().nonnegative().max(MAX_TOKENS).catch(0);
const Stopped = z.object({
  stopReason: z.string(),
  usage: z
    .object({ inputTokens: Count, outputTokens: Count, cachedReadTokens: Count, cachedWriteTokens: Count })
    .nullish()
    .catch(null),
});

const Update = z.object({
  sessionId: z.string(),
  update: z.object({
    sessionUpdate: z.string(),
    content: z.unknown().optional(),
    toolCallId: Text,
    title: Text,
    rawInput: z.unknown().optional(),
    cost: z.object({ amount: z.number().nonnegative(), currency: z.string() }).nullish().catch(null),
  }),
});
const Details = z.object({ details: z.string() });
const Said = z.object({ type: z.literal('text'), text: z.string() });
const Input = z.object({
  command: z.union([z.string(), z.array(z.string()).transform((words) => words.join(' '))]),
});

/**
 * One prompt by the Agent Client Protocol: says hello, opens a session or goes on with one, chooses the model, sends the prompt, and
 * closes the agent's stdin once it has stopped.
 */
export function createAcpConversation(run: CliRun): CliConversation {
  const { task } = run;
  const facts: CliFacts = {
    started: false,
    finished: false,
    error: null,
    session: null,
    summary: '',
    costUsd: null,
  };
  /** What came of the line that is being heard. */
  let events: AgentEvent[] = [];
  let session = '';
  /** Once the prompt is on its way: a session that is loaded is played back before. */
  let isAsked = false;
  const saying = createPiecedText();
  /** What the session has cost in earlier rounds: it tells the sum. */
  let formerUsd = 0;
  const toolWords = new Map<string, string>();
  const peer: RpcPeer = createRpcPeer({ onRequest, onNotice });

  peer.ask('initialize', INITIALIZE, (answer) =>
    follow(answer, Initialized, 'its greeting', ({ protocolVersion, agentCapabilities }) => {
      if (protocolVersion !== PROTOCOL_VERSION) {
        return fail(
          `it speaks version ${protocolVersion} of the Agent Client Protocol, and not ${PROTOCOL_VERSION}`,
        );
      }
      facts.started = true;
      const { loadSession, sessionCapabilities } = agentCapabilities;
      const resumes = sessionCapabilities?.resume != null;
      openSession(resumes ? 'session/resume' : loadSession ? 'session/load' : null);
    }),
  );

  /** `again`: how it goes on with a session; `null` = it can't, so that a later round begins anew with everything said once more. */
  function openSession(again: 'session/resume' | 'session/load' | null): void {
    const place = { cwd: task.folder, mcpServers: [] };
    const former = again === null ? null : task.resumeSession;
    const [method, params] =
      former === null || again === null ? ['session/new', place] : [again, { ...place, sessionId: former }];
    peer.ask(method, params, (answer) =>
      // `session/load` may be answered with nothing at all.
      follow(answer, Session.nullish(), 'its session', (opened) => {
        const id = former ?? opened?.sessionId;
        if (id === undefined) return fail('it opened a session without a name');
        session = id;
        facts.session = again === null ? null : id;
        chooseModel(opened ?? {}, sendPrompt);
      }),
    );
  }

  function chooseModel({ configOptions, models }: z.output<typeof Session>, chosen: () => void): void {
    const { model } = run;
    if (model === null) return chosen();
    const option = configOptions?.find(
      ({ category, id, options }) =>
        (category === 'model' || id === 'model') &&
        options.some((one) => ('value' in one ? [one] : one.options).some(({ value }) => value === model)),
    );
    const isKnown = models?.availableModels.some(({ modelId }) => modelId === model) === true;
    if (option === undefined && !isKnown) {
      return fail(
        `it does not offer the model ${model}; correct model: in the settings, or of the agent in runner.yml`,
      );
    }
    const [method, params] =
      option === undefined
        ? ['session/set_model', { sessionId: session, modelId: model }]
        : ['session/set_config_option', { sessionId: session, configId: option.id, value: model }];
    peer.ask(method, params, (answer) => follow(answer, z.unknown(), 'the model', chosen));
  }

  function sendPrompt(): void {
    isAsked = true;
    const params = { sessionId: session, prompt: [{ type: 'text', text: run.prompt }] };
    peer.ask('session/prompt', params, (answer) =>
      follow(answer, Stopped, 'its work', ({ stopReason, usage }) => {
        endSaying();
        if (usage) {
          const input = usage.inputTokens + usage.cachedReadTokens + usage.cachedWriteTokens;
          facts.tokens = { input, output: usage.outputTokens };
        }
        if (stopReason === 'end_turn') facts.finished = true;
        else facts.error = `it stopped early (${stopReason})`;
        if (stopReason === 'max_turn_requests') facts.ending = 'max_turns';
        peer.end();
      }),
    );
  }

  function follow<T>(answer: RpcAnswer, schema: z.ZodType<T>, what: string, go: (value: T) => void): void {
    if ('error' in answer) {
      if (answer.error.code === AUTH_REQUIRED) facts.ending = 'auth_error';
      return fail(toWords(answer.error) || `it refused ${what}`);
    }
    const parsed = schema.safeParse(answer.result);
    if (parsed.success) go(parsed.data);
    else fail(`what it says of ${what} can't be understood`);
  }

  /** Some tell the reason only there. */
  function toWords({ message, data }: RpcError): string {
    const details = Details.safeParse(data).data?.details;
    return details === undefined ? message : `${message}: ${details}`;
  }

  function fail(words: string): void {
    endSaying();
    facts.error = words;
    events.push({ kind: 'warning', text: words });
    peer.end();
  }

  function onRequest(method: string, params: unknown): RpcAnswer | null {
    if (method !== 'session/request_permission') return null;
    const request = PermissionRequest.safeParse(params).data;
    if (request === undefined) return { result: { outcome: { outcome: 'cancelled' } } };
    const decision = decidePermission(request, { isSandboxed: run.isSandboxed, folder: task.folder });
    if (!decision.isAllowed) {
      events.push({
        kind: 'warning',
        text: `refused ${request.toolCall.title ?? 'a tool'}: ${decision.reason}`,
      });
    }
    return { result: { outcome: decision.outcome } };
  }

  function onNotice(method: string, params: unknown): void {
    const parsed = method === 'session/update' ? Update.safeParse(params).data : undefined;
    if (parsed === undefined) return;
    const { update } = parsed;
    if (!isAsked && update.cost?.currency === 'USD') formerUsd = update.cost.amount;
    if (!isAsked || parsed.sessionId !== session) return;
    switch (update.sessionUpdate) {
      case 'agent_message_chunk':
        saying.add(Said.safeParse(update.content).data?.text ?? '');
        return;
      case 'tool_call':
      case 'tool_call_update':
        endSaying();
        return showTool(update);
      case 'usage_update':
        if (update.cost?.currency !== 'USD') return;
        facts.costUsd = Math.max(0, update.cost.amount - formerUsd);
        if (facts.costUsd > task.maxBudgetUsd) facts.ending = 'max_budget';
        return;
      default:
        return;
    }
  }

  /** It comes in pieces. */
  function endSaying(): void {
    const text = saying.take();
    if (text === '') return;
    facts.summary = text;
    events.push({ kind: 'message', text });
  }

  /** Once more when the command becomes known (opencode calls the tool by it then, too); not for another title. */
  function showTool({ toolCallId, title, rawInput }: z.output<typeof Update>['update']): void {
    const command = Input.safeParse(rawInput).data?.command;
    const words = (command ?? title).replaceAll(`${task.folder}/`, '');
    const shown = toolWords.get(toolCallId);
    if (words === '' || words === shown || (shown !== undefined && command === undefined)) return;
    if (toolWords.size >= MAX_TOOLS) toolWords.clear();
    toolWords.set(toolCallId, words.slice(0, 1000));
    events.push({ kind: 'tool', text: words });
  }

  return {
    input: peer.output,
    read: (line) => {
      events = [];
      peer.hear(line);
      return events;
    },
    cancel: () => {
      if (session !== '') peer.tell('session/cancel', { sessionId: session });
      peer.end();
    },
    facts: () => ({ ...facts }),
  };
}
