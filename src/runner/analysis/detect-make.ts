import { aFinding, type Ecosystem, quoted } from './ecosystem.ts';
import type { FoundCommand } from './repository-analysis.ts';
import { inFolder } from './repository-files.ts';

const MAKEFILES = ['GNUmakefile', 'Makefile', 'makefile'];

/** A Makefile with a target for tests, and one for lint. */
export const make: Ecosystem = {
  name: 'Make',
  isManifest: (name) => MAKEFILES.includes(name),
  async detect(files, folder) {
    const name = MAKEFILES.map((name) => inFolder(folder, name)).find((path) => files.has(path));
    if (name === undefined) return null;
    const text = (await files.read(name)) ?? '';
    const find = (targets: readonly string[]): FoundCommand[] => {
      const target = targets.find((target) => new RegExp(`^${target}\\s*:(?!=)`, 'm').test(text));
      if (target === undefined) return [];
      const command = ['make', ...(folder === '' ? [] : ['-C', folder]), target];
      return [{ command, reason: `${quoted(name)} has a target ${target}` }];
    };
    return aFinding({
      packageManagers: ['make'],
      test: find(['test', 'check']),
      lint: find(['lint']),
    });
  },
};
