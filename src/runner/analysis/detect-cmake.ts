import { aFinding, type Ecosystem, quoted } from './ecosystem.ts';
import { inFolder } from './repository-files.ts';

/** In the root of the repository; the workspace's own ignore rules keep it out of the change. */
const BUILD_FOLDER = '.yardmaster-build';

/** C and C++ with CMake, whose tests CTest runs. */
export const cmake: Ecosystem = {
  name: 'CMake',
  isManifest: (name) => name === 'CMakeLists.txt',
  async detect(files, folder) {
    const manifest = inFolder(folder, 'CMakeLists.txt');
    const text = await files.read(manifest);
    if (text === null) return null;
    const hasTests =
      /\b(enable_testing|add_test|gtest_discover_tests|catch_discover_tests)\s*\(|include\s*\(\s*CTest/i.test(
        text,
      );
    const reason = `${quoted(manifest)} has tests`;
    const build = inFolder(BUILD_FOLDER, folder).replace(/\/$/, '');
    const source = folder === '' ? '.' : folder;
    return aFinding({
      packageManagers: ['cmake'],
      setup: hasTests ? [{ command: ['cmake', '-S', source, '-B', build], reason }] : [],
      test: hasTests
        ? [
            { command: ['cmake', '--build', build], reason },
            { command: ['ctest', '--test-dir', build, '--output-on-failure'], reason },
          ]
        : [],
    });
  },
};
