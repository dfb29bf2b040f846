import {
  aFinding,
  asObject,
  atFolder,
  type Ecosystem,
  parseObject,
  pickFrameworks,
  quoted,
} from './ecosystem.ts';
import type { FoundCommand } from './repository-analysis.ts';
import { inFolder, type RepositoryFiles } from './repository-files.ts';

type Manager = 'npm' | 'pnpm' | 'yarn' | 'bun';

const LOCK_FILES: readonly (readonly [string, Manager])[] = [
  ['pnpm-lock.yaml', 'pnpm'],
  ['yarn.lock', 'yarn'],
  ['bun.lock', 'bun'],
  ['bun.lockb', 'bun'],
  ['package-lock.json', 'npm'],
  ['npm-shrinkwrap.json', 'npm'],
];

/** How each is told to work in another folder. */
const FOLDER_OPTION: Record<Manager, string> = {
  npm: '--prefix',
  pnpm: '--dir',
  yarn: '--cwd',
  bun: '--cwd',
};

const FRAMEWORKS = [
  ['next', 'Next.js'],
  ['nuxt', 'Nuxt'],
  ['react', 'React'],
  ['vue', 'Vue'],
  ['svelte', 'Svelte'],
  ['@angular/core', 'Angular'],
  ['express', 'Express'],
  ['fastify', 'Fastify'],
  ['hono', 'Hono'],
  ['koa', 'Koa'],
  ['@nestjs/core', 'NestJS'],
  ['probot', 'Probot'],
  ['electron', 'Electron'],
  ['vite', 'Vite'],
  ['vitest', 'Vitest'],
  ['jest', 'Jest'],
  ['mocha', 'Mocha'],
  ['@playwright/test', 'Playwright'],
  ['turbo', 'Turborepo'],
  ['nx', 'Nx'],
  ['lerna', 'Lerna'],
  ['cypress', 'Cypress'],
] as const;

/** Projects with a `package.json`: npm, pnpm, yarn and bun. */
export const node: Ecosystem = {
  name: 'Node.js',
  isManifest: (name) => name === 'package.json',
  async detect(files, folder) {
    const manifest = await readManifest(files, folder);
    if (manifest === null) return null;
    const project = { ...manifest, folder, ...findManager(files, folder, manifest.packageManager) };
    return aFinding({
      packageManagers: [project.manager],
      frameworks: pickFrameworks(project.dependencies, FRAMEWORKS),
      setup: await findSetup(files, project),
      test: await findTests(files, project),
      lint: findLint(files, project),
    });
  },
};

type Manifest = {
  scripts: ReadonlyMap<string, string>;
  dependencies: ReadonlySet<string>;
  packageManager: string;
  hasWorkspaces: boolean;
};

type Project = Manifest & {
  folder: string;
  manager: Manager;
  /** Path, or `null` without one. */
  lockFile: string | null;
};

async function readManifest(files: RepositoryFiles, folder: string): Promise<Manifest | null> {
  const manifest = parseObject(await files.read(inFolder(folder, 'package.json')));
  if (manifest === null) return null;
  const scripts = Object.entries(asObject(manifest['scripts']) ?? {}).filter(
    (script): script is [string, string] => typeof script[1] === 'string',
  );
  const dependencies = ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap((kind) =>
    Object.keys(asObject(manifest[kind]) ?? {}),
  );
  const { packageManager, workspaces } = manifest;
  return {
    scripts: new Map(scripts),
    dependencies: new Set(dependencies),
    packageManager: typeof packageManager === 'string' ? packageManager : '',
    hasWorkspaces: workspaces !== undefined || files.has(inFolder(folder, 'pnpm-workspace.yaml')),
  };
}

/** Lock file first: it is what a frozen install needs. A package of a workspace has the root's. */
function findManager(
  files: RepositoryFiles,
  folder: string,
  packageManager: string,
): { manager: Manager; lockFile: string | null } {
  for (const place of new Set([folder, ''])) {
    for (const [name, manager] of LOCK_FILES) {
      const lockFile = inFolder(place, name);
      if (files.has(lockFile)) return { manager, lockFile: place === folder ? lockFile : null };
    }
  }
  const named = /^(npm|pnpm|yarn|bun)@/.exec(packageManager)?.[1];
  // One of the four, by the pattern.
  return { manager: (named as Manager | undefined) ?? 'npm', lockFile: null };
}

async function findSetup(files: RepositoryFiles, project: Project): Promise<FoundCommand[]> {
  const { folder, manager, lockFile, dependencies, hasWorkspaces } = project;
  if (dependencies.size === 0 && !hasWorkspaces) return [];
  // Installed together with the root.
  if (folder !== '' && (await readManifest(files, ''))?.hasWorkspaces === true) return [];
  const manifest = inFolder(folder, 'package.json');
  const reason =
    lockFile === null
      ? `${quoted(manifest)} names dependencies, and there is no lock file`
      : `${quoted(manifest)} names dependencies, and ${quoted(lockFile)} pins them`;
  return [{ command: [...toProgram(project), ...toInstall(files, project, manager)], reason }];
}

