/** A commit of a job branch, as far as a runner that only reaches GitHub has seen it. */
export type SeenCommit = {
  /** When its check runs were last read, in milliseconds; `null`: never. */
  lookedMs: number | null;
  /**
   * The job (uuid v7, so older ones come first) that waits there for a runner of this one's specialties, or is offered to this one;
   * `null`: none, as far as is known.
   */
  waitingJob: string | null;
};

/**
 * Which commits one look reads the check runs of, at most `most` of them, in no particular order. All where there are not more;
 * otherwise half of the look goes to the jobs that have waited longest, since the next offers are among them, and the rest to those
 * not read for the longest time (never read ones before all others): nothing is passed over for ever. Pure.
 *
 * So an offer is found in time however many jobs wait: it lasts minutes, a look over thousands of commits would last longer.
 */
export function chooseLooks<C extends SeenCommit>(commits: readonly C[], most: number): C[] {
  if (commits.length <= most) return [...commits];
  const waiting = commits
    .filter(({ waitingJob }) => waitingJob !== null)
    .toSorted((a, b) => compare(a.waitingJob ?? '', b.waitingJob ?? ''));
  const chosen = new Set(waiting.slice(0, Math.floor(most / 2)));
  const others = commits
    .filter((commit) => !chosen.has(commit))
    .toSorted((a, b) => (a.lookedMs ?? -1) - (b.lookedMs ?? -1));
  return [...chosen, ...others.slice(0, most - chosen.size)];
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
