import { readFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { parseRepoSettings } from '../domain/repo-settings.ts';
import { toSettingsSchema } from '../domain/settings-file.ts';
import { SETTINGS_FILE_PATH } from '../domain/settings-problem.ts';
import { stripControl } from '../lib/strip-control.ts';
import { describeSettings } from '../operator/describe-settings.ts';
import { describeExplanation } from '../operator/describe-explanation.ts';
import { createOperatorClient, OperatorError } from '../operator/operator-client.ts';
import { type CommandLine, readStandardInput } from './command-line.ts';

/** `yardmaster config …`: the settings of a repository. */
export function addConfigCommands(program: Command, cli: CommandLine): void {
  const config = program.command('config').description(`a repository’s settings, ${SETTINGS_FILE_PATH}`);

  config
    .command('check')
    .description('say what a settings file means, or what is wrong with it; needs no coordinator')
    .argument('[file]', 'the settings file; - for standard input', SETTINGS_FILE_PATH)
    .option('--json', 'for machines', false)
    .addHelpText(
      'after',
      `
Exit code 0: the file can be used. 1: it can’t, and every mistake is told with its line and key.

Examples:
  yardmaster config check
  git show main:${SETTINGS_FILE_PATH} | yardmaster config check -`,
    )
    .action(async (file: string, options: { json: boolean }) => {
      const text = file === '-' ? await readStandardInput() : await readSettings(file);
      // All of them: a terminal scrolls, and programs count.
      const reading = parseRepoSettings(text, file === '-' ? 'standard input' : file, Infinity);
      if (options.json) {
        const { settings, warnings } = reading.ok ? reading : { settings: null, warnings: [] };
        const problems = reading.ok ? [] : reading.problems;
        cli.print(
          JSON.stringify(
            { ok: reading.ok, problems, warnings, settings: settings && plain(settings) },
            null,
            2,
          ),
        );
      } else if (reading.ok) {
        for (const warning of reading.warnings) cli.complain(`warning: ${stripControl(warning)}`);
        cli.print(stripControl(describeSettings(reading.settings)));
      } else {
        cli.complain(stripControl(reading.message));
      }
      process.exitCode = reading.ok ? 0 : 1;
    });

  config
    .command('explain')
    .description('say what a label would do to an issue and why, without doing it')
    .argument('<issue>', 'such as acme/widgets#12', parseIssue)
    .option('--label <label>', 'as if this label were added (default: each label of the issue that is ours)')
    .option('--as <login>', 'as if this person added it')
    .option('--json', 'for machines', false)
    .addOption(cli.dataOption())
    .addHelpText(
      'after',
      `
Asks the coordinator on this machine, which reads settings, issue and permission from GitHub and changes nothing.
Exit code 0: work would start, at once or when a runner is free. 1: it would not.

Examples:
  yardmaster config explain acme/widgets#12
  yardmaster config explain acme/widgets#12 --label agent:backend --as alice`,
    )
    .action(
      async (
        { repository, issue }: IssueName,
        options: { label?: string; as?: string; json: boolean; data: string },
      ) => {
        const { label, as } = options;
        const explanation = await createOperatorClient(options.data).explain({
          repository,
          issue,
          label,
          as,
        });
        cli.print(options.json ? JSON.stringify(explanation, null, 2) : describeExplanation(explanation));
        const starts = explanation.labels.some(({ verdict }) => ['starts', 'waits'].includes(verdict.kind));
        process.exitCode = starts ? 0 : 1;
      },
    );

  config
    .command('propose')
    .description('open a pull request with a settings file in which everything is commented out')
    .argument('<repository>', 'such as acme/widgets', parseRepository)
    .addOption(cli.dataOption())
    .addHelpText(
      'after',
      `
Merging it changes nothing; it is there to be edited. Where it is open already, its address is told. Nothing is proposed where there is a settings file.

Example:
  yardmaster config propose acme/widgets`,
    )
    .action(async (repository: string, options: { data: string }) => {
      const { url } = await createOperatorClient(options.data).proposeSettings(repository);
      cli.print(stripControl(url));
    });

  config
    .command('schema')
    .description('print the JSON Schema of the settings file, for editors')
    .addHelpText(
      'after',
      `
Put this at the top of ${SETTINGS_FILE_PATH}, and editors with a YAML language server complete and check it:
  # yaml-language-server: $schema=./yardmaster.schema.json

Example:
  yardmaster config schema > .github/yardmaster.schema.json`,
    )
    .action(() => cli.print(JSON.stringify(toSettingsSchema(), null, 2)));
}

type IssueName = { repository: string; issue: number };

function parseRepository(text: string): string {
  if (!/^[\w.-]+\/[\w.-]+$/.test(text))
    throw new InvalidArgumentError('Write it as owner/name, such as acme/widgets.');
  return text;
}

/** `owner/name#12`, or the address of its page. */
function parseIssue(text: string): IssueName {
  const match = /^(?:https?:\/\/[^/]+\/)?([\w.-]+\/[\w.-]+)(?:#|\/issues\/)(\d{1,9})$/.exec(text);
  if (match === null || Number(match[2]) === 0)
    throw new InvalidArgumentError('Write it as owner/name#number, such as acme/widgets#12.');
  return { repository: match[1] ?? '', issue: Number(match[2]) };
}

function plain({
  labels,
  specialties,
}: {
  labels: ReadonlyMap<string, unknown>;
  specialties: ReadonlyMap<string, unknown>;
}) {
  return { labels: Object.fromEntries(labels), specialties: Object.fromEntries(specialties) };
}

async function readSettings(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new OperatorError(
      `${file} can’t be read (${code}). Name the file: yardmaster config check path/to/yardmaster.yml`,
      { cause: error },
    );
  }
}
