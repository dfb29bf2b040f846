import type { JobSettings } from '../../contract/job.ts';
import { toOneLine } from '../../lib/strip-control.ts';
import type { FoundCommand, RepositoryAnalysis } from '../analysis/repository-analysis.ts';
import { removeUnseen } from './clean-text.ts';
import { fence, inlineCode } from './fence.ts';

const MAX_MAP = 20_000;

/** What the look at the files found, as Markdown, with the commands that will really be run. */
export function describeRepository(analysis: RepositoryAnalysis, settings: JobSettings): string {
  const languages = analysis.languages.map(({ name, files }) => `${name} (${files} files)`).join(', ');
  return [
    [
      `- Languages: ${languages === '' ? 'none that is known' : languages}`,
      ...listOf('Package managers', analysis.packageManagers),
      ...listOf('Frameworks', analysis.frameworks),
      ...listOf('Projects', describeProjects(analysis.projects)),
    ].join('\n'),
    describeCommands('Set-up, done already', analysis.setup, settings.setupCommands),
    describeCommands('Tests, by which your work is judged', analysis.test, settings.testCommands),
    describeCommands('Lint', analysis.lint, null),
    describeMap(analysis.fileMap),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** Where there is more than one: who works in a monorepo has to know where he is. */
function describeProjects({ found, omitted }: RepositoryAnalysis['projects']): string[] {
  if (found.length < 2) return [];
  const places = found.map(
    ({ folder, ecosystem }) => `${ecosystem} in ${folder === '' ? 'the root' : folder}`,
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

function describeMap({ paths, omitted }: RepositoryAnalysis['fileMap']): string {
  const shown: string[] = [];
  let length = 0;
  for (const path of paths) {
    const line = removeUnseen(path).replaceAll('\n', '?');
    length += line.length + 1;
    if (length > MAX_MAP) break;
    shown.push(line);
  }
  if (shown.length === 0) return '';
  const left = omitted + paths.length - shown.length;
  const more = left === 0 ? '' : ` (${left} more are not listed)`;
  return `Files${more}:\n\n${fence(shown.join('\n'))}`;
}
