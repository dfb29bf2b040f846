import { expect, test } from 'vitest';
import { findGenerated } from '../../src/domain/generated-files.ts';

const untracked = (): boolean => false;

test.each([
  'node_modules/x/index.js',
  'packages/a/node_modules/x/index.js',
  'src/__pycache__/a.cpython-312.pyc',
  'a.pyc',
  'docs/.DS_Store',
  '.coverage',
  'src/.a.ts.swp',
  'npm-debug.log',
  '.pytest_cache/v/cache/lastfailed',
])('%s is left by tools', (path) => {
  expect([...findGenerated([path], untracked)]).toEqual([path]);
});

test.each([
  'src/a.ts',
  'test/fixtures/access.log',
  'dist/index.js',
  'build/release.sh',
  'target/notes.md',
  'venv.md',
  'src/node_modules.ts',
  'CACHEDIR.TAG',
])('%s may be work', (path) => {
  expect([...findGenerated([path], untracked)]).toEqual([]);
});

test('a folder that says itself that it is a cache is one, with all that is in it', () => {
  const added = ['target/CACHEDIR.TAG', 'target/debug/app', 'env/pyvenv.cfg', 'env/bin/python', 'targets/a'];

  expect([...findGenerated(added, untracked)]).toEqual(added.slice(0, 4));
});

test('what people keep in the repository on purpose is work', () => {
  const added = ['node_modules/x/new.js', 'other/node_modules/x/new.js'];

  expect([...findGenerated(added, (folder) => folder === 'node_modules')]).toEqual([added[1]]);
});
