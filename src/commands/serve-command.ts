import type { Command } from 'commander';
import { explainProblems, readConfig } from '../config.ts';
import { USAGE, type CommandLine } from './command-line.ts';

/** What goes before the environment, and which variable it stands for. */
const FLAGS = [
  { option: 'host', variable: 'HOST' },
  { option: 'port', variable: 'PORT' },
  { option: 'data', variable: 'DATA_FOLDER' },
  { option: 'smee', variable: 'WEBHOOK_PROXY_URL' },
] as const;

/** `yardmaster serve`. */
export function addServeCommand(program: Command, cli: CommandLine): void {
  program
    .command('serve')
    .description('run the coordinator: webhooks, store, dispatch, runner API')
    .option('--host <address>', 'where to listen (HOST, default 127.0.0.1)')
    .option('--port <number>', 'port, 0 for any free one (PORT, default 8080)')
    .option('--data <folder>', 'where the store lives (DATA_FOLDER, default ./data)')
    .option(
      '--smee <url>',
      'development behind NAT: take webhooks from this smee channel (WEBHOOK_PROXY_URL)',
    )
    .addHelpText(
      'after',
      `
Settings come from the environment or a file .env in the current folder (.env.example lists them all).
The first SIGTERM or Ctrl+C stops in order; while runners are at work that takes up to 20 s, in which they are given leases that outlive a
restart. The second stops at once.

Examples:
  yardmaster serve
  yardmaster serve --host 0.0.0.0 --port 8080
  yardmaster serve --smee https://smee.io/your-channel`,
    )
    .action(async (options: { host?: string; port?: string; data?: string; smee?: string }) => {
      const given = FLAGS.filter(({ option }) => options[option] !== undefined);
      const read = readConfig(
        {
          ...cli.environment,
          ...Object.fromEntries(given.map(({ variable, option }) => [variable, options[option]])),
        },
        { isTTY: process.stdout.isTTY },
        Object.fromEntries(given.map(({ variable, option }) => [variable, `--${option}`])),
      );
      if (!read.ok) {
        cli.complain(explainProblems(read.problems));
        process.exit(USAGE);
      }
      process.umask(0o077); // What it writes is for nobody else on the machine.
      const { serve } = await import('../serve.ts');
      await serve(read.config, { signal: cli.stopSignal(), hurry: cli.stopSignal(2) });
      // All is closed. What was given up, such as a request that GitHub does not answer, must not keep the process.
      process.exit();
    });
}
