import { describe, expect, test } from 'vitest';
import { findToolOutput, mayBeToolOutput } from '../../src/domain/tool-output.ts';

describe('what tools leave behind', () => {
  test.each([
    ['coverage/', 'a coverage report', ['coverage/lcov-report/a.html', 'coverage/b.css'], ['package.json']],
    ['api/coverage/', 'a coverage report', ['api/coverage/.resultset.json'], ['api/Gemfile']],
    ['htmlcov/', 'a coverage report', ['htmlcov/index.html'], []],
    ['dist/', 'build output', ['dist/index.js', 'dist/a/b.js'], ['package.json']],
    ['build/', 'build output', ['build/lib/a.py'], ['setup.py']],
    ['build/', 'build output', ['build/classes/java/A.class', 'build/x'], ['build.gradle.kts']],
    ['target/', 'build output', ['target/debug/a', 'target/CACHEDIR.TAG'], ['Cargo.toml']],
    ['app/obj/', 'build output', ['app/obj/project.assets.json'], ['app/App.csproj']],
    [
      'vendor/',
      'installed packages',
      ['vendor/composer/installed.json', 'vendor/a/b.php'],
      ['composer.json'],
    ],
    ['src/a.py.orig', 'a leftover of a merge or patch', ['src/a.py.orig'], ['src/a.py']],
    ['b.rej', 'a leftover of a merge or patch', ['b', 'b.rej'], []],
    ['.coverage.host.1.x', 'coverage data', ['.coverage.host.1.x'], []],
    ['cover.out', 'coverage data', ['cover.out'], ['main.go']],
    ['tsconfig.tsbuildinfo', 'state of a tool', ['tsconfig.tsbuildinfo'], []],
  ])('%s is %s', (path, what, added, tracked) => {
    const { output, paths } = findToolOutput([...added, 'src/work.js'], tracked);

    expect(output).toEqual([expect.objectContaining({ path, what })]);
    const isWork = (one: string) => one === 'b' || one === 'src/work.js';
    expect([...paths]).toEqual(added.filter((one) => !isWork(one)));
    for (const one of paths) expect(mayBeToolOutput(one)).toBe(true);
  });

  test.each([
    ['a folder in which files are tracked', ['dist/new.js'], ['package.json', 'dist/index.js']],
    ['a feature of that name', ['src/coverage/index.ts', 'coverage/rules.ts'], ['package.json']],
    ['scripts for building', ['build/webpack.config.js'], ['package.json']],
    ['a folder of programs', ['bin/run.sh'], ['App.csproj']],
    ['builds of nobody', ['dist/a', 'target/debug/a'], ['README.md']],
    ['packages that Go keeps', ['vendor/modules.txt', 'vendor/a/b.go'], ['go.mod']],
    ['a file that is called so', ['test/fixtures/conflict.orig', 'a.class'], ['test/fixtures/other']],
  ])('%s is work', (_what, added, tracked) => {
    expect(findToolOutput(added, tracked)).toEqual({ output: [], paths: new Set() });
  });

  test('counts its files, the outermost folder only', () => {
    const added = ['dist/dist/a.js', 'dist/htmlcov/b', 'dist/c.js'];

    expect(findToolOutput(added, ['package.json']).output).toEqual([
      { path: 'dist/', what: 'build output', files: 3 },
    ]);
  });

  test('takes no long time for names that are made for it', () => {
    const deep = Array.from({ length: 400 }, () => 'coverage').join('/');
    const added = Array.from({ length: 500 }, (_, at) => `${deep}/${at}`);
    const many = Array.from({ length: 20_000 }, (_, at) => `${at}.class`);
    const beganMs = performance.now();

    expect(findToolOutput([...added, ...many], []).output).toEqual([]);
    expect(performance.now() - beganMs).toBeLessThan(5000);
  });
});
