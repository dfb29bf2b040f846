import { describe, expect, test } from 'vitest';
import { chooseLooks, type SeenCommit } from '../../../../src/runner/transport/github/choose-looks.ts';

type Commit = SeenCommit & { name: string };

function someCommits(count: number, toCommit: (index: number) => Partial<SeenCommit>): Commit[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `commit ${index}`,
    lookedMs: 1000,
    waitingJob: null,
    ...toCommit(index),
  }));
}
const namesOf = (commits: readonly Commit[]) => commits.map(({ name }) => name);

describe('which commits a look reads', () => {
  test('all, where there are no more than it may', () => {
    const commits = someCommits(60, () => ({}));
    expect(chooseLooks(commits, 60)).toEqual(commits);
  });

  test('half of them where jobs have waited longest', () => {
    // The last commits have the oldest jobs.
    const commits = someCommits(500, (index) => ({ waitingJob: String(2000 - index) }));
    const chosen = namesOf(chooseLooks(commits, 60));
    expect(chosen).toHaveLength(60);
    const oldest = Array.from({ length: 30 }, (_, index) => `commit ${499 - index}`);
    expect(chosen.slice(0, 30)).toEqual(oldest);
  });

  test('first the new ones of the others, then the one that was not read for the longest time', () => {
    const commits = someCommits(10, (index) => ({ lookedMs: index < 2 ? null : 100 - index }));
    expect(namesOf(chooseLooks(commits, 4))).toEqual(['commit 0', 'commit 1', 'commit 9', 'commit 8']);
  });

  test('those that wait for nobody like us get the whole look when nothing waits for us', () => {
    expect(
      chooseLooks(
        someCommits(100, () => ({})),
        60,
      ),
    ).toHaveLength(60);
  });

  test('nothing is passed over for ever, and what has waited longest is read each time', () => {
    const commits = someCommits(500, (index) => ({
      lookedMs: null,
      waitingJob: index % 2 ? String(index + 1000) : null,
    }));
    const looks = new Map<string, number>();
    for (let round = 0; round < 17; round += 1) {
      for (const commit of chooseLooks(commits, 60)) {
        commit.lookedMs = round;
        looks.set(commit.name, (looks.get(commit.name) ?? 0) + 1);
      }
    }
    expect(looks.size).toBe(500);
    expect(looks.get('commit 1')).toBe(17);
  });
});
