import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { analyzeRepository } from '../../../src/runner/analysis/analyze-repository.ts';

type Files = Record<string, string>;
type Expected = {
  setup?: string[];
  test?: string[];
  lint?: string[];
  managers?: string[];
  frameworks?: string[];
};

const NODE_TEST = "import test from 'node:test';\n";
const manifest = (value: object): string => JSON.stringify(value);
const PIP = 'env PIP_USER=1 PIP_BREAK_SYSTEM_PACKAGES=1 python3 -m pip install';

const CASES: [string, Files, Expected][] = [
  [
    'npm with a lock file',
    {
      'package.json': manifest({
        scripts: { test: 'vitest run', lint: 'eslint .' },
        dependencies: { react: '1' },
        devDependencies: { vitest: '1' },
      }),
      'package-lock.json': '{}',
    },
    {
      setup: ['npm ci'],
      test: ['npm test'],
      lint: ['npm run lint'],
      managers: ['npm'],
      frameworks: ['React', 'Vitest'],
    },
  ],
  [
    'npm without dependencies: nothing to install',
    { 'package.json': manifest({ scripts: { test: 'node --test' } }), 'package-lock.json': '{}' },
    { setup: [], test: ['npm test'] },
  ],
  [
    'npm without a lock file',
    { 'package.json': manifest({ scripts: { test: 'jest' }, dependencies: { jest: '1' } }) },
    { setup: ['npm install --no-package-lock'], test: ['npm test'] },
  ],
  [
    'the placeholder of npm init, which is no test',
    { 'package.json': manifest({ scripts: { test: 'echo "Error: no test specified" && exit 1' } }) },
    { test: [] },
  ],
  [
    'node:test without a script',
    { 'package.json': '{}', 'src/a.test.js': NODE_TEST },
    { test: ['node --test'] },
  ],
  [
    'pnpm',
    {
      'package.json': manifest({ scripts: { test: 'x' }, dependencies: { a: '1' } }),
      'pnpm-lock.yaml': '',
    },
    { setup: ['pnpm install --frozen-lockfile'], test: ['pnpm test'], managers: ['pnpm'] },
  ],
  [
    'classic yarn',
    { 'package.json': manifest({ scripts: { test: 'x' }, dependencies: { a: '1' } }), 'yarn.lock': '' },
    { setup: ['yarn install --frozen-lockfile'], test: ['yarn test'] },
  ],
  [
    'modern yarn',
    {
      'package.json': manifest({
        packageManager: 'yarn@4.1.0',
        scripts: { test: 'x' },
        dependencies: { a: '1' },
      }),
      'yarn.lock': '',
    },
    { setup: ['yarn install --immutable'], test: ['yarn test'] },
  ],
  [
    'bun, whose script is not its own test runner',
    { 'package.json': manifest({ scripts: { test: 'x' }, dependencies: { a: '1' } }), 'bun.lock': '' },
    { setup: ['bun install --frozen-lockfile'], test: ['bun run test'] },
  ],
  [
    'a monorepo whose root has the tests',
    {
      'package.json': manifest({ workspaces: ['packages/*'], scripts: { test: 'x' } }),
      'package-lock.json': '{}',
      'packages/a/package.json': manifest({ scripts: { test: 'y' } }),
    },
    { setup: ['npm ci'], test: ['npm test'] },
  ],
  [
    'a monorepo whose packages have the tests',
    {
      'package.json': manifest({ workspaces: ['packages/*'] }),
      'package-lock.json': '{}',
      'packages/b/package.json': manifest({ scripts: { test: 'y' }, dependencies: { x: '1' } }),
      'packages/a/package.json': manifest({ scripts: { test: 'y' } }),
      'packages/a/nested/package.json': manifest({ scripts: { test: 'z' } }),
      'examples/c/package.json': manifest({ scripts: { test: 'z' } }),
    },
    { setup: ['npm ci'], test: ['npm --prefix packages/a test', 'npm --prefix packages/b test'] },
  ],
  [
    'two ecosystems, side by side',
    {
      'web/package.json': manifest({ scripts: { test: 'x' }, dependencies: { next: '1' } }),
      'web/package-lock.json': '{}',
      'api/requirements.txt': 'fastapi\npytest\n',
      'api/tests/test_a.py': 'def test_a(): pass\n',
    },
    {
      setup: ['npm --prefix web ci', `${PIP} -r api/requirements.txt`],
      test: ['npm --prefix web test', 'python3 -m pytest api'],
      frameworks: ['Next.js', 'FastAPI', 'pytest'],
    },
  ],
  [
    'pytest with pip',
    { 'requirements.txt': 'flask\n', 'requirements-dev.txt': 'pytest\n', 'test_app.py': '' },
    {
      setup: [`${PIP} -r requirements.txt`, `${PIP} -r requirements-dev.txt`],
      test: ['python3 -m pytest'],
      frameworks: ['Flask', 'pytest'],
    },
  ],
  [
    'a Python package with extras',
    {
      'pyproject.toml':
        '[project]\nname = "a"\n[project.optional-dependencies]\ndocs = []\ntest = ["pytest"]\n',
      'tests/test_a.py': 'import a\n',
    },
    { setup: [`${PIP} --editable .[test]`], test: ['python3 -m pytest'] },
  ],
  [
    'unittest, without any manifest',
    {
      'calc.py': '',
      'tests/test_calc.py': 'import unittest\nclass T(unittest.TestCase):\n    def test_a(self): pass\n',
    },
    { setup: [], test: ['python3 -m unittest discover -s tests'] },
  ],
  [
    'uv',
    { 'pyproject.toml': '[project]\n[dependency-groups]\ndev = ["pytest"]\n', 'uv.lock': '' },
    { setup: ['uv sync --frozen'], test: ['uv run python -m pytest'], managers: ['uv'] },
  ],
  [
    'poetry, in a folder',
    { 'svc/pyproject.toml': '[tool.poetry]\n[tool.pytest.ini_options]\n[tool.ruff]\n' },
    {
      setup: ['poetry --directory svc install --no-interaction'],
      test: ['poetry --directory svc run python -m pytest'],
    },
  ],
  [
    'Go',
    { 'go.mod': 'module a\nrequire b v1\n', 'a_test.go': '' },
    { setup: ['go mod download'], test: ['go test ./...'], lint: ['go vet ./...'] },
  ],
  ['Go without tests, in a folder', { 'srv/go.mod': 'module a\n' }, { setup: [], test: [] }],
  ['Rust', { 'Cargo.toml': '[workspace]\n' }, { test: ['cargo test --workspace'], managers: ['cargo'] }],
  [
    'Rust in a folder',
    { 'core/Cargo.toml': '[package]\n' },
    { test: ['cargo test --manifest-path core/Cargo.toml'] },
  ],
  ['Maven with its wrapper', { 'pom.xml': '', mvnw: '' }, { test: ['./mvnw --batch-mode test'] }],
  [
    'Gradle',
    { 'build.gradle.kts': 'id("org.springframework.boot")' },
    { test: ['gradle --no-daemon test'], frameworks: ['Spring Boot'] },
  ],
  [
    '.NET',
    {
      'App.sln': '',
      'src/App.csproj': '',
      'test/T.csproj': '<PackageReference Include="Microsoft.NET.Test.Sdk" />',
    },
    { setup: ['dotnet restore App.sln'], test: ['dotnet test App.sln'] },
  ],
  [
    'Ruby with RSpec',
    { Gemfile: "gem 'rspec'\n", 'spec/a_spec.rb': '' },
    { setup: ['bundle install'], test: ['bundle exec rspec'] },
  ],
  [
    'Ruby with Rake',
    { Gemfile: '', Rakefile: 'Rake::TestTask.new\n', 'test/a_test.rb': '' },
    { test: ['bundle exec rake test'] },
  ],
  [
    'PHP with PHPUnit',
    { 'composer.json': manifest({ 'require-dev': { 'phpunit/phpunit': '1' } }) },
    { setup: ['composer install --no-interaction'], test: ['vendor/bin/phpunit'], frameworks: ['PHPUnit'] },
  ],
  ['make, for what nothing else tests', { Makefile: 'test: all\n\t./run\n' }, { test: ['make test'] }],
  ['make with a variable of that name', { Makefile: 'test := x\n' }, { test: [] }],
  [
    'make beside something else that tests',
    { Makefile: 'test:\n', 'package.json': manifest({ scripts: { test: 'x' } }) },
    { test: ['npm test'] },
  ],
  [
    'CMake',
    { 'CMakeLists.txt': 'enable_testing()\n' },
    {
      setup: ['cmake -S . -B .yardmaster-build'],
      test: ['cmake --build .yardmaster-build', 'ctest --test-dir .yardmaster-build --output-on-failure'],
    },
  ],
  ['nothing at all', {}, { setup: [], test: [], lint: [], managers: [], frameworks: [] }],
];

