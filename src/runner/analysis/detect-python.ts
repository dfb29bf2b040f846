import { basename } from 'node:path';
import { aFinding, type Ecosystem, pickFrameworks, quoted } from './ecosystem.ts';
import type { FoundCommand } from './repository-analysis.ts';
import { inFolder, type RepositoryFiles } from './repository-files.ts';

const FRAMEWORKS = [
  ['django', 'Django'],
  ['flask', 'Flask'],
  ['fastapi', 'FastAPI'],
  ['sqlalchemy', 'SQLAlchemy'],
  ['pytest', 'pytest'],
] as const;

/** In the order in which they are looked for: the more specific first. */
const MANIFESTS = [
  'pyproject.toml',
  'setup.cfg',
  'setup.py',
  'Pipfile',
  'tox.ini',
  'pytest.ini',
  'requirements.txt',
];
const REQUIREMENTS = [
  'requirements.txt',
  'requirements-dev.txt',
  'requirements-test.txt',
  'dev-requirements.txt',
];

/** Into the attempt's own HOME: the machine's Python stays as it is, and the work tree clean. */
const PIP = ['env', 'PIP_USER=1', 'PIP_BREAK_SYSTEM_PACKAGES=1', 'python3', '-m', 'pip', 'install'];

type Tool = 'uv' | 'poetry' | 'pipenv' | 'pip';

type Project = {
  folder: string;
  tool: Tool;
  /** All manifests together, for a look at what they name: they are never parsed, so broken ones don't hurt. */
  text: string;
  /** Files of tests, in this folder or below. */
  tests: string[];
};

/** Python with pip, uv, poetry or pipenv; pytest or unittest. */
export const python: Ecosystem = {
  name: 'Python',
  isManifest: (name) => MANIFESTS.includes(name),
  async detect(files, folder) {
    const project = await readProject(files, folder);
    if (project === null) return null;
    const names = new Set(project.text.toLowerCase().match(/[a-z0-9][a-z0-9_-]*/g));
    return aFinding({
      packageManagers: [project.tool],
      frameworks: pickFrameworks(names, FRAMEWORKS),
      setup: findSetup(files, project),
      test: await findTests(files, project),
      lint: findLint(files, project),
    });
  },
};

async function readProject(files: RepositoryFiles, folder: string): Promise<Project | null> {
  const names = [...MANIFESTS, ...REQUIREMENTS].map((name) => inFolder(folder, name));
  const found = [...new Set(names)].filter((path) => files.has(path));
  const prefix = folder === '' ? '' : `${folder}/`;
  const tests = files.paths.filter(
    (path) => path.startsWith(prefix) && /(^|\/)(test_[^/]*|[^/]*_test)\.py$/.test(path),
  );
  if (found.length === 0) {
    // A script with a test beside it needs no manifest; but where there is one, it is the project.
    const hasProjects = files.paths.some((path) => MANIFESTS.includes(basename(path)));
    if (folder !== '' || tests.length === 0 || hasProjects) return null;
  }
  const texts = await Promise.all(found.map((path) => files.read(path)));
  const text = texts.filter((text) => text !== null).join('\n');
  return { folder, text, tests, tool: findTool(files, folder, text) };
}

