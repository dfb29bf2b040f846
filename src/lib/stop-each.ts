/** Tries every step, one after the other, whatever becomes of the others; throws all that went wrong together. */
export async function stopEach(what: string, steps: readonly (() => Promise<void>)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw new AggregateError(errors, `${what} did not stop in order`);
}