describe('the commands of a repository', () => {
  it.each(CASES)('are found for %s', async (_, files, expected) => {
    const analysis = await analyzeRepository(await aFolder(files));

    const words = (commands: { command: string[] }[]): string[] =>
      commands.map(({ command }) => command.join(' '));
    const found = {
      setup: words(analysis.setup),
      test: words(analysis.test),
      lint: words(analysis.lint),
      managers: analysis.packageManagers,
      frameworks: analysis.frameworks,
    };
    expect(found).toMatchObject(expected);
  });

  it('each have a reason', async () => {
    const script = 'vitest run `x`\u001B[31m\n# not a heading';
    const analysis = await analyzeRepository(
      await aFolder({ 'package.json': manifest({ scripts: { test: script }, dependencies: { a: '1' } }) }),
    );

    expect(analysis.test[0]?.reason).toBe(
      "`package.json` has a test script: `vitest run 'x' # not a heading`",
    );
    expect(analysis.setup[0]?.reason).toBe('`package.json` names dependencies, and there is no lock file');
  });

  it.each<[string, Files]>([
    ['a broken package.json', { 'package.json': '{"scripts": {' }],
    ['a package.json that is a list', { 'package.json': '[1]' }],
    ['scripts that are no texts', { 'package.json': '{"scripts":{"test":{"a":1}},"dependencies":[]}' }],
    ['a package.json of bytes', { 'package.json': '\u0000\uFFFD\uFFFE' }],
    ['a broken composer.json', { 'composer.json': 'null' }],
  ])('are not found in %s, and nothing fails', async (_, files) => {
    const analysis = await analyzeRepository(await aFolder(files));

    expect(analysis.test).toEqual([]);
    expect(analysis.setup).toEqual([]);
  });

  it('are found in a broken pyproject.toml as far as it can be read', async () => {
    const analysis = await analyzeRepository(await aFolder({ 'pyproject.toml': '[tool.pytest\n"""' }));

    expect(analysis.test.map(({ command }) => command)).toEqual([['python3', '-m', 'pytest']]);
  });

  it('are not looked for outside, nor in what is no plain file', async () => {
    const outside = await aFolder({ 'package.json': manifest({ scripts: { test: 'stolen' } }) });
    const folder = await aFolder({ 'real/x': '' });
    await symlink(join(outside, 'package.json'), join(folder, 'package.json'));
    await symlink(outside, join(folder, 'linked'));
    execFileSync('env', ['mkfifo', join(folder, 'go.mod')]);
    await mkdir(join(folder, 'composer.json'));

    const walked = await analyzeRepository(folder);
    const told = await analyzeRepository(folder, {
      trackedPaths: ['package.json', 'linked/package.json', 'go.mod', 'composer.json', '../../etc/passwd'],
    });

    expect([...walked.test, ...walked.setup, ...told.test, ...told.setup]).toEqual([]);
  });

  it('are those of the tracked files, when these are told', async () => {
    const folder = await aFolder({
      'package.json': manifest({ scripts: { test: 'x' } }),
      'go.mod': '',
      'a_test.go': '',
    });

    const analysis = await analyzeRepository(folder, { trackedPaths: ['package.json'] });

    expect(analysis.test.map(({ command }) => command)).toEqual([['npm', 'test']]);
    expect(analysis.fileMap).toEqual({ paths: ['package.json'], omitted: 0 });
  });
});

