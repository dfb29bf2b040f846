import type { Command } from '../../contract/command-run.ts';
import { toOneLine } from '../../lib/strip-control.ts';
import type { Found } from '../workspace/kept/keeping.ts';
import { mayDecideSetUp } from './set-up-inputs.ts';

/** Whether set-up may be left out, since what it made before is still there and would be made again. `why`: for people. */
export type SetUpJudgement = { kind: 'kept' } | { kind: 'anew'; why: string };

/** Set-up is left out only where its outcome can't have changed: the same commands, and nothing changed but source, which no installation reads. */
export function judgeSetUp(
  { setUp, changedSinceSetUp }: Pick<Found, 'setUp' | 'changedSinceSetUp'>,
  commands: readonly Command[],
): SetUpJudgement {
  if (commands.length === 0) return { kind: 'kept' };
  if ('whyNot' in setUp) return anew(setUp.whyNot);
  if (JSON.stringify(setUp.commands) !== JSON.stringify(commands)) return anew('its commands are others');
  if (changedSinceSetUp === null) return anew('the commit that it was run on is gone');
  const file = changedSinceSetUp.find((path) => mayDecideSetUp(path, commands));
  return file === undefined ? { kind: 'kept' } : anew(`${toOneLine(file, 200)} has changed`);
}

function anew(why: string): SetUpJudgement {
  return { kind: 'anew', why };
}

/** Why what these make may depend on more than manifests and lock files; `null` = it does not. For people. */
export function explainUnknown(commands: readonly Command[]): string | null {
  const unknown = commands.find((command) => !installsFromManifest(command));
  return unknown === undefined ? null : `what “${toOneLine(unknown.join(' '), 100)}” depends on is not known`;
}

/** What package managers call it to install what manifests and lock files name. */
const INSTALLS: Readonly<Record<string, readonly string[]>> = {
  npm: ['ci', 'install', 'i'],
  pnpm: ['install', 'i'],
  yarn: ['install'],
  bun: ['install'],
  corepack: ['install'],
  uv: ['sync'],
  poetry: ['install'],
  pipenv: ['sync', 'install'],
  bundle: ['install'],
  composer: ['install'],
  go: ['mod'],
  cargo: ['fetch'],
  dotnet: ['restore'],
  mix: ['deps.get'],
  terraform: ['init'],
};
const RUNS = new Set(['run', 'exec', 'dlx', 'x']);
/** Then the project itself is put where packages are, as it is now. */
const COPIES = /^--(no-editable|install-links|classmap-authoritative|optimize-autoloader)(=|$)/;

/** Others (`make deps`, `sh -c …`) may read any file of the repository. */
function installsFromManifest([program = '', ...words]: Command): boolean {
  if (/^pip[\d.]*$/.test(program)) return installsByPip(words);
  if (/^python[\d.]*$/.test(program))
    return words[0] === '-m' && words[1] === 'pip' && installsByPip(words.slice(2));
  if (words.some((word) => RUNS.has(word) || COPIES.test(word))) return false;
  return INSTALLS[program]?.some((word) => words.includes(word)) === true;
}

const BEFORE_PATHS = ['-e', '--editable', '-r', '--requirement', '-c', '--constraint'];

/** What is installed by `-e` is the repository itself, where it lies; a path without it would be a copy of what is there now. */
function installsByPip([first, ...words]: readonly string[]): boolean {
  const isCopy = words.some((word, at) => /^\.|\//.test(word) && !BEFORE_PATHS.includes(words[at - 1] ?? ''));
  return first === 'install' && !isCopy;
}
