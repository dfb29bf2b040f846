/** Folders that package managers, interpreters and test runners fill; nobody writes source files there. */
const GENERATED_FOLDERS = new Set([
  'node_modules',
  'bower_components',
  '__pycache__',
  '.venv',
  '.tox',
  '.nox',
  '.eggs',
  '.pytest_cache',
  '.mypy_cache',
  '.ruff_cache',
  '.hypothesis',
  '.ipynb_checkpoints',
  '.gradle',
  '.nyc_output',
  '.parcel-cache',
  '.turbo',
  '.next',
  '.nuxt',
  '.svelte-kit',
  'htmlcov',
]);

/** `*.log` is not among them: logs are fixtures of many tests. */
const GENERATED_FILES =
  /(?:\.py[co]|\.class|\.sw[op]|~)$|^(?:\.DS_Store|Thumbs\.db|desktop\.ini|\.coverage|\.eslintcache|\.stylelintcache|\.tsbuildinfo|npm-debug\.log.*|yarn-(?:debug|error)\.log.*|hs_err_pid\d+\.log)$/;

/** With one of these in it, a folder says itself that it is a cache (bford.info/cachedir) or a virtual environment. */
const MARKERS = new Set(['CACHEDIR.TAG', 'pyvenv.cfg']);

/**
 * Which new files are surely no work of anybody, but left by tools: what `.gitignore` would name if somebody had thought of it. `isTracked`
 * tells whether the base has files in a folder: what people keep there on purpose counts as work.
 */
export function findGenerated(added: readonly string[], isTracked: (folder: string) => boolean): Set<string> {
  const marked = new Set(
    added.filter((path) => MARKERS.has(nameOf(path)) && path.includes('/')).map(folderOf),
  );
  // They come by the ten thousand.
  const tracked = new Map<string, boolean>();
  return new Set(
    added.filter((path) => {
      const folder = foldersOf(path).find(
        (above) => GENERATED_FOLDERS.has(nameOf(above)) || marked.has(above),
      );
      if (folder === undefined) return GENERATED_FILES.test(nameOf(path));
      const isKept = tracked.get(folder) ?? isTracked(folder);
      tracked.set(folder, isKept);
      return !isKept;
    }),
  );
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

/** `a/b/c.txt` → `a`, `a/b`. */
function foldersOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_part, at) => parts.slice(0, at + 1).join('/'));
}
