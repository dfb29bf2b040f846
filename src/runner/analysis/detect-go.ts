import { aFinding, type Ecosystem, quoted } from './ecosystem.ts';
import { inFolder } from './repository-files.ts';

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
      lint: [{ command: [...program, 'vet', './...'], reason: `${quoted(manifest)}: vet comes with Go` }],
    });
  },
};
