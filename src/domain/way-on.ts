import type { AttemptResult } from '../contract/attempt-result.ts';
import { judgeTests } from './compare-tests.ts';
import { toCode } from './markdown-escape.ts';

/**
 * What else there is to do about work on an issue that came to nothing, when the same once more may come to nothing again; `null`: nothing
 * that is known. A sentence, as Markdown.
 */
export function toWayOn(
  specialty: string,
  { outcome, evidence }: Pick<AttemptResult, 'outcome' | 'evidence'>,
): string | null {
  if (outcome === 'tests_failed' && judgeTests(evidence).kind === 'red_before')
    return 'Work that leaves no other tests red than those that failed before it becomes a draft pull request where the settings say `allow_red_before: true`.';
  if (outcome !== 'no_changes' && outcome !== 'tests_failed') return null;
  return `To tell the agent more, add it to the issue and try again, or write ${toCode(`/agent run ${specialty} -- <what to do>`, 100)}.`;
}
