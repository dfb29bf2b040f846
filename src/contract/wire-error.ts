import { z } from 'zod';

/** Every reason for which the runner API refuses a call, with its HTTP status and whether a repeat can help. */
export const WIRE_ERRORS = {
  invalid_request: { status: 400, retryable: false },
  unauthorized: { status: 401, retryable: false },
  revoked: { status: 403, retryable: false },
  not_found: { status: 404, retryable: false },
  stale_attempt: { status: 409, retryable: false },
  superseded: { status: 409, retryable: false },
  too_large: { status: 413, retryable: false },
  policy_refused: { status: 422, retryable: false },
  protocol_unsupported: { status: 426, retryable: false },
  rate_limited: { status: 429, retryable: true },
  internal: { status: 500, retryable: true },
  unavailable: { status: 503, retryable: true },
} as const satisfies Record<string, { status: number; retryable: boolean }>;

export type WireErrorCode = keyof typeof WIRE_ERRORS;

const WIRE_ERROR_CODES = Object.keys(WIRE_ERRORS) as [WireErrorCode, ...WireErrorCode[]];

/** The body of every answer of the runner API that isn't a success. */
export const WireError = z.object({
  error: z.object({
    code: z.enum(WIRE_ERROR_CODES),
    /** What is wrong and what to do next, for a person. */
    message: z.string(),
    retryable: z.boolean(),
  }),
});
export type WireError = z.infer<typeof WireError>;

export function toWireError(code: WireErrorCode, message: string): WireError {
  return { error: { code, message, retryable: WIRE_ERRORS[code].retryable } };
}
