import { aFinding, type Ecosystem, quoted } from './ecosystem.ts';
import type { FoundCommand } from './repository-analysis.ts';
import { inFolder, type RepositoryFiles } from './repository-files.ts';

/** Ruby with Bundler: RSpec, or a `test` task of Rake. In the root only: Bundler has no option for the folder. */
export const ruby: Ecosystem = {
  name: 'Ruby',
  isManifest: (name) => name === 'Gemfile',
  async detect(files, folder) {
    if (folder !== '' || !files.has('Gemfile')) return null;
    const gems = `${await files.read('Gemfile')}\n${await files.read('Gemfile.lock')}`;
    return aFinding({
      packageManagers: ['bundler'],
      frameworks: /\brails\b/.test(gems) ? ['Rails'] : [],
      setup: [{ command: ['bundle', 'install'], reason: '`Gemfile` names dependencies' }],
      test: await findTests(files, gems),
      lint: /\brubocop\b/.test(gems)
        ? [{ command: ['bundle', 'exec', 'rubocop'], reason: '`Gemfile` names rubocop' }]
        : [],
    });
  },
};

async function findTests(files: RepositoryFiles, gems: string): Promise<FoundCommand[]> {
  const spec = files.paths.find((path) => /^spec\/.*_spec\.rb$/.test(path));
  if (spec !== undefined && /\brspec\b/.test(gems)) {
    return [{ command: ['bundle', 'exec', 'rspec'], reason: `${quoted(spec)}, and \`Gemfile\` names rspec` }];
  }
  const test = files.paths.find((path) => /^test\/.*\.rb$/.test(path));
  if (test === undefined) return [];
  if (files.has('bin/rails')) {
    return [
      { command: ['bundle', 'exec', 'rails', 'test'], reason: `${quoted(test)}, in a Rails application` },
    ];
  }
  const rakefile = (await files.read(inFolder('', 'Rakefile'))) ?? '';
  if (!/TestTask|task\s+:?["']?test\b/.test(rakefile)) return [];
  return [{ command: ['bundle', 'exec', 'rake', 'test'], reason: '`Rakefile` has a test task' }];
}
