import type { GitHub } from '../../github/github.ts';

/** Whoever works on the effect now is somebody else: nothing more may be done for it. */
export class ClaimLapsed extends Error {
  constructor() {
    super('The claim of a side effect lapsed before it was carried out; whoever holds it now does the rest');
    this.name = 'ClaimLapsed';
  }
}

/**
 * GitHub for as long as a claim lasts. GitHub itself knows no fence: what was held up for long between two calls (by a database that was
 * away, by a machine that slept) would create a second time what the next holder has created. Afterwards each call throws `ClaimLapsed`.
 */
export function whileClaimed(github: GitHub, isLapsed: () => boolean): GitHub {
  return new Proxy(github, {
    get(target, name) {
      if (isLapsed()) throw new ClaimLapsed();
      return Reflect.get(target, name) as unknown;
    },
  });
}
