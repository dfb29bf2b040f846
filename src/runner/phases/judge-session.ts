import type { Found } from '../workspace/kept/keeping.ts';

/** Whether the agent goes on with its conversation. `why`: for people. */
export type SessionJudgement = { kind: 'goes_on'; id: string } | { kind: 'anew'; why: string };

/**
 * An agent goes on with its session only where it is the one that had it, in the same version, and where the branch goes on from the work
 * that it remembers.
 */
export function judgeSession(
  { session, goesOn }: Pick<Found, 'session' | 'goesOn'>,
  now: {
    agent: string;
    version: string | null;
    /** Whether it can go on with a session of an earlier attempt at all. */
    canGoOn: boolean;
  },
): SessionJudgement {
  if ('whyNot' in session) return anew(session.whyNot);
  if (session.agent !== now.agent)
    return anew(`${session.agent} did the work before, and ${now.agent} works now`);
  if (!now.canGoOn) return anew(`${now.agent} can’t go on with a session of before`);
  if (session.version !== now.version) {
    const [before, after] = [session.version, now.version].map((version) => version ?? 'an unknown version');
    return anew(`${now.agent} was ${before}, and is ${after} by now`);
  }
  if (!goesOn) return anew('the branch does not go on from the work before: somebody has rewritten it');
  return { kind: 'goes_on', id: session.id };
}

function anew(why: string): SessionJudgement {
  return { kind: 'anew', why };
}
