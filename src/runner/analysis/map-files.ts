import { basename, extname } from 'node:path';
import type { RepositoryAnalysis } from './repository-analysis.ts';

const MAX_PATHS = 300;

/** Names that say what a repository is about. */
const TELLING =
  /^(readme|agents|claude|contributing|architecture)\b|^(package|composer|deno|tsconfig)\.json$|^(pyproject|cargo)\.toml$|^(go\.mod|pom\.xml|gemfile|makefile|dockerfile|cmakelists\.txt|requirements\.txt)$|\.(sln|csproj)$|^build\.gradle/i;

/** Made by tools, or nothing to read. */
const DULL_NAMES =
  /(^|[-.])lock(\.json|\.yaml|b)?$|\.(lock|min\.js|min\.css|map|snap)$|^(npm-shrinkwrap\.json|go\.sum)$/i;
const DULL_EXTENSIONS = new Set(
  '.png .jpg .jpeg .gif .svg .ico .webp .woff .woff2 .ttf .eot .pdf .zip .gz .mp3 .mp4 .wasm .bin .exe .dll .so .jar'.split(
    ' ',
  ),
);
const DULL_FOLDERS = /(^|\/)(vendor|third_party|dist|build|out|fixtures|__snapshots__|testdata|coverage)\//;

/** The paths that tell most, most telling first: manifests, then sources near the root, then the rest. */
export function mapFiles(paths: readonly string[]): RepositoryAnalysis['fileMap'] {
  const ranked = paths
    .map((path) => ({ path, rank: rankOf(path) }))
    .sort((a, b) => a.rank - b.rank || (a.path < b.path ? -1 : 1))
    .slice(0, MAX_PATHS)
    .map(({ path }) => path);
  return { paths: ranked, omitted: paths.length - ranked.length };
}

function rankOf(path: string): number {
  const name = basename(path);
  const depth = path.split('/').length - 1;
  if (DULL_NAMES.test(name) || DULL_EXTENSIONS.has(extname(path).toLowerCase())) return 200 + depth;
  if (DULL_FOLDERS.test(path)) return 100 + depth;
  return (TELLING.test(name) ? 0 : 20) + depth;
}
