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
  [
    'Rust',
    { 'Cargo.toml': '[workspace]\n' },
    { setup: ['cargo fetch'], test: ['cargo test --workspace'], managers: ['cargo'] },
  ],
  [
    'Rust that tests with a package',
    { 'Cargo.toml': '[package]\n[dev-dependencies]\nproptest = "1"\n' },
    { setup: ['cargo fetch'], test: ['cargo test'] },
  ],
  [
    'Rust in a folder',
    { 'core/Cargo.toml': '[package]\n' },
    { setup: [], test: ['cargo test --manifest-path core/Cargo.toml'] },
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
  [
    'pipenv, in a folder',
    { 'svc/Pipfile': '[packages]\npytest = "*"\n', 'svc/test_a.py': '' },
    {
      setup: ['env PIPENV_PIPFILE=svc/Pipfile pipenv sync --dev'],
      test: ['env PIPENV_PIPFILE=svc/Pipfile pipenv run python -m pytest svc'],
      managers: ['pipenv'],
    },
  ],
  [
    'linters of Python',
    { 'setup.cfg': '[flake8]\n[mypy]\n', 'ruff.toml': '', 'test_a.py': 'import pytest\n' },
    { lint: ['ruff check .', 'flake8 .', 'mypy .'] },
  ],
  [
    'linters of Node.js without a script',
    {
      'package.json': manifest({
        devDependencies: { eslint: '1', '@biomejs/biome': '1' },
        scripts: { typecheck: 'tsc' },
      }),
      'eslint.config.mjs': '',
      'pnpm-lock.yaml': '',
      'web/package.json': manifest({ devDependencies: { oxlint: '1' } }),
      'web/.oxlintrc.json': '',
      'web/package-lock.json': '',
    },
    {
      lint: ['pnpm exec eslint .', 'pnpm run typecheck', 'env --chdir web npm exec --no -- oxlint'],
    },
  ],
  [
    'linters of Go, in a folder',
    { 'srv/go.mod': 'module a\n', '.golangci.yml': '' },
    { lint: ['go -C srv vet ./...', 'env --chdir srv golangci-lint run'] },
  ],
  [
    'linters of Rust',
    { 'Cargo.toml': '[package]\n' },
    { lint: ['cargo fmt --all --check', 'cargo clippy --all-targets'] },
  ],
  [
    'Kotlin with its linters, in a folder',
    { 'app/build.gradle.kts': 'id("io.gitlab.arturbosch.detekt")\nimplementation("io.ktor:x")', gradlew: '' },
    {
      test: ['./gradlew --no-daemon --project-dir app test'],
      lint: ['./gradlew --no-daemon --project-dir app detekt'],
      frameworks: ['Ktor'],
    },
  ],
  [
    '.NET with rules for its form',
    { 'App.csproj': '', '.editorconfig': '' },
    { test: [], lint: ['dotnet format App.csproj --verify-no-changes'] },
  ],
  [
    'Ruby in a folder',
    { 'api/Gemfile': "gem 'rspec'\ngem 'standard'\n", 'api/spec/a_spec.rb': '' },
    {
      setup: ['env --chdir api bundle install'],
      test: ['env --chdir api bundle exec rspec'],
      lint: ['env --chdir api bundle exec standardrb'],
    },
  ],
  [
    'PHP with Pest and PHPStan, in a folder',
    {
      'api/composer.json': manifest({ 'require-dev': { 'pestphp/pest': '1', 'phpstan/phpstan': '1' } }),
      'api/phpstan.neon': '',
    },
    {
      test: ['env --chdir api vendor/bin/pest'],
      lint: ['env --chdir api vendor/bin/phpstan analyse'],
    },
  ],
  [
    'Elixir',
    {
      'mix.exs': 'defp deps, do: [{:phoenix, "~> 1.7"}, {:credo, "~> 1.7", only: :dev}]',
      '.formatter.exs': '',
      'test/a_test.exs': '',
    },
    {
      setup: ['mix deps.get'],
      test: ['mix test'],
      lint: ['mix format --check-formatted', 'mix credo'],
      managers: ['mix'],
      frameworks: ['Phoenix'],
    },
  ],
  [
    'Elixir without dependencies, in a folder',
    { 'core/mix.exs': 'defp deps, do: []', 'core/test/a_test.exs': '' },
    { setup: [], test: ['env --chdir core mix test'] },
  ],
  [
    'CMake and make in folders of their own',
    { 'lib/CMakeLists.txt': 'enable_testing()\n', 'fw/Makefile': 'check:\nlint:\n' },
    {
      setup: ['cmake -S lib -B .yardmaster-build/lib'],
      test: [
        'make -C fw check',
        'cmake --build .yardmaster-build/lib',
        'ctest --test-dir .yardmaster-build/lib --output-on-failure',
      ],
      lint: ['make -C fw lint'],
      managers: ['make', 'cmake'],
    },
  ],
  [
    'make that only wraps what others test, but has a lint target',
    { Makefile: 'test:\nlint:\n', 'web/package.json': manifest({ scripts: { test: 'x' } }) },
    { test: ['npm --prefix web test'], lint: ['make lint'] },
  ],
  [
    'Terraform with tests',
    { 'main.tf': '', 'tests/a.tftest.hcl': '' },
    {
      setup: ['terraform init -backend=false -input=false'],
      test: ['terraform test'],
      lint: ['terraform fmt -check -recursive', 'terraform validate'],
      managers: ['terraform'],
    },
  ],
  [
    'Terraform without tests: nothing is fetched',
    { 'infra/main.tf': '' },
    { setup: [], test: [], lint: ['terraform -chdir=infra fmt -check -recursive'] },
  ],
  [
    'Docker, which a runner only checks',
    { Dockerfile: '', '.hadolint.yaml': '', 'compose.yaml': '', 'compose.override.yaml': '' },
    {
      setup: [],
      test: [],
      lint: [
        'hadolint --config .hadolint.yaml Dockerfile',
        'docker compose --file compose.yaml config --quiet',
      ],
      frameworks: ['Docker', 'Docker Compose'],
    },
  ],
  [
    'a monorepo of several ecosystems',
    {
      'web/package.json': manifest({ scripts: { test: 'x' } }),
      'api/go.mod': 'module a\n',
      'api/a_test.go': '',
      'worker/mix.exs': '',
      'worker/test/a_test.exs': '',
      'infra/main.tf': '',
      'deploy/Dockerfile': '',
    },
    {
      test: ['npm --prefix web test', 'go -C api test ./...', 'env --chdir worker mix test'],
      lint: ['go -C api vet ./...', 'terraform -chdir=infra fmt -check -recursive'],
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

  it('are those of five projects of an ecosystem, and how many more there are is said', async () => {
    const projects = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name): [string, string] => [
      `${name}/package.json`,
      manifest({ scripts: { test: 'x' } }),
    ]);
    const analysis = await analyzeRepository(
      await aFolder({ ...Object.fromEntries(projects), 'a/go.mod': 'module a' }),
    );

    expect(analysis.test).toHaveLength(5);
    expect(analysis.projects).toEqual({
      found: [
        ...['a', 'b', 'c', 'd', 'e'].map((folder) => ({ folder, ecosystem: 'Node.js' })),
        { folder: 'a', ecosystem: 'Go' },
      ],
      omitted: 2,
    });
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
        'services/api/AGENTS.md': 'Use spaces.',
        'web/CLAUDE.md': 'Use tabs.',
        'vendor/x/AGENTS.md': 'Use nothing.',
      }),
    );

    expect(analysis.instructions.map(({ path }) => path)).toEqual([
      'AGENTS.md',
      'CONTRIBUTING.md',
      'services/api/AGENTS.md',
    ]);
    expect(analysis.instructions[0]?.text).toBe('Use tabs.');
    expect(analysis.instructions[1]?.text).toMatch(/^x{20000}\n\[cut here\]$/);
  });
});

it('the repository’s own advice for a specialty is found, when it is asked for', async () => {
  const folder = await aFolder({ '.github/yardmaster/backend.md': 'Ask Grace.\n' });

  const backend = await analyzeRepository(folder, { specialty: 'backend' });
  const frontend = await analyzeRepository(folder, { specialty: 'frontend' });

  expect(backend.guidance).toEqual({ path: '.github/yardmaster/backend.md', text: 'Ask Grace.' });
  expect(frontend.guidance).toBeNull();
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
