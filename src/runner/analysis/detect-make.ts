import { aFinding, type Ecosystem, type Finding } from './ecosystem.ts';
import type { RepositoryFiles } from './repository-files.ts';

/** Beside the sources; the workspace's own ignore rules keep it out of the change. */
const BUILD_FOLDER = '.yardmaster-build';

/** A Makefile or CMake project in the root: for what no other ecosystem tests. */
export const make: Ecosystem = {
  name: 'Make',
  isManifest: (name) => name === 'Makefile' || name === 'CMakeLists.txt',
  async detect(files, folder) {
    if (folder !== '') return null;
    return (await detectMakefile(files)) ?? (await detectCmake(files));
  },
};

async function detectMakefile(files: RepositoryFiles): Promise<Finding | null> {
  const name = ['GNUmakefile', 'Makefile', 'makefile'].find((name) => files.has(name));
  if (name === undefined) return null;
  const text = (await files.read(name)) ?? '';
  const target = ['test', 'check'].find((target) => new RegExp(`^${target}\\s*:(?!=)`, 'm').test(text));
  if (target === undefined) return null;
  const test = [{ command: ['make', target], reason: `\`${name}\` has a target ${target}` }];
  return aFinding({ packageManagers: ['make'], test });
}

async function detectCmake(files: RepositoryFiles): Promise<Finding | null> {
  const text = await files.read('CMakeLists.txt');
  if (text === null) return null;
  const hasTests = /\b(enable_testing|add_test|gtest_discover_tests)\s*\(|include\s*\(\s*CTest/i.test(text);
  const reason = '`CMakeLists.txt` has tests';
  return aFinding({
    packageManagers: ['cmake'],
    setup: hasTests ? [{ command: ['cmake', '-S', '.', '-B', BUILD_FOLDER], reason }] : [],
    test: hasTests
      ? [
          { command: ['cmake', '--build', BUILD_FOLDER], reason },
          { command: ['ctest', '--test-dir', BUILD_FOLDER, '--output-on-failure'], reason },
        ]
      : [],
  });
}
