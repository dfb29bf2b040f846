import { aFinding, atFolder, type Ecosystem, quoted } from './ecosystem.ts';
import type { FoundCommand } from './repository-analysis.ts';
import { inFolder, type RepositoryFiles } from './repository-files.ts';

const GOLANGCI = ['.golangci.yml', '.golangci.yaml', '.golangci.toml', '.golangci.json'];

/** Go modules. */
export const go: Ecosystem = {
  name: 'Go',
  isManifest: (name) => name === 'go.mod',
  async detect(files, folder) {
    const manifest = inFolder(folder, 'go.mod');
    const text = await files.read(manifest);
    if (text === null) return null;
    const program = folder === '' ? ['go'] : ['go', '-C', folder];
    const prefix = folder === '' ? '' : `${folder}/`;
    const hasTests = files.paths.some((path) => path.startsWith(prefix) && path.endsWith('_test.go'));
    return aFinding({
      packageManagers: ['go'],
      setup: /^\s*require\b/m.test(text)
        ? [{ command: [...program, 'mod', 'download'], reason: `${quoted(manifest)} names dependencies` }]
        : [],
      test: hasTests
        ? [
            {
              command: [...program, 'test', './...'],
              reason: `${quoted(manifest)}, and files named _test.go`,
            },
          ]
        : [],
      lint: [
        { command: [...program, 'vet', './...'], reason: `${quoted(manifest)}: vet comes with Go` },
        ...findGolangci(files, folder),
      ],
    });
  },
};

/** It looks for its configuration in the folders above, too. */
function findGolangci(files: RepositoryFiles, folder: string): FoundCommand[] {
  const config = [folder, '']
    .flatMap((place) => GOLANGCI.map((name) => inFolder(place, name)))
    .find((path) => files.has(path));
  if (config === undefined) return [];
  return [{ command: [...atFolder(folder), 'golangci-lint', 'run'], reason: `there is a ${quoted(config)}` }];
}
