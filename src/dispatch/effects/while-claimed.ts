import type { GitHub } from '../../github/github.ts';

/** Somebody else works on the effect now, or may: nothing more may be done for it. */
export class ClaimLapsed extends Error {
  constructor(options?: ErrorOptions) {
    super(
      'The claim of a side effect lapsed, or could not be made sure of, before it was carried out; whoever claims it next does the rest',
      options,
    );
    this.name = 'ClaimLapsed';
  }
}

/**
 * GitHub for as long as a claim lasts. GitHub itself knows no fence: what was held up for long between two calls (by a database that was
 * away, by a machine that slept) would create a second time what the next holder has created. Before each call `makeSure` is asked, which
 * throws `ClaimLapsed`.
 */
export function whileClaimed(github: GitHub, makeSure: () => Promise<void>): GitHub {
  return new Proxy(github, {
    get(target, name) {
      // All of GitHub's methods answer with a promise.
      const method = Reflect.get(target, name) as (...given: unknown[]) => Promise<unknown>;
      return async (...given: unknown[]) => {
        await makeSure();
        return method.apply(target, given);
      };
    },
  });
}
