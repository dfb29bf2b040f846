/** What a tool left behind in a work tree: a folder, with a slash at its end, or a file. */
export type ToolOutput = {
  path: string;
  /** What it is, such as `a coverage report`. */
  what: string;
  /** How many files it is. */
  files: number;
};

type Rule = {
  what: string;
  /** Of the folder or file. */
  name: RegExp;
  /** One of the new files in the folder, from there, begins so: what has its name alone may be somebody's work. */
  holds?: RegExp;
  /** A file of this name stands beside it. */
  beside?: RegExp;
};

/** Whether a file that the rule asks for stands in the folder. */
type IsBeside = (rule: Rule, parent: string) => boolean;

const FOLDERS: readonly Rule[] = [
  { what: 'a coverage report', name: /^htmlcov$/ },
  {
    what: 'a coverage report',
    name: /^coverage$/,
    holds:
      /^(?:lcov\.info$|lcov-report\/|clover\.xml$|cobertura-coverage\.xml$|coverage-(?:final|summary)\.json$|tmp\/coverage-|\.last_run\.json$|\.resultset\.json$)/,
  },
  { what: 'a test report', name: /^playwright-report$/, holds: /^index\.html$/ },
  { what: 'a test report', name: /^test-results$/, holds: /^\.last-run\.json$/ },
  { what: 'a test report', name: /^TestResults$/, beside: /\.(?:slnx?|[cfv][sb]proj)$/ },
  { what: 'build output', name: /^dist$/, beside: /^(?:package\.json|pyproject\.toml|setup\.py)$/ },
  {
    what: 'build output',
    name: /^build$/,
    holds:
      /^(?:asset-manifest\.json$|static\/js\/|lib\/|bdist\.|temp\.|classes\/|CMakeCache\.txt$|libs\/.*\.jar$)/,
    beside: /^(?:package\.json|pyproject\.toml|setup\.py|build\.gradle(?:\.kts)?|CMakeLists\.txt)$/,
  },
  {
    what: 'build output',
    name: /^target$/,
    holds: /^(?:debug|release|classes|test-classes|surefire-reports|maven-status)\/|^\.rustc_info\.json$/,
    beside: /^(?:Cargo\.toml|pom\.xml|build\.sbt)$/,
  },
  {
    what: 'build output',
    name: /^(?:bin|obj)$/,
    holds: /^(?:Debug\/|Release\/|project\.assets\.json$)/,
    beside: /\.[cfv][sb]proj$/,
  },
  { what: 'build output', name: /^_build$/, holds: /^(?:dev|test|prod)\//, beside: /^mix\.exs$/ },
  {
    what: 'build output',
    name: /^(?:\.next|\.nuxt|\.svelte-kit|\.parcel-cache|\.angular|storybook-static)$/,
  },
  { what: 'installed packages', name: /^deps$/, beside: /^mix\.exs$/ },
  { what: 'installed packages', name: /^vendor$/, holds: /^(?:composer\/installed\.json$|bundle\/ruby\/)/ },
];

const FILES: readonly Rule[] = [
  { what: 'coverage data', name: /^\.coverage\.[^/]+$/ },
  { what: 'coverage data', name: /^cover(?:age)?\.out$/, beside: /\.go$/ },
  {
    what: 'coverage data',
    name: /^(?:lcov\.info|coverage\.xml)$/,
    beside: /^(?:package\.json|pyproject\.toml|setup\.(?:py|cfg)|composer\.json)$/,
  },
  { what: 'state of a tool', name: /\.tsbuildinfo$/ },
  { what: 'state of a tool', name: /^(?:\.phpunit\.result\.cache|\.php-cs-fixer\.cache)$/ },
  { what: 'build output', name: /\.class$/, beside: /\.java$/ },
];

/** No tool puts its folder deeper, and agents choose the paths. */
const MAX_DEPTH = 20;

const LEFTOVER = /\.(?:orig|rej)$/;

/**
 * Which of the new files are not work but what tools made on the way (coverage, builds, leftovers of a merge), though the repository does not
 * ignore them. A folder in which files are tracked is the repository's own, whatever its name.
 */
export function findToolOutput(
  added: readonly string[],
  tracked: readonly string[],
): { output: ToolOutput[]; paths: ReadonlySet<string> } {
  const isBeside = createBeside([...tracked, ...added]);
  const folders = chooseFolders(added, isBeside, foldersOf(tracked));
  const known = new Set([...tracked, ...added]);

  const found = new Map<string, ToolOutput>();
  const paths = new Set<string>();
  for (const path of added) {
    const folder = ancestorsOf(path).find((ancestor) => folders.has(ancestor));
    const what = folder === undefined ? judgeFile(path, isBeside, known) : folders.get(folder);
    if (what === undefined) continue;
    const place = folder === undefined ? path : `${folder}/`;
    const so = found.get(place);
    found.set(place, { path: place, what, files: (so?.files ?? 0) + 1 });
    paths.add(path);
  }
  return { output: [...found.values()], paths };
}

/** Whether a name alone makes it worth a closer look. */
export function mayBeToolOutput(path: string): boolean {
  const parts = path.split('/');
  const name = parts.pop() ?? '';
  return (
    LEFTOVER.test(name) ||
    FILES.some((rule) => rule.name.test(name)) ||
    parts.some((part) => FOLDERS.some((rule) => rule.name.test(part)))
  );
}

/** Folder → what it is. */
function chooseFolders(
  added: readonly string[],
  isBeside: IsBeside,
  own: ReadonlySet<string>,
): Map<string, string> {
  const chosen = new Map<string, string>();
  /** Those that nothing speaks against, while nothing in them speaks for it either. */
  const open = new Map<string, Rule>();
  const seen = new Set<string>();
  for (const path of added) {
    for (const folder of ancestorsOf(path)) {
      if (!seen.has(folder)) {
        seen.add(folder);
        const { parent, name } = split(folder);
        const rule = FOLDERS.find((one) => one.name.test(name) && isBeside(one, parent));
        if (rule !== undefined && !own.has(folder)) open.set(folder, rule);
      }
      const rule = open.get(folder);
      if (rule === undefined) continue;
      if (rule.holds !== undefined && !rule.holds.test(path.slice(folder.length + 1))) continue;
      chosen.set(folder, rule.what);
      open.delete(folder);
    }
  }
  return chosen;
}

function judgeFile(path: string, isBeside: IsBeside, known: ReadonlySet<string>): string | undefined {
  if (LEFTOVER.test(path) && known.has(path.replace(LEFTOVER, ''))) return 'a leftover of a merge or patch';
  const { parent, name } = split(path);
  return FILES.find((rule) => rule.name.test(name) && isBeside(rule, parent))?.what;
}

/** Looks once in each folder for each rule: agents choose how many files there are. */
function createBeside(paths: readonly string[]): IsBeside {
  const names = namesByFolder(paths);
  const known = new Map<Rule, Map<string, boolean>>();
  return (rule, parent) => {
    const { beside } = rule;
    if (beside === undefined) return true;
    const ofRule = known.get(rule) ?? new Map<string, boolean>();
    known.set(rule, ofRule);
    const found = ofRule.get(parent) ?? (names.get(parent) ?? []).some((name) => beside.test(name));
    ofRule.set(parent, found);
    return found;
  };
}

function namesByFolder(paths: readonly string[]): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const path of paths) {
    const { parent, name } = split(path);
    const list = names.get(parent);
    if (list === undefined) names.set(parent, [name]);
    else list.push(name);
  }
  return names;
}

function foldersOf(paths: readonly string[]): Set<string> {
  return new Set(paths.flatMap(ancestorsOf));
}

/** The outermost first. */
function ancestorsOf(path: string): string[] {
  const folders: string[] = [];
  for (let at = path.indexOf('/'); at !== -1 && folders.length < MAX_DEPTH; at = path.indexOf('/', at + 1))
    folders.push(path.slice(0, at));
  return folders;
}

function split(path: string): { parent: string; name: string } {
  const at = path.lastIndexOf('/');
  return { parent: at === -1 ? '' : path.slice(0, at), name: path.slice(at + 1) };
}
