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
    return 'With `allow_red_before: true` in the settings, work that turns no further tests red becomes a draft pull request.';
  if (outcome !== 'no_changes' && outcome !== 'tests_failed') return null;
  return `To tell the agent more, add it to the issue and try again, or write ${toCode(`/agent run ${specialty} -- <what to do>`, 100)}.`;
}
