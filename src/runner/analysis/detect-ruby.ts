import { aFinding, atFolder, type Ecosystem, quoted } from './ecosystem.ts';
import type { FoundCommand } from './repository-analysis.ts';
import { inFolder, type RepositoryFiles } from './repository-files.ts';

/** Ruby with Bundler: RSpec, or a `test` task of Rake. */
export const ruby: Ecosystem = {
  name: 'Ruby',
  isManifest: (name) => name === 'Gemfile',
  async detect(files, folder) {
    const manifest = inFolder(folder, 'Gemfile');
    if (!files.has(manifest)) return null;
    const gems = `${await files.read(manifest)}\n${await files.read(inFolder(folder, 'Gemfile.lock'))}`;
    const bundle = [...atFolder(folder), 'bundle'];
    return aFinding({
      packageManagers: ['bundler'],
      frameworks: /\brails\b/.test(gems) ? ['Rails'] : [],
      setup: [{ command: [...bundle, 'install'], reason: `${quoted(manifest)} names dependencies` }],
      test: await findTests(files, { folder, gems, bundle, manifest }),
      lint: findLint(gems, bundle, manifest),
    });
  },
};

async function findTests(
  files: RepositoryFiles,
  project: { folder: string; gems: string; bundle: string[]; manifest: string },
): Promise<FoundCommand[]> {
  const { folder, gems, bundle, manifest } = project;
  const find = (place: string, pattern: RegExp): string | undefined => {
    const prefix = `${inFolder(folder, place)}/`;
    return files.paths.find((path) => path.startsWith(prefix) && pattern.test(path));
  };
  const spec = find('spec', /_spec\.rb$/);
  if (spec !== undefined && /\brspec\b/.test(gems)) {
    const reason = `${quoted(spec)}, and ${quoted(manifest)} names rspec`;
    return [{ command: [...bundle, 'exec', 'rspec'], reason }];
  }
  const test = find('test', /\.rb$/);
  if (test === undefined) return [];
  if (files.has(inFolder(folder, 'bin/rails'))) {
    const reason = `${quoted(test)}, in a Rails application`;
    return [{ command: [...bundle, 'exec', 'rails', 'test'], reason }];
  }
  const rakefile = inFolder(folder, 'Rakefile');
  if (!/TestTask|task\s+:?["']?test\b/.test((await files.read(rakefile)) ?? '')) return [];
  return [{ command: [...bundle, 'exec', 'rake', 'test'], reason: `${quoted(rakefile)} has a test task` }];
}

function findLint(gems: string, bundle: readonly string[], manifest: string): FoundCommand[] {
  const linters = [
    ['rubocop', /\brubocop\b/],
    ['standardrb', /\bstandard\b/],
  ] as const;
  return linters
    .filter(([, pattern]) => pattern.test(gems))
    .map(([name]) => ({
      command: [...bundle, 'exec', name],
      reason: `${quoted(manifest)} names ${name === 'standardrb' ? 'standard' : name}`,
    }));
}
