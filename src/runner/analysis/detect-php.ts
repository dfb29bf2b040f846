import { aFinding, asObject, type Ecosystem, parseObject, pickFrameworks, quoted } from './ecosystem.ts';
import { inFolder } from './repository-files.ts';

const FRAMEWORKS = [
  ['laravel/framework', 'Laravel'],
  ['symfony/framework-bundle', 'Symfony'],
  ['phpunit/phpunit', 'PHPUnit'],
  ['pestphp/pest', 'Pest'],
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
    const hasUnit = names.has('phpunit/phpunit');
    return aFinding({
      packageManagers: ['composer'],
      frameworks: pickFrameworks(names, FRAMEWORKS),
      setup: [
        { command: [...composer, 'install', '--no-interaction'], reason: `there is a ${quoted(path)}` },
      ],
      test: hasScript
        ? [{ command: [...composer, 'test'], reason: `${quoted(path)} has a test script` }]
        : hasUnit && folder === ''
          ? [{ command: ['vendor/bin/phpunit'], reason: `${quoted(path)} names phpunit` }]
          : [],
    });
  },
};
