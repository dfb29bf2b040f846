import { GitHubError } from '../github/github-error.ts';

/** GitHub itself is away then, not this or that thing. */
const MOST_FAILURES_IN_A_ROW = 3;

/**
 * Looks at one thing after the other, so that what GitHub does not answer for one holds back none of the others: the first such error is
 * thrown at the end. At once it throws when GitHub limits us or is away, and what is no `GitHubError`. What is gone or closed to us is only
 * told of: its webhook, or the sweep of installations, says why.
 */
export async function sweepEach<Thing>(
  things: Iterable<Thing> | AsyncIterable<Thing>,
  look: (thing: Thing) => Promise<void>,
  onOutOfReach: (thing: Thing, error: GitHubError) => void,
): Promise<void> {
  let first: GitHubError | null = null;
  let inARow = 0;
  for await (const thing of things) {
    try {
      await look(thing);
      inARow = 0;
    } catch (error) {
      if (!(error instanceof GitHubError) || error.kind === 'rate_limited') throw error;
      if (error.kind === 'gone' || error.kind === 'forbidden') {
        onOutOfReach(thing, error);
        continue;
      }
      first ??= error;
      inARow += 1;
      if (inARow === MOST_FAILURES_IN_A_ROW) break;
    }
  }
  if (first !== null) throw first;
}
