/** Waits until `condition` gives something, looking every `everyMs` milliseconds. Fails with `what` when that takes too long. */
export async function until<T>(
  what: string,
  condition: () => T | undefined | null | false | Promise<T | undefined | null | false>,
  timeoutMs = 60_000,
  everyMs = 50,
): Promise<T> {
  const endsAt = Date.now() + timeoutMs;
  for (;;) {
    const found = await condition();
    if (found !== undefined && found !== null && found !== false) return found;
    if (Date.now() > endsAt) throw new Error(`It took too long until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
