import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { z } from 'zod';
import { toWireError, WIRE_ERRORS, type WireErrorCode } from '../contract/wire-error.ts';
import { type Refusal, refused } from '../dispatch/answer.ts';

/** Seconds after which a call that was refused for now may be tried again. */
const RETRY_AFTER_SECONDS = 5;

/** A refusal as HTTP. */
export function toErrorResponse({ code, message }: Pick<Refusal, 'code' | 'message'>): Response {
  const { status, retryable } = WIRE_ERRORS[code];
  return Response.json(toWireError(code, message), {
    status: status satisfies ContentfulStatusCode,
    headers: retryable ? { 'retry-after': String(RETRY_AFTER_SECONDS) } : {},
  });
}

/** Every mistake in a request, each with the field that it is in. */
export function refuseMistakes(error: z.ZodError): Refusal {
  const mistakes = error.issues.map((issue) => `${toFieldName(issue.path)}: ${issue.message}`);
  return refused('invalid_request', `The request does not fit the protocol. ${mistakes.join('; ')}`);
}

/** The answer to anything that we did not foresee; what it was is in the log. */
export const INTERNAL_ERROR: { code: WireErrorCode; message: string } = {
  code: 'internal',
  message: 'The coordinator failed at this call. Its log says why; try again.',
};

function toFieldName(path: readonly PropertyKey[]): string {
  if (path.length === 0) return '(the whole body)';
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index > 0 ? '.' : ''}${String(part)}`))
    .join('');
}
