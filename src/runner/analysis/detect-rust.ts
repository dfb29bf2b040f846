import { aFinding, type Ecosystem, quoted } from './ecosystem.ts';
import { inFolder } from './repository-files.ts';

/** Of a package, for some platform only, or of the packages of a workspace, which are named elsewhere. */
const DEPENDENCIES = /^\[(?:[^\]\n]*[.-])?dependencies\b|^\[workspace\]/m;

/** Cargo packages and workspaces. */
export const rust: Ecosystem = {
  name: 'Rust',
  isManifest: (name) => name === 'Cargo.toml',
  async detect(files, folder) {
    const manifest = inFolder(folder, 'Cargo.toml');
    const text = await files.read(manifest);
    if (text === null) return null;
    const place = folder === '' ? [] : ['--manifest-path', manifest];
    const workspace = /^\[workspace\b/m.test(text) ? ['--workspace'] : [];
    return aFinding({
      packageManagers: ['cargo'],
      // It would fetch by itself as well, but the tests of an agent's work have no network.
      setup: DEPENDENCIES.test(text)
        ? [{ command: ['cargo', 'fetch', ...place], reason: `${quoted(manifest)} names dependencies` }]
        : [],
      test: [
        { command: ['cargo', 'test', ...place, ...workspace], reason: `there is a ${quoted(manifest)}` },
      ],
      lint: [
        {
          command: ['cargo', 'fmt', ...place, '--all', '--check'],
          reason: `${quoted(manifest)}: rustfmt comes with Rust`,
        },
        {
          command: ['cargo', 'clippy', ...place, ...workspace, '--all-targets'],
          reason: `${quoted(manifest)}: clippy comes with Rust`,
        },
      ],
    });
  },
};
