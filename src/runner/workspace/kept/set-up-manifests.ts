import { lstat, open } from 'node:fs/promises';
import { constants } from 'node:fs';

/** A manifest that says more than what is to be installed; nobody writes larger ones. */
const MAX_BYTES = 512 * 1024;
const MAX_MANIFESTS = 2000;

type Judge = (text: string) => string | null;

/** Name of a manifest → why what it leads to may depend on any file of the repository; `null`: it does not. */
const JUDGES: readonly [RegExp, Judge][] = [
  [/(^|\/)package\.json$/, judgePackage],
  [/(^|\/)\.?pnpmfile\.[cm]?js$/, () => 'it is a program'],
  [/(^|\/)composer\.json$/, judgeComposer],
  [/(^|\/)(pyproject\.toml|Pipfile)$/, judgePython],
  [/(^|\/)([^/]*(requirements|constraints)[^/]*|requirements\/[^/]+)\.(txt|in)$/, judgeRequirements],
  [/(^|\/)(Gemfile|gems\.rb|mix\.exs)$/, judgeProgram],
];

/**
 * Why an installation from these manifests may depend on more than on manifests and lock files, for people: they run programs of the
 * repository, or copy parts of it. `null` = nothing does. `paths` are of the checkout in `folder`, where no agent was yet.
 */
export async function explainManifests(folder: string, paths: Iterable<string>): Promise<string | null> {
  let count = 0;
  for (const path of paths) {
    const judge = JUDGES.find(([name]) => name.test(path))?.[1];
    if (judge === undefined) continue;
    if ((count += 1) > MAX_MANIFESTS) return `there are more than ${MAX_MANIFESTS} manifests`;
    const text = await readText(folder, path);
    const why = text === null ? 'it can’t be read' : judge(text);
    if (why !== null) return `what it makes may depend on more than manifests by ${toShown(path)}: ${why}`;
  }
  return null;
}

/** For tests and for `explainManifests`: the same of one manifest. */
export function explainManifest(path: string, text: string): string | null {
  return JUDGES.find(([name]) => name.test(path))?.[1](text) ?? null;
}

/** What npm, pnpm and yarn run when they install, of the package itself. */
const LIFE_CYCLE = /^((pre|post)?install|(pre|post)?prepare|prepublish|dependencies|pnpm:devPreinstall)$/;
/** These set hooks of git, look who calls, or apply patches that are looked at as such. */
const HARMLESS =
  /^(npx (--yes |-y |--no-install )?)?(husky( install)?|simple-git-hooks|lefthook install|only-allow (npm|pnpm|yarn|bun)|patch-package|is-ci|true)$/;

function judgePackage(text: string): string | null {
  const read = parseObject(text);
  if (read === null) return 'it is no JSON';
  for (const [name, script] of Object.entries(toObject(read['scripts']))) {
    if (!LIFE_CYCLE.test(name)) continue;
    const parts = String(script).split(/\s*(?:&&|\|\||;)\s*/);
    if (!parts.every((part) => HARMLESS.test(part.trim()))) return `its script “${name}” runs a program`;
  }
  const kinds = ['dependencies', 'devDependencies', 'optionalDependencies', 'resolutions', 'overrides'];
  const wanted = JSON.stringify(kinds.map((kind) => read[kind] ?? null));
  return /"(file|exec):/.test(wanted) ? 'it has packages copied from the repository' : null;
}

function judgeComposer(text: string): string | null {
  const read = parseObject(text);
  if (read === null) return 'it is no JSON';
  const hooks = Object.keys(toObject(read['scripts'])).filter((name) => /^(pre|post)-|^init$/.test(name));
  if (hooks.length > 0) return `its script “${hooks[0]}” runs a program`;
  const autoload = JSON.stringify([read['autoload'] ?? null, read['autoload-dev'] ?? null]);
  if (/"classmap"/.test(autoload)) return 'it has a map of classes made';
  return /"path"/.test(JSON.stringify(read['repositories'] ?? null))
    ? 'it has packages of the repository'
    : null;
}

function judgePython(text: string): string | null {
  if (/^\s*backend-path\s*=/m.test(text)) return 'the repository itself has the program that builds it';
  if (/^\s*\[tool\.poetry\.build\]|^\s*build\s*=\s*["'{]/m.test(text))
    return 'it names a program that builds it';
  const lines = text.split('\n').filter((line) => /\bpath\s*=\s*["']/.test(line));
  return lines.every((line) => /\b(editable|develop)\s*=\s*true/.test(line))
    ? null
    : 'it has packages copied from the repository';
}

function judgeRequirements(text: string): string | null {
  const copies = /^\s*(\.{1,2}(\/|\\|\[|\s*$)|\/|file:|[\w.-]+(\[[^\]]*\])?\s*@\s*(file:|\.))/m.test(text);
  return copies ? 'it has packages copied from the repository' : null;
}

/** Manifests that are programs: most only name packages. */
function judgeProgram(text: string): string | null {
  return /\b(File|Dir|IO|Code|System|Kernel)\.|\b(eval_gemfile|instance_eval|require|require_relative|load|system|exec)\b|`/.test(
    text.replace(/^\s*#.*$/gm, ''),
  )
    ? 'it reads or runs other files'
    : null;
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const read: unknown = JSON.parse(text);
    return typeof read === 'object' && read !== null && !Array.isArray(read) ? { ...read } : null;
  } catch {
    return null;
  }
}

function toObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** `null`: it is no plain file any more, or too large. Paths are bytes as characters, as stamps name them. */
async function readText(folder: string, path: string): Promise<string | null> {
  const place = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(path, 'latin1')]);
  const facts = await lstat(place).catch(() => null);
  // In a sparse checkout it is not there, and nothing is installed by it.
  if (facts === null) return '{}';
  if (!facts.isFile() || facts.size > MAX_BYTES) return null;
  const file = await open(place, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

function toShown(path: string): string {
  return JSON.stringify(Buffer.from(path, 'latin1').toString().slice(0, 200));
}
