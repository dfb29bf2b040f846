import type { AttemptResult } from '../contract/attempt-result.ts';
import { toCode, toInline } from './markdown-escape.ts';

const MAX_REASON_CHARACTERS = 500;

/** A row of a Markdown table for each agent that should have done the work and could not. */
export function toPassedOverRows(passedOver: AttemptResult['agent']['passedOver']): string[][] {
  return (passedOver ?? []).map(({ name, reason }) => [
    'Passed over',
    `${toCode(name, 100)}: ${toInline(reason, MAX_REASON_CHARACTERS)}`,
  ]);
}
