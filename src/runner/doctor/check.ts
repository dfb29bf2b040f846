/** `failed`: the runner can’t work so. `warning`: it works, but a person should know. */
export type CheckResult = 'ok' | 'warning' | 'failed';

/** One thing that was looked at. Every one that is not `ok` has its fix. */
export type Check = { name: string; result: 'ok'; found: string; fix: null } | TroubledCheck;
export type TroubledCheck = { name: string; result: 'warning' | 'failed'; found: string; fix: string };

export function fine(name: string, found: string): Check {
  return { name, result: 'ok', found, fix: null };
}

export function trouble(result: 'warning' | 'failed', name: string, found: string, fix: string): Check {
  return { name, result, found, fix };
}

/** Whether the runner can work so. */
export function isFit(checks: readonly Check[]): boolean {
  return checks.every(({ result }) => result !== 'failed');
}