function findTool(files: RepositoryFiles, folder: string, text: string): Tool {
  if (files.has(inFolder(folder, 'uv.lock')) || /^\[tool\.uv\b/m.test(text)) return 'uv';
  if (files.has(inFolder(folder, 'poetry.lock')) || /^\[tool\.poetry\]/m.test(text)) return 'poetry';
  return files.has(inFolder(folder, 'Pipfile')) ? 'pipenv' : 'pip';
}

function findSetup(files: RepositoryFiles, { tool, folder, text }: Project): FoundCommand[] {
  const at = (name: string): string => inFolder(folder, name);
  switch (tool) {
    case 'uv': {
      const frozen = files.has(at('uv.lock')) ? ['--frozen'] : [];
      return [
        {
          command: ['uv', ...inPlace('--directory', folder), 'sync', ...frozen],
          reason: 'the project uses uv',
        },
      ];
    }
    case 'poetry':
      return [
        {
          command: ['poetry', ...inPlace('--directory', folder), 'install', '--no-interaction'],
          reason: 'the project uses poetry',
        },
      ];
    case 'pipenv':
      return [
        {
          command: [...toPipenv(folder), 'sync', '--dev'],
          reason: `${quoted(at('Pipfile'))} names dependencies`,
        },
      ];
    case 'pip': {
      const commands = REQUIREMENTS.map(at)
        .filter((path) => files.has(path))
        .map((path) => ({ command: [...PIP, '-r', path], reason: `${quoted(path)} names dependencies` }));
      const isPackage = files.has(at('setup.py')) || /^\[(project|build-system)\]/m.test(text);
      if (!isPackage) return commands;
      const extra = /^(?:test|tests|dev|testing)\s*=\s*\[/m.exec(
        sectionOf(text, 'project.optional-dependencies'),
      )?.[0];
      const name = extra === undefined ? '' : `[${extra.split(/\s*=/)[0]}]`;
      const place = `${folder === '' ? '.' : `./${folder}`}${name}`;
      return [
        ...commands,
        { command: [...PIP, '--editable', place], reason: 'it is a package, which its tests import' },
      ];
    }
    default:
      return tool satisfies never;
  }
}

async function findTests(files: RepositoryFiles, project: Project): Promise<FoundCommand[]> {
  const { folder, text, tests, tool } = project;
  const hint = await findPytestHint(files, project);
  const run = toRun(project);
  // With uv and poetry, the folder is changed before the program starts.
  const place = folder === '' || tool === 'uv' || tool === 'poetry' ? [] : [folder];
  const interpreter = tool === 'pip' ? 'python3' : 'python';
  if (hint !== null) return [{ command: [...run, interpreter, '-m', 'pytest', ...place], reason: hint }];
  const [first] = tests;
  if (first === undefined || text.includes('[tool.pytest')) return [];
  const start = findStartFolder(folder, tests);
  const discover = start === '' ? ['discover'] : ['discover', '-s', start];
  return [
    { command: [...run, interpreter, '-m', 'unittest', ...discover], reason: `${quoted(first)} holds tests` },
  ];
}

/** Why the tests are for pytest; `null` when they are not. */
async function findPytestHint(
  files: RepositoryFiles,
  { folder, text, tests }: Project,
): Promise<string | null> {
  for (const name of ['pytest.ini', 'conftest.py', 'tests/conftest.py', 'test/conftest.py']) {
    if (files.has(inFolder(folder, name))) return `there is a ${quoted(inFolder(folder, name))}`;
  }
  if (/\bpytest\b/.test(text)) return 'its configuration names pytest';
  for (const path of tests.slice(0, 5)) {
    const source = (await files.read(path)) ?? '';
    if (/^\s*(import|from) pytest\b/m.test(source)) return `${quoted(path)} uses pytest`;
    // Test functions outside classes are nothing to unittest.
    if (/^(async )?def test_/m.test(source)) return `${quoted(path)} has test functions as pytest takes them`;
  }
  return null;
}

/** Where unittest has to start: it only looks into folders that are packages. */
function findStartFolder(folder: string, tests: readonly string[]): string {
  const candidates = ['tests', 'test'].map((name) => inFolder(folder, name));
  return candidates.find((candidate) => tests.every((path) => path.startsWith(`${candidate}/`))) ?? folder;
}

/** Linters, and what tells that the project uses them: a table of its configuration, or a file of their own. */
const LINTERS = [
  { name: 'ruff', table: /^\[tool\.ruff\b/m, files: ['ruff.toml', '.ruff.toml'], command: ['ruff', 'check'] },
  { name: 'flake8', table: /^\[flake8\]/m, files: ['.flake8'], command: ['flake8'] },
  { name: 'mypy', table: /^\[(tool\.)?mypy\]/m, files: ['mypy.ini', '.mypy.ini'], command: ['mypy'] },
] as const;

function findLint(repository: RepositoryFiles, project: Project): FoundCommand[] {
  const { folder, text, tool } = project;
  const place = folder === '' || tool === 'uv' || tool === 'poetry' ? '.' : folder;
  return LINTERS.flatMap(({ name, table, files, command }) => {
    const file = files.map((file) => inFolder(folder, file)).find((path) => repository.has(path));
    if (file === undefined && !table.test(text)) return [];
    const reason = file === undefined ? `${name} is configured` : `there is a ${quoted(file)}`;
    return [{ command: [...toRun(project), ...command, place], reason }];
  });
}

/** What a program of the project's own environment is started by. */
function toRun({ tool, folder }: Project): string[] {
  switch (tool) {
    case 'uv':
    case 'poetry':
      return [tool, ...inPlace('--directory', folder), 'run'];
    case 'pipenv':
      return [...toPipenv(folder), 'run'];
    case 'pip':
      return [];
    default:
      return tool satisfies never;
  }
}

/** It has no option for the folder, and works where it is called. */
function toPipenv(folder: string): string[] {
  return folder === '' ? ['pipenv'] : ['env', `PIPENV_PIPFILE=${folder}/Pipfile`, 'pipenv'];
}

function inPlace(option: string, folder: string): string[] {
  return folder === '' ? [] : [option, folder];
}

/** The lines of a TOML table. */
function sectionOf(text: string, name: string): string {
  const start = text.indexOf(`[${name}]`);
  if (start === -1) return '';
  const rest = text.slice(start + name.length + 2);
  const end = rest.search(/^\[/m);
  return end === -1 ? rest : rest.slice(0, end);
}
