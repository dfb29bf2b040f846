import { expect, test } from 'vitest';
import { explainUnknown, judgeSetUp } from '../../../src/runner/phases/judge-set-up.ts';
import { explainManifest } from '../../../src/runner/workspace/kept/set-up-manifests.ts';

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

test.each([
  'src/a.ts',
  'web/app/page.tsx',
  'test/cart.test.js',
  'tests/test_cart.py',
  'README.md',
  'docs/conf.yml',
  '.github/workflows/ci.yml',
  'src/locales/de.json',
  'test/fixtures/cart.json',
  'static/logo.svg',
])('set-up is left out where only %s has changed', (path) => {
  expect(judgeSetUp({ ...FOUND, changedSinceSetUp: [path] }, COMMANDS)).toEqual({ kind: 'kept' });
});

test.each([
  'requirements/dev.txt',
  'tools/dev.in',
  '.pnpmfile.cjs',
  'pnpmfile.js',
  '.yarnrc.yml',
  '.yarn/releases/yarn-4.1.0.cjs',
  '.yarn/plugins/a.cjs',
  '.npmrc',
  'go.work',
  'go.work.sum',
  'uv.toml',
  'gems.rb',
  'gems.locked',
  '.cargo/config.toml',
  'rust-toolchain.toml',
  'build.rs',
  'gradle/wrapper/gradle-wrapper.properties',
  'gradle/libs.versions.toml',
  'buildSrc/src/main/kotlin/a.kt',
  '.mvn/extensions.xml',
  'settings.gradle.kts',
  'Directory.Packages.props',
  'Directory.Build.targets',
  'NuGet.config',
  'global.json',
  'composer.lock',
  'mix.lock',
  '.tool-versions',
  '.python-version',
  '.nvmrc',
  'setup.py',
  'setup.cfg',
  '.gitmodules',
  'third_party/lib',
  'binding.gyp',
  'src/native/addon.cc',
  'src/pkg/fast.pyx',
  'src/install/versions.json',
  'Makefile',
  'a-file-of-a-tool-to-come',
])('set-up begins anew where %s has changed', (path) => {
  expect(judgeSetUp({ ...FOUND, changedSinceSetUp: ['src/a.ts', path] }, COMMANDS)).toEqual({
    kind: 'anew',
    why: `${path} has changed`,
  });
});

test('a file that a command names decides, whatever its name; what only fetches builds nothing', () => {
  const judge = (path: string, line: string) => {
    const commands = [line.split(' ')];
    return judgeSetUp({ setUp: { ...FOUND.setUp, commands }, changedSinceSetUp: [path] }, commands).kind;
  };

  expect(judge('deps/wanted.md', 'pip install -r deps/wanted.md')).toBe('anew');
  expect(judge('api/wanted.md', 'pip install --requirement=wanted.md')).toBe('anew');
  expect(judge('src/lib.rs', 'cargo fetch')).toBe('kept');
  expect(judge('src/lib.rs', 'uv sync')).toBe('anew');
});

test.each<[string, object, boolean]>([
  [
    'package.json',
    { scripts: { test: 'node x.js', prepare: 'husky || true', postinstall: 'patch-package' } },
    true,
  ],
  ['package.json', { dependencies: { a: '^1.0.0', b: 'workspace:*', c: 'link:../c' } }, true],
  ['web/package.json', { scripts: { postinstall: 'node scripts/make.js' } }, false],
  ['package.json', { scripts: { prepare: 'husky && npm run build' } }, false],
  ['package.json', { devDependencies: { tool: 'file:tools/tool' } }, false],
  ['composer.json', { scripts: { test: 'phpunit' }, autoload: { 'psr-4': { 'App\\\\': 'src/' } } }, true],
  ['composer.json', { scripts: { 'post-autoload-dump': ['@php artisan package:discover'] } }, false],
  ['composer.json', { autoload: { classmap: ['database'] } }, false],
])('%s with %j names only what is to be installed: %s', (path, manifest, isPlain) => {
  expect(explainManifest(path, JSON.stringify(manifest)) === null).toBe(isPlain);
});

test.each<[string, string, boolean]>([
  ['package.json', '{', false],
  ['.pnpmfile.cjs', 'module.exports = {}', false],
  ['requirements.txt', '-r base.txt\n-e .\nflask==3.0 # ./no\n', true],
  ['requirements/dev.txt', 'flask\n./libs/own\n', false],
  ['requirements.in', 'own @ file:///srv/own\n', false],
  ['pyproject.toml', '[project]\ndependencies = ["flask"]\n', true],
  ['pyproject.toml', '[tool.uv.sources]\nown = { path = "libs/own", editable = true }\n', true],
  ['pyproject.toml', '[tool.uv.sources]\nown = { path = "libs/own" }\n', false],
  ['pyproject.toml', '[build-system]\nbackend-path = ["."]\n', false],
  ['Gemfile', 'source "https://rubygems.org"\n# require\ngem "rails", "~> 7"\n', true],
  ['Gemfile', 'eval_gemfile "gems/own.rb"\n', false],
  ['mix.exs', 'version: File.read!("VERSION")\n', false],
])('%s, %j, names only what is to be installed: %s', (path, text, isPlain) => {
  expect(explainManifest(path, text) === null).toBe(isPlain);
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
  ['uv sync --no-editable', false],
  ['composer install --optimize-autoloader', false],
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
