import type { Command } from 'commander';
import { systemClock } from '../lib/clock.ts';
import { stripControl } from '../lib/strip-control.ts';
import { describeEvents, describeJobs, describeRunners } from '../operator/describe.ts';
import { createOperatorClient } from '../operator/operator-client.ts';
import type { CommandLine } from './command-line.ts';

/** What an operator asks of a coordinator on the same machine: jobs, their logs, the fleet. */
export function addJobCommands(program: Command, cli: CommandLine): void {
  program
    .command('jobs')
    .description('what is queued, running and done; with an id, one job with its timeline')
    .argument('[id]', 'job id, or enough of its end to be the only one')
    .option('--json', 'for machines', false)
    .addOption(cli.dataOption())
    .addHelpText('after', '\nExamples:\n  yardmaster jobs\n  yardmaster jobs d71a3f60 --json')
    .action(async (id: string | undefined, options: { json: boolean; data: string }) => {
      const operator = createOperatorClient(options.data);
      if (id === undefined) {
        const jobs = await operator.jobs();
        cli.print(options.json ? JSON.stringify(jobs, null, 2) : describeJobs(jobs));
        return;
      }
      const detail = await operator.job(await operator.findJob(id));
      cli.print(options.json ? JSON.stringify(detail, null, 2) : describeEvents(detail));
    });

  program
    .command('cancel')
    .description('cancel a job: its agent is ended, its check run and branch are cleaned up')
    .argument('<id>', 'job id, or enough of its end to be the only one')
    .addOption(cli.dataOption())
    .action(async (id: string, options: { data: string }) => {
      const operator = createOperatorClient(options.data);
      const jobId = await operator.findJob(id);
      const { result } = await operator.cancelJob(jobId);
      cli.print(
        result === 'ended'
          ? `${jobId} has ended already; there is nothing to cancel`
          : `${jobId} is being cancelled`,
      );
    });

  program
    .command('logs')
    .description('the log of a job’s newest attempt')
    .argument('<id>', 'job id, or enough of its end to be the only one')
    .option('-f, --follow', 'go on until the job has ended', false)
    .addOption(cli.dataOption())
    .addHelpText('after', '\nExample:\n  yardmaster logs 3f2a -f')
    .action(async (id: string, options: { follow: boolean; data: string }) => {
      const operator = createOperatorClient(options.data);
      const jobId = await operator.findJob(id);
      const signal = cli.stopSignal();
      for await (const text of operator.followLog(jobId, {
        follow: options.follow,
        clock: systemClock,
        signal,
      })) {
        // A compromised runner may have written anything into its log.
        process.stdout.write(stripControl(text));
      }
    });

  program
    .command('runners')
    .description('the fleet: who is there, with which specialties, and how busy')
    .option('--json', 'for machines', false)
    .addOption(cli.dataOption())
    .action(async (options: { json: boolean; data: string }) => {
      const runners = await createOperatorClient(options.data).runners();
      cli.print(
        options.json ? JSON.stringify(runners, null, 2) : describeRunners(runners, systemClock.nowMs()),
      );
    });
}
