import type { AttemptResult } from '../contract/attempt-result.ts';

type Sandbox = AttemptResult['sandbox'];

/** What people have to know of an agent that is at work; `null` when it is in a sandbox. */
export function warnWhileRunning(sandbox: Sandbox): string | null {
  return sandbox === 'none'
    ? '⚠️ The agent runs without a sandbox: it can do all that its user account on the runner may do.'
    : null;
}

/** The same of an agent that is through. */
export function warnAfterwards(sandbox: Sandbox): string | null {
  return sandbox === 'none'
    ? '⚠️ The agent ran without a sandbox: it could do all that its user account on the runner may do.'
    : null;
}
