import type { JobSettings } from '../../contract/job.ts';
import { toOneLine } from '../../lib/strip-control.ts';
import type { FoundCommand, RepositoryAnalysis } from '../analysis/repository-analysis.ts';
import { removeUnseen } from './clean-text.ts';
import { estimateTokens } from './estimate-tokens.ts';
import { fence, inlineCode } from './fence.ts';
import type { Rendered } from './fit-parts.ts';

/** For what stands around the list of files. */
const AROUND_MAP_TOKENS = 40;

/** What the look at the files found, as Markdown, with the commands that will really be run. */
export function describeRepository(
  analysis: RepositoryAnalysis,
  settings: JobSettings,
  notes: readonly string[] = [],
): string {
  const languages = analysis.languages.map(({ name, files }) => `${name} (${files} files)`).join(', ');
  return [
    [
      `- Languages: ${languages === '' ? 'none that is known' : languages}`,
      ...listOf('Package managers', analysis.packageManagers),
      ...listOf('Frameworks', analysis.frameworks),
      ...listOf('Projects', describeProjects(analysis.projects)),
      ...notes.map((note) => `- ${note}`),
    ].join('\n'),
    describeCommands('Set-up, done already', analysis.setup, settings.setupCommands),
    describeCommands('Tests, by which your work is judged', analysis.test, settings.testCommands),
    describeCommands('Lint', analysis.lint, null),
    describeHosts(settings.hosts ?? []),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function describeHosts(hosts: readonly string[]): string {
  if (hosts.length === 0) return '';
  return `Of the network, these hosts may be open to you and to the tests, and nothing else: ${hosts.map((host) => inlineCode(toOneLine(host, 300))).join(', ')}.`;
}

/** Where there is more than one: who works in a monorepo has to know where he is. */
function describeProjects({ found, omitted }: RepositoryAnalysis['projects']): string[] {
  if (found.length < 2) return [];
  const places = found.map(
    ({ folder, ecosystem }) =>
      `${ecosystem} in ${folder === '' ? 'the root' : inlineCode(toOneLine(folder, 80))}`,
  );
  return omitted === 0
    ? places
    : [...places, `and ${omitted} more, whose commands are not among those below`];
}

function listOf(title: string, names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`- ${title}: ${names.map((name) => toOneLine(name, 100)).join(', ')}`];
}

/** What the repository's settings name goes before what was found. */
function describeCommands(
  title: string,
  found: readonly FoundCommand[],
  configured: JobSettings['testCommands'],
): string {
  const commands =
    configured === null
      ? found
      : configured.map((command) => ({ command, reason: "named in the repository's settings" }));
  if (commands.length === 0) return '';
  const lines = commands
    .slice(0, 20)
    .map(
      ({ command, reason }) =>
        `- ${inlineCode(toOneLine(command.join(' '), 500))}: ${toOneLine(reason, 300)}`,
    );
  return `${title}:\n${lines.join('\n')}`;
}

/** Paths of the repository, the most telling ones where there is little room. */
export function describeFiles(
  { paths, omitted }: RepositoryAnalysis['fileMap'],
  maxTokens: number,
): Rendered {
  const lines: string[] = [];
  let room = maxTokens - AROUND_MAP_TOKENS;
  for (const path of paths) {
    const line = removeUnseen(path).replaceAll('\n', '?');
    room -= estimateTokens(line) + 1;
    if (room < 0) break;
    lines.push(line);
  }
  const taken = lines.length;
  const cuts = taken === paths.length ? [] : [`files: the first ${taken} of ${paths.length} are listed`];
  if (taken === 0) return { text: '', cuts };
  const left = omitted + paths.length - taken;
  const more = left === 0 ? 'All of them:' : `The most telling ones (${left} more are not listed):`;
  return { text: `${more}\n\n${fence(lines.join('\n'))}`, cuts };
}
