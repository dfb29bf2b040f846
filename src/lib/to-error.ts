/** What was thrown, as an `Error`: itself when it is one, otherwise wrapped with the thrown value as `cause`. */
export function toError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  return new Error(typeof thrown === 'string' ? thrown : 'Something that is not an error was thrown', {
    cause: thrown,
  });
}
