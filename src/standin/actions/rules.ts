import { ApiError } from '../http/api-error.ts';
import type { BranchRule, Repository } from '../world.ts';
import { zeroSha } from '../git/objects.ts';

type Move = { ref: string; before: string; after: string };

/** Rules of rulesets: which apply to a branch, and what they forbid. The App is never a bypass actor. */
export function createRules() {
  /** Also for branches that do not exist yet. */
  function ofBranch(repository: Repository, branch: string): BranchRule[] {
    return repository.rules.filter((rule) => matches(rule.pattern, branch));
  }

  function ofRef(repository: Repository, ref: string): Set<string> {
    const branch = /^refs\/heads\/(.+)$/.exec(ref)?.[1];
    return new Set(branch === undefined ? [] : ofBranch(repository, branch).map((rule) => rule.type));
  }

  function forbids(types: Set<string>, move: Move): boolean {
    if (move.before === zeroSha) return types.has('creation');
    if (move.after === zeroSha) return types.has('deletion');
    return types.has('update') || types.has('pull_request');
  }

  /** Refs that a push may not move, refs that it may only move forward, and refs that take only signed commits. */
  function forPush(
    repository: Repository,
    moves: readonly Move[],
  ): { refusedRefs: string[]; noForceRefs: string[]; signedRefs: string[] } {
    const judged = moves.map((move) => ({ move, types: ofRef(repository, move.ref) }));
    return {
      refusedRefs: judged.filter(({ move, types }) => forbids(types, move)).map(({ move }) => move.ref),
      noForceRefs: judged.filter(({ types }) => types.has('non_fast_forward')).map(({ move }) => move.ref),
      signedRefs: judged.filter(({ types }) => types.has('required_signatures')).map(({ move }) => move.ref),
    };
  }

  /** Throws GitHub's 422 when a ref may not be moved through REST. */
  function checkMove(repository: Repository, move: Move, isForced: boolean): void {
    const types = ofRef(repository, move.ref);
    if (forbids(types, move) || (isForced && types.has('non_fast_forward'))) {
      throw new ApiError(422, `Repository rule violations found\n\nCannot update this protected ref.\n\n`);
    }
    const isUnsigned = move.after !== zeroSha && !repository.signedCommits.has(move.after);
    if (isUnsigned && types.has('required_signatures')) {
      throw new ApiError(
        422,
        `Repository rule violations found\n\nCommits must have verified signatures.\n\n`,
      );
    }
  }

  return { ofBranch, forPush, checkMove };
}

export type Rules = ReturnType<typeof createRules>;

function matches(pattern: string, branch: string): boolean {
  const source = pattern
    .split('*')
    .map((part) => part.replace(/[.\\+?^$()[\]{}|]/g, String.raw`\$&`))
    .join('.*');
  return new RegExp(`^${source}$`).test(branch);
}
