import type { Command } from '../../contract/command-run.ts';
import { isDependencyFile } from './test-plan.ts';

/** No installation reads these, whatever their names end in. */
const UNREAD_FOLDERS = /^(\.github|\.vscode|\.idea|\.changeset|docs?)\//;
/** What is written to be run, shown or read later; an installation only puts it where it lies, or leads there. */
const SOURCE =
  /\.([cm]?[jt]sx?|vue|svelte|astro|css|scss|sass|less|html?|md|mdx|rst|adoc|svg|png|jpe?g|gif|webp|ico|avif|woff2?|ttf|pyi?|go|java|kt|scala|clj|rb|erb|haml|slim|php|twig|cs|fs|vb|razor|cshtml|ex|exs|heex|eex|erl|hrl|sql|graphql|snap|feature|lua|dart|swift|sh|bats)$/i;
/** Installations build these into what they make, where they build. */
const COMPILED = /\.(c|cc|cpp|cxx|h|hh|hpp|m|mm|pyx|pxd|pxi|rs|f|f90|zig|s)$/i;
/** Data, where a project keeps what its own code reads. */
const DATA = /\.(json|ya?ml|toml|txt|csv|tsv|xml|ini|po|ndjson|jsonl)$/i;
const DATA_FOLDERS =
  /(^|\/)(src|lib|app|tests?|__tests__|spec|fixtures|__fixtures__|testdata|locales?|i18n|public|assets|static)\//i;
/** Code that installations run. */
const INSTALLER = /(^|\/)(setup|build|hatch_build|pnpmfile|yarn\.config|gulpfile|gruntfile)\.[^/]+$/i;
/** Names that speak of what is installed. */
const SPEAKING = /require|constraint|depend|install|version|lock|vendor|plugin|toolchain|patch/i;
/** These fetch, and build nothing. */
const FETCHES = new Set(['go', 'cargo', 'dotnet', 'mix', 'terraform']);

/**
 * Whether what set-up makes may depend on the file: it does, unless its name says that it is source of the project, or data of its code.
 * A set-up too many costs minutes; one too few, and the work is judged by what somebody else's files have made.
 */
export function mayDecideSetUp(path: string, commands: readonly Command[]): boolean {
  if (isDependencyFile(path) || isNamed(path, commands) || INSTALLER.test(path)) return true;
  if (UNREAD_FOLDERS.test(path)) return false;
  // Settings of tools begin with a dot, and so do the folders with their plugins and releases.
  if (path.split('/').some((part) => part.startsWith('.'))) return true;
  if (COMPILED.test(path)) return !commands.every(([program = '']) => FETCHES.has(program));
  if (SOURCE.test(path)) return false;
  return !(DATA.test(path) && DATA_FOLDERS.test(path) && !SPEAKING.test(path));
}

/** By any word of a command, in whatever folder that runs: `-r dev.in`, `--file=tools/versions.py`. */
function isNamed(path: string, commands: readonly Command[]): boolean {
  const name = toName(path);
  return commands.some((words) => words.some((word) => toName(word.split('=').at(-1) ?? '') === name));
}

function toName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
