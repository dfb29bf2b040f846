import { aFinding, atFolder, type Ecosystem, pickFrameworks, quoted } from './ecosystem.ts';
import { inFolder } from './repository-files.ts';

const FRAMEWORKS = [
  ['phoenix', 'Phoenix'],
  ['ecto', 'Ecto'],
  ['ecto_sql', 'Ecto'],
] as const;

/** Elixir with Mix. A folder of projects (`apps_path`) is one: Mix goes through it by itself. */
export const elixir: Ecosystem = {
  name: 'Elixir',
  isManifest: (name) => name === 'mix.exs',
  async detect(files, folder) {
    const manifest = inFolder(folder, 'mix.exs');
    const text = await files.read(manifest);
    if (text === null) return null;
    const mix = [...atFolder(folder), 'mix'];
    const names = new Set([...text.matchAll(/\{\s*:([a-z0-9_]+)/g)].map((match) => match[1] ?? ''));
    const isUmbrella = /\bapps_path:/.test(text);
    const prefix = folder === '' ? '' : `${folder}/`;
    const test = files.paths.find((path) => path.startsWith(prefix) && path.endsWith('_test.exs'));
    const formatter = inFolder(folder, '.formatter.exs');
    return aFinding({
      packageManagers: ['mix'],
      frameworks: pickFrameworks(names, FRAMEWORKS),
      setup:
        names.size > 0 || isUmbrella
          ? [{ command: [...mix, 'deps.get'], reason: `${quoted(manifest)} names dependencies` }]
          : [],
      test:
        test === undefined
          ? []
          : [{ command: [...mix, 'test'], reason: `${quoted(manifest)}, and tests such as ${quoted(test)}` }],
      lint: [
        ...(files.has(formatter)
          ? [{ command: [...mix, 'format', '--check-formatted'], reason: `there is a ${quoted(formatter)}` }]
          : []),
        ...(names.has('credo')
          ? [{ command: [...mix, 'credo'], reason: `${quoted(manifest)} names credo` }]
          : []),
      ],
    });
  },
};
