import { expect, test } from 'vitest';
import { judgeSession } from '../../../src/runner/phases/judge-session.ts';

const SESSION = { agent: 'claude', version: '2.1.330', id: 'a-session', files: ['a'] };
const FOUND = { session: SESSION, goesOn: true };
const NOW = { agent: 'claude', version: '2.1.330', canGoOn: true };

test('an agent goes on with its own session', () => {
  expect(judgeSession(FOUND, NOW)).toEqual({ kind: 'goes_on', id: 'a-session' });
  const unknown = { ...FOUND, session: { ...SESSION, version: null } };
  expect(judgeSession(unknown, { ...NOW, version: null }).kind).toBe('goes_on');
});

test.each([
  [{}, { agent: 'codex' }, 'claude did the work before, and codex works now'],
  [{}, { version: '2.2.0' }, 'claude was 2.1.330, and is 2.2.0 by now'],
  [{}, { version: null }, 'claude was 2.1.330, and is an unknown version by now'],
  [{}, { canGoOn: false }, 'claude can’t go on with a session of before'],
  [{ goesOn: false }, {}, 'the branch does not go on from the work before: somebody has rewritten it'],
  [{ session: { whyNot: 'there is none' } }, {}, 'there is none'],
])('it begins anew, and says why: %#', (found, now, why) => {
  expect(judgeSession({ ...FOUND, ...found }, { ...NOW, ...now })).toEqual({ kind: 'anew', why });
});
