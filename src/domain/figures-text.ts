import type { Usage } from '../contract/attempt-result.ts';

/** `0.4 s`, `12.3 s`, `3 min 4 s`, `1 h 2 min`. */
export function formatDuration(durationMs: number): string {
  const seconds = Math.round(durationMs / 100) / 10;
  if (seconds < 60) return `${seconds} s`;
  const whole = Math.round(durationMs / 1000);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `$0.42`; `null` = the agent told none. */
export function formatCost(costUsd: number | null): string {
  if (costUsd === null) return 'unknown';
  if (costUsd > 0 && costUsd < 0.01) return 'below $0.01';
  return `$${costUsd.toFixed(2)}`;
}

/** `$0.42 by the agent's own estimate, 12 turns`, with what the agent told. */
export function formatUsage({ costUsd, turns }: Pick<Usage, 'costUsd' | 'turns'>): string {
  const told = [
    costUsd === null ? null : `${formatCost(costUsd)} by the agent's own estimate`,
    turns === 0 ? null : formatCount(turns, 'turn'),
  ].filter((part) => part !== null);
  return told.length === 0 ? 'not told by the agent' : told.join(', ');
}

/** `2026-05-04 12:00:03 UTC`. */
export function formatTime(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** `1 file`, `2 files`. */
export function formatCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