describe('the picture of a repository', () => {
  it('counts languages, most files first', async () => {
    const analysis = await analyzeRepository(
      await aFolder({ 'a.ts': '', 'b.tsx': '', 'c.py': '', 'd.unknown': '', 'node_modules/x/y.go': '' }),
    );

    expect(analysis.languages).toEqual([
      { name: 'TypeScript', files: 2 },
      { name: 'Python', files: 1 },
    ]);
  });

  it('shows the most telling files first, and says how many it leaves out', async () => {
    const many = Array.from({ length: 400 }, (_, index): [string, string] => [
      `src/deep/er/f${index}.ts`,
      '',
    ]);
    const analysis = await analyzeRepository(
      await aFolder({
        'logo.png': '',
        'package-lock.json': '{}',
        'README.md': '',
        'package.json': '{}',
        'src/main.ts': '',
        'dist/out.js': '',
        ...Object.fromEntries(many),
      }),
    );

    expect(analysis.fileMap.paths.slice(0, 3)).toEqual(['README.md', 'package.json', 'src/main.ts']);
    expect(analysis.fileMap.paths).toHaveLength(300);
    expect(analysis.fileMap.omitted).toBe(106);
    for (const dull of ['logo.png', 'package-lock.json', 'dist/out.js']) {
      expect(analysis.fileMap.paths).not.toContain(dull);
    }
  });

  it('has the instructions that the repository gives, cut when they are long', async () => {
    const analysis = await analyzeRepository(
      await aFolder({
        'AGENTS.md': 'Use tabs.\n',
        'CONTRIBUTING.md': 'x'.repeat(30_000),
        'CLAUDE.md': '  \n',
      }),
    );

    expect(analysis.instructions.map(({ path }) => path)).toEqual(['AGENTS.md', 'CONTRIBUTING.md']);
    expect(analysis.instructions[0]?.text).toBe('Use tabs.');
    expect(analysis.instructions[1]?.text).toMatch(/^x{20000}\n\[cut here\]$/);
  });
});

async function aFolder(files: Files): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'analysis-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return folder;
}
