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

const FRAMEWORKS = [
  ['laravel/framework', 'Laravel'],
  ['symfony/framework-bundle', 'Symfony'],
  ['phpunit/phpunit', 'PHPUnit'],
  ['pestphp/pest', 'Pest'],
] as const;

/** Package and program, the more specific first: Pest brings PHPUnit along. */
const UNIT_TESTS = [
  ['pestphp/pest', 'vendor/bin/pest'],
  ['phpunit/phpunit', 'vendor/bin/phpunit'],
] as const;

const LINTERS = [
  [
    'phpstan/phpstan',
    ['vendor/bin/phpstan', 'analyse'],
    ['phpstan.neon', 'phpstan.neon.dist', 'phpstan.dist.neon'],
  ],
  [
    'friendsofphp/php-cs-fixer',
    ['vendor/bin/php-cs-fixer', 'check'],
    ['.php-cs-fixer.php', '.php-cs-fixer.dist.php'],
  ],
  [
    'squizlabs/php_codesniffer',
    ['vendor/bin/phpcs'],
    ['phpcs.xml', 'phpcs.xml.dist', '.phpcs.xml', '.phpcs.xml.dist'],
  ],
] as const;

/** PHP with Composer. */
export const php: Ecosystem = {
  name: 'PHP',
  isManifest: (name) => name === 'composer.json',
  async detect(files, folder) {
    const path = inFolder(folder, 'composer.json');
    const manifest = parseObject(await files.read(path));
    if (manifest === null) return null;
    const packages = ['require', 'require-dev'].flatMap((kind) =>
      Object.keys(asObject(manifest[kind]) ?? {}),
    );
    const names = new Set(packages);
    const composer = folder === '' ? ['composer'] : ['composer', `--working-dir=${folder}`];
    const hasScript = asObject(manifest['scripts'])?.['test'] !== undefined;
    const unit = UNIT_TESTS.find(([name]) => names.has(name));
    return aFinding({
      packageManagers: ['composer'],
      frameworks: pickFrameworks(names, FRAMEWORKS),
      setup: [
        { command: [...composer, 'install', '--no-interaction'], reason: `there is a ${quoted(path)}` },
      ],
      test: hasScript
        ? [{ command: [...composer, 'test'], reason: `${quoted(path)} has a test script` }]
        : unit === undefined
          ? []
          : [{ command: [...atFolder(folder), unit[1]], reason: `${quoted(path)} names ${unit[0]}` }],
      lint: findLint(files, folder, { composer, names, manifest, path }),
    });
  },
};

function findLint(
  files: RepositoryFiles,
  folder: string,
  project: {
    composer: readonly string[];
    names: ReadonlySet<string>;
    manifest: Record<string, unknown>;
    path: string;
  },
): FoundCommand[] {
  const { composer, names, manifest, path } = project;
  if (asObject(manifest['scripts'])?.['lint'] !== undefined)
    return [{ command: [...composer, 'lint'], reason: `${quoted(path)} has a lint script` }];
  return LINTERS.flatMap(([name, command, configs]) => {
    const config = configs.map((config) => inFolder(folder, config)).find((config) => files.has(config));
    if (!names.has(name) || config === undefined) return [];
    return [{ command: [...atFolder(folder), ...command], reason: `there is a ${quoted(config)}` }];
  });
}
