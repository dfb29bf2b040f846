import type { WireErrorCode } from '../contract/wire-error.ts';

/** A call that was refused, for a reason that the caller is told. */
export type Refusal = { ok: false; code: WireErrorCode; message: string };

export type Answer<T> = { ok: true; value: T } | Refusal;

export function accepted<T>(value: T): Answer<T> {
  return { ok: true, value };
}

export function refused(code: WireErrorCode, message: string): Refusal {
  return { ok: false, code, message };
}
