import { expect, test } from 'vitest';
import { decideKeeping, type Ended } from '../../src/runner/decide-keeping.ts';

const BASE = 'b'.repeat(40);
const PUSHED = 'c'.repeat(40);
const OF_BRANCH = { base: { branch: 'main', commit: BASE } };
const ISSUE = { ...OF_BRANCH, kind: 'resolve' } as const;
const ROUND = { ...OF_BRANCH, kind: 'revise' } as const;
const ENDED: Ended = {
  agent: { name: 'claude', version: '2.1', model: null },
  session: 'a-session',
  headCommit: PUSHED,
  spec: ISSUE,
  outcome: 'pull_request',
  isStopped: false,
  sandbox: 'bubblewrap',
  isSessionFile: (session, path) => path === `${session}.jsonl`,
  holdsSecret: () => false,
};

test('what became a pull request is kept, with the session', () => {
  const wish = decideKeeping(ENDED);

  expect(wish).toMatchObject({ head: PUSHED, session: { agent: 'claude', version: '2.1', id: 'a-session' } });
  const { session } = wish ?? {};
  expect(session && 'isFile' in session && [session.isFile('a-session.jsonl'), session.isFile('b')]).toEqual([
    true,
    false,
  ]);
});

const CANNOT_GO_ON = { whyNot: 'claude can’t go on with a session of before' };
const NOT_ON_BRANCH = { whyNot: 'what the agent did last is not on the branch' };

test.each<[string, Partial<Ended>, string, object]>([
  ['an agent without sessions', { session: null }, PUSHED, CANNOT_GO_ON],
  ['an agent whose sessions may hold credentials', { isSessionFile: undefined }, PUSHED, CANNOT_GO_ON],
  [
    'a round that found nothing to do',
    { spec: ROUND, outcome: 'no_changes', headCommit: null },
    BASE,
    { id: 'a-session' },
  ],
  [
    'a round that stayed red',
    { spec: ROUND, outcome: 'tests_failed', headCommit: null },
    BASE,
    NOT_ON_BRANCH,
  ],
  [
    'a round that was refused',
    { spec: ROUND, outcome: 'policy_refused', headCommit: null },
    BASE,
    NOT_ON_BRANCH,
  ],
])('%s', (_what, ended, head, session) => {
  expect(decideKeeping({ ...ENDED, ...ended })).toMatchObject({ head, session });
});

test.each<[string, Partial<Ended>]>([
  ['was stopped', { isStopped: true }],
  ['could write anywhere on the machine', { sandbox: 'none' }],
  ['became no pull request', { outcome: 'tests_failed' }],
  ['of a round has failed', { spec: ROUND, outcome: 'agent_failed', headCommit: null }],
  ['was told to be published, and was not', { headCommit: null }],
])('nothing is kept of what %s', (_what, ended) => {
  expect(decideKeeping({ ...ENDED, ...ended })).toBeNull();
});