/** Installs what is locked, and never writes a lock file: it would end up in the change. */
function toInstall(
  files: RepositoryFiles,
  { folder, lockFile, packageManager }: Project,
  manager: Manager,
): string[] {
  switch (manager) {
    case 'npm':
      return lockFile === null ? ['install', '--no-package-lock'] : ['ci'];
    case 'yarn': {
      const isModern =
        files.has(inFolder(folder, '.yarnrc.yml')) || /^yarn@([2-9]|[1-9][0-9])/.test(packageManager);
      if (isModern) return lockFile === null ? ['install'] : ['install', '--immutable'];
      return ['install', lockFile === null ? '--no-lockfile' : '--frozen-lockfile'];
    }
    case 'pnpm':
      return ['install', lockFile === null ? '--no-lockfile' : '--frozen-lockfile'];
    case 'bun':
      return ['install', lockFile === null ? '--no-save' : '--frozen-lockfile'];
    default:
      return manager satisfies never;
  }
}

async function findTests(files: RepositoryFiles, project: Project): Promise<FoundCommand[]> {
  const { scripts, manager, folder } = project;
  const script = scripts.get('test')?.trim() ?? '';
  if (script !== '' && !isPlaceholder(script)) {
    // `bun test` is bun's own runner, not the script.
    const command = manager === 'bun' ? ['run', 'test'] : ['test'];
    const reason = `${quoted(inFolder(folder, 'package.json'))} has a test script: ${quoted(script)}`;
    return [{ command: [...toProgram(project), ...command], reason }];
  }
  const prefix = folder === '' ? '' : `${folder}/`;
  const test = files.paths.find((path) => path.startsWith(prefix) && /\.test\.[cm]?[jt]s$/.test(path));
  if (test === undefined || folder !== '') return [];
  if (!/from ['"]node:test['"]|require\(['"]node:test['"]\)/.test((await files.read(test)) ?? '')) return [];
  return [
    { command: ['node', '--test'], reason: `${quoted(test)} uses node:test, and there is no test script` },
  ];
}

/** What `npm init` writes. */
function isPlaceholder(script: string): boolean {
  return /no test specified/i.test(script);
}

/** Scripts that check; of those with the same purpose the first. */
const LINT_SCRIPTS = [
  ['lint'],
  ['typecheck', 'type-check', 'check-types'],
  ['format:check', 'check:format', 'format-check'],
] as const;

/** For projects without a script: dependency, names of its configuration, and how it is run. */
const LINTERS = [
  ['eslint', /^(eslint\.config\.[cm]?[jt]s|\.eslintrc(\.(js|cjs|json|ya?ml))?)$/, ['eslint', '.']],
  ['@biomejs/biome', /^biome\.jsonc?$/, ['biome', 'check', '.']],
  ['oxlint', /^\.oxlintrc\.json$/, ['oxlint']],
] as const;

function findLint(files: RepositoryFiles, project: Project): FoundCommand[] {
  const { folder, scripts, dependencies } = project;
  const manifest = quoted(inFolder(folder, 'package.json'));
  const found = LINT_SCRIPTS.flatMap((names) => {
    const name = names.find((name) => scripts.has(name));
    if (name === undefined) return [];
    const reason = `${manifest} has a ${name} script: ${quoted(scripts.get(name) ?? '')}`;
    return [{ command: [...toProgram(project), 'run', name], reason }];
  });
  if (scripts.has('lint')) return found;
  const names = files.namesIn(folder);
  const linters = LINTERS.flatMap(([dependency, config, command]) => {
    const name = names.find((name) => config.test(name));
    if (name === undefined || !dependencies.has(dependency)) return [];
    const reason = `there is a ${quoted(inFolder(folder, name))}, and ${manifest} names ${dependency}`;
    return [{ command: [...toExecute(project), ...command], reason }];
  });
  return [...linters, ...found];
}

/** Runs a program of the dependencies, and never fetches one. */
function toExecute({ manager, folder }: Project): string[] {
  // npm would run it in the root all the same.
  if (manager === 'npm') return [...atFolder(folder), 'npm', 'exec', '--no', '--'];
  const run = manager === 'pnpm' ? ['exec'] : ['run'];
  return folder === '' ? [manager, ...run] : [manager, FOLDER_OPTION[manager], folder, ...run];
}

function toProgram({ manager, folder }: Project): string[] {
  return folder === '' ? [manager] : [manager, FOLDER_OPTION[manager], folder];
}
