import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { Command } from 'commander';
import { addConfigCommands } from './commands/config-commands.ts';
import { createCommandLine, USAGE } from './commands/command-line.ts';
import { addDeliveryCommands } from './commands/delivery-commands.ts';
import { addDemoCommand } from './commands/demo-command.ts';
import { addJobCommands } from './commands/job-commands.ts';
import { addRecoverCommand } from './commands/recover-command.ts';
import { addRunnerCommands } from './commands/runner-commands.ts';
import { addServeCommand } from './commands/serve-command.ts';
import { addWebhookCommands } from './commands/webhook-commands.ts';
import { toError } from './lib/to-error.ts';
import { packageVersion } from './package-version.ts';

const cli = createCommandLine(withDotEnv(process.env));

const program = new Command('yardmaster')
  .description(
    'Label an issue, and a coding agent on the right machine of yours turns it into a pull request.',
  )
  .version(packageVersion())
  .showHelpAfterError('(add --help for the options)')
  .configureHelp({ showGlobalOptions: true })
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : USAGE));

addServeCommand(program, cli);
addRecoverCommand(program, cli);
addDemoCommand(program, cli);
addWebhookCommands(program, cli);
addDeliveryCommands(program, cli);
addRunnerCommands(program, cli);
addJobCommands(program, cli);
addConfigCommands(program, cli);

try {
  await program.parseAsync();
} catch (error) {
  cli.complain(`yardmaster: ${toError(error).message}`);
  if (cli.environment['LOG_LEVEL'] === 'debug') cli.complain(toError(error).stack ?? '');
  process.exitCode = 1;
}

/** `.env` of the current folder below the real environment: what is set there wins. */
function withDotEnv(real: NodeJS.ProcessEnv): Readonly<Record<string, string | undefined>> {
  try {
    return { ...parseEnv(readFileSync(path.resolve('.env'), 'utf8')), ...real };
  } catch {
    // No .env, the usual case in production.
    return real;
  }
}
