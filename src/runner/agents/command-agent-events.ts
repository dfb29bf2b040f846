import { z } from 'zod';
import { Usage } from '../../contract/attempt-result.ts';

const Message = z.object({ type: z.enum(['message', 'tool', 'warning']), text: z.string() });

const Result = z.object({
  type: z.literal('result'),
  summary: z.string().catch(''),
  model: z.string().nullable().catch(null),
  usage: Usage.partial().catch({}),
});

/** What a program may tell about its work, one JSON object a line. */
export type CommandAgentEvent =
  | { kind: 'message' | 'tool' | 'warning'; text: string }
  | { kind: 'result'; summary: string; model: string | null; usage: Usage };

/** A line of stdout: an event of ours, or else text for the log. */
export function parseCommandAgentEvent(line: string): CommandAgentEvent {
  const value = line.startsWith('{') ? parseJson(line) : null;
  const message = Message.safeParse(value);
  if (message.success) return { kind: message.data.type, text: message.data.text };
  const result = Result.safeParse(value);
  if (!result.success) return { kind: 'message', text: line };
  const { summary, model, usage } = result.data;
  return {
    kind: 'result',
    summary,
    model,
    usage: {
      inputTokens: usage.inputTokens ?? 0,
      outputTokens: usage.outputTokens ?? 0,
      costUsd: usage.costUsd ?? null,
      turns: usage.turns ?? 0,
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Text that begins with a brace.
    return null;
  }
}
