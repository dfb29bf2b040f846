import { expect, test } from 'vitest';
import { explainUnknown, judgeSetUp } from '../../../src/runner/phases/judge-set-up.ts';

const COMMANDS = [['npm', 'ci']];
const FOUND = { setUp: { commands: COMMANDS, commit: 'b'.repeat(40) }, changedSinceSetUp: ['src/a.ts'] };

test('set-up is left out where nothing that it depends on has changed', () => {
  expect(judgeSetUp(FOUND, COMMANDS)).toEqual({ kind: 'kept' });
});

test('where there is none, there is nothing to judge', () => {
  expect(judgeSetUp({ setUp: { whyNot: 'there was none' }, changedSinceSetUp: null }, [])).toEqual({
    kind: 'kept',
  });
});

test.each<[string, object, string[][], RegExp]>([
  [
    'a lock file that changed',
    { changedSinceSetUp: ['a.ts', 'package-lock.json'] },
    COMMANDS,
    /^package-lock/,
  ],
  [
    'a manifest below',
    { changedSinceSetUp: ['web/package.json'] },
    COMMANDS,
    /^web\/package\.json has changed$/,
  ],
  ['settings of a package manager', { changedSinceSetUp: ['.npmrc'] }, COMMANDS, /^\.npmrc has changed$/],
  ['another version of a toolchain', { changedSinceSetUp: ['.nvmrc'] }, COMMANDS, /^\.nvmrc has changed$/],
  ['a patch of a dependency', { changedSinceSetUp: ['patches/x.patch'] }, COMMANDS, /^patches\/x\.patch has/],
  ['other commands', {}, [['npm', 'install']], /^its commands are others$/],
  ['no commands before', { setUp: { ...FOUND.setUp, commands: [] } }, COMMANDS, /^its commands are others$/],
  ['a branch that was rewritten', { changedSinceSetUp: null }, COMMANDS, /^the commit .* is gone$/],
  ['nothing that was kept', { setUp: { whyNot: 'there was none' } }, COMMANDS, /^there was none$/],
])('set-up begins anew after %s', (_what, found, commands, why) => {
  const judged = judgeSetUp({ ...FOUND, ...found }, commands);

  expect(judged).toEqual({ kind: 'anew', why: expect.stringMatching(why) });
});

test.each<[string, boolean]>([
  ['npm ci', true],
  ['npm --prefix web ci', true],
  ['pnpm install --frozen-lockfile', true],
  ['yarn install --immutable', true],
  ['uv sync --frozen', true],
  ['pip install -r requirements.txt', true],
  ['python3 -m pip install -r dev/requirements.txt', true],
  ['python -m pip install --editable ./backend[dev]', true],
  ['go mod download', true],
  ['bundle install', true],
  // These read whatever they like.
  ['npm run install', false],
  ['npm exec install', false],
  ['pip install .', false],
  ['pip install ./backend', false],
  ['python3 setup.py install', false],
  ['make install', false],
  ['sh -c install', false],
  ['./install', false],
])('what “%s” depends on is known: %s', (line, isKnown) => {
  const why = explainUnknown([['npm', 'ci'], line.split(' ')]);

  expect(why === null).toBe(isKnown);
});
