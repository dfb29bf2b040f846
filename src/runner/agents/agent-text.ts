import { createRedactor } from '../../lib/redact.ts';
import { stripControl, toOneLine } from '../../lib/strip-control.ts';

const MAX_LINE_LENGTH = 1000;
const MAX_BLOCK_LENGTH = 20_000;

/** Makes text of an agent fit to be shown: no control characters, no secrets, not too long. */
export type AgentText = {
  /** One line of at most 1,000 characters. */
  toLine(text: string): string;
  /** Several lines, at most 20,000 characters. */
  toBlock(text: string): string;
  /** Only takes secrets out. */
  redact: (text: string) => string;
};

/**
 * The order matters: a control character in the middle of a secret would hide it from redaction, and a cut before
 * redaction could leave the first half of one.
 */
export function createAgentText(secrets: Iterable<string>): AgentText {
  const { redact } = createRedactor(secrets);
  return {
    toLine: (text) => toOneLine(redact(stripControl(text)), MAX_LINE_LENGTH),
    toBlock: (text) => redact(stripControl(text)).slice(0, MAX_BLOCK_LENGTH),
    redact,
  };
}

/** Variables of an agent's configuration whose values are masked: those that are called like a secret. */
const SECRET_NAME = /key|token|secret|password|credential/i;

/** The values in an agent's own variables that must not be shown. */
export function findSecrets(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env).flatMap(([variable, value]) => (SECRET_NAME.test(variable) ? [value] : []));
}
