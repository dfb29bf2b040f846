import type { Command } from 'commander';
import { explainProblems, readConfig } from '../config.ts';
import type { recoverStore } from '../recover-store.ts';
import { toSafeJson } from '../lib/to-safe-json.ts';
import { describeRecovery } from '../operator/describe-recovery.ts';
import { USAGE, type CommandLine } from './command-line.ts';

/** `yardmaster recover`. */
export function addRecoverCommand(program: Command, cli: CommandLine): void {
  program
    .command('recover')
    .description('after the store was lost: rebuild the jobs that were under way from GitHub alone')
    .option('--dry-run', 'only say what would be done', false)
    .option('--force', 'also into a store that has jobs: they stay, missing ones are added', false)
    .option('--json', 'the plan for machines', false)
    .option('--data <folder>', 'where the store lives (DATA_FOLDER, default ./data)')
    .addHelpText(
      'after',
      `
Stop the coordinator first, all of them where several share a database: beside one that runs this refuses, and none starts meanwhile.
Use its settings (environment or .env): the marks in its comments are signed with a key that comes from
WEBHOOK_SECRET. A job is begun again as a new attempt on its old branch; one whose pull request is there is linked to it. Safe to
repeat with --force.

Examples:
  yardmaster recover --dry-run
  yardmaster recover && yardmaster serve`,
    )
    .action(async (options: { dryRun: boolean; force: boolean; json: boolean; data?: string }) => {
      const read = readConfig(
        { ...cli.environment, DATA_FOLDER: options.data ?? cli.environment['DATA_FOLDER'] },
        { isTTY: process.stdout.isTTY },
      );
      if (!read.ok) {
        cli.complain(explainProblems(read.problems));
        process.exit(USAGE);
      }
      process.umask(0o077); // What it writes is for nobody else on the machine.
      const recovery = await import('../recover-store.ts');
      const plan = await recovery.recoverStore(read.config, options);
      cli.print(options.json ? toSafeJson(toRows(plan)) : describeRecovery(plan, options.dryRun));
    });
}

type Plan = Awaited<ReturnType<typeof recoverStore>>;

function toRows({ jobs, strays, notBelieved }: Plan) {
  const nameOf = ({ repository }: Plan['repositories'][number]) => `${repository.owner}/${repository.name}`;
  return {
    jobs: jobs.map(({ kind, reason, facts, issue, target }) => ({
      what: kind,
      reason,
      job: facts.id,
      repository: nameOf(target),
      issue: issue?.number ?? null,
      branch: facts.branch,
    })),
    strays: strays.map(({ target, branch }) => ({ repository: nameOf(target), branch })),
    notBelieved: notBelieved.map(({ target, issueNumber }) => ({
      repository: nameOf(target),
      issue: issueNumber,
    })),
  };
}
