import { type Command, Option } from 'commander';
import { systemClock } from '../lib/clock.ts';
import type { CommandLine } from './command-line.ts';

/** `yardmaster demo`. */
export function addDemoCommand(program: Command, cli: CommandLine): void {
  program
    .command('demo')
    .description('the whole path on this machine: two labelled issues, two runners, two pull requests')
    .option('--keep', 'leave everything up and print the URLs', false)
    .addOption(
      new Option('--agent <agent>', 'who does the work').choices(['scripted', 'claude']).default('scripted'),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  yardmaster demo\n  yardmaster demo --keep\n  ANTHROPIC_API_KEY=… yardmaster demo --agent claude',
    )
    .action(async (options: { keep: boolean; agent: 'scripted' | 'claude' }) => {
      const { runDemo } = await import('../demo/run-demo.ts');
      const succeeded = await runDemo({
        ...options,
        environment: cli.environment,
        print: cli.print,
        // A terminal that was given no size says 0.
        width: process.stdout.columns || 120,
        clock: systemClock,
        signal: cli.stopSignal(),
      });
      process.exitCode = succeeded ? 0 : 1;
    });
}
