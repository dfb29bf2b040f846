import { Argument, type Command, InvalidArgumentError } from 'commander';
import { systemClock } from '../lib/clock.ts';
import { showControl, stripControl } from '../lib/strip-control.ts';
import { describeEvents, describeJobs, describeRunners, describeUsage } from '../operator/describe.ts';
import { createOperatorClient } from '../operator/operator-client.ts';
import type { CommandLine } from './command-line.ts';

/** What came of a change, for people. */
const RESULTS: Readonly<Record<string, string>> = {
  held: 'is on hold; “yardmaster unhold” lets it go on',
  same: 'was on hold already',
  queued: 'is in the queue again',
  not_held: 'is not on hold',
  under_way: 'has been accepted by a runner and goes on; “yardmaster cancel” stops it',
  ended: 'has ended already',
  high: 'goes before others now',
  normal: 'has its ordinary place now',
  low: 'lets others go first now',
};

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
    .command('hold')
    .description('keep a job from being given to a runner, until “unhold”')
    .argument('<id>', 'job id, or enough of its end to be the only one')
    .addOption(cli.dataOption())
    .addHelpText(
      'after',
      '\nIt keeps its place in the queue. A job that a runner has accepted goes on; cancel stops it.\n\nExample:\n  yardmaster hold d71a3f60',
    )
    .action(async (id: string, options: { data: string }) => {
      const operator = createOperatorClient(options.data);
      const jobId = await operator.findJob(id);
      tell(jobId, (await operator.holdJob(jobId)).result);
    });

  program
    .command('unhold')
    .description('let a job on hold go on')
    .argument('<id>', 'job id, or enough of its end to be the only one')
    .addOption(cli.dataOption())
    .action(async (id: string, options: { data: string }) => {
      const operator = createOperatorClient(options.data);
      const jobId = await operator.findJob(id);
      const { result } = await operator.unholdJob(jobId);
      tell(jobId, result === 'same' ? 'not_held' : result);
    });

  program
    .command('priority')
    .description('move a job before or behind others of its specialty')
    .argument('<id>', 'job id, or enough of its end to be the only one')
    .addArgument(new Argument('<priority>').choices(['high', 'normal', 'low']))
    .addOption(cli.dataOption())
    .addHelpText('after', '\nExample:\n  yardmaster priority d71a3f60 high')
    .action(async (id: string, priority: string, options: { data: string }) => {
      const operator = createOperatorClient(options.data);
      const jobId = await operator.findJob(id);
      tell(jobId, (await operator.prioritiseJob(jobId, priority)).result);
    });

  /** Fails when nothing came of it. */
  function tell(jobId: string, result: string): void {
    const isDone = !['under_way', 'ended', 'not_held'].includes(result);
    (isDone ? cli.print : cli.complain)(`${jobId} ${RESULTS[result] ?? result}`);
    if (!isDone) process.exitCode = 1;
  }

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
    .command('patch')
    .description('work of a job that was not pushed, for “git apply”')
    .argument('<id>', 'job id, or enough of its end to be the only one')
    .addOption(cli.dataOption())
    .addHelpText(
      'after',
      '\nAn agent wrote it: read it before you apply it. What may hold a secret stays on the runner.\n\nExample:\n  yardmaster patch 3f2a > work.patch',
    )
    .action(async (id: string, options: { data: string }) => {
      const operator = createOperatorClient(options.data);
      const patch = await operator.jobPatch(await operator.findJob(id));
      // To a file it goes as it is, or it would not apply.
      process.stdout.write(process.stdout.isTTY ? showControl(patch) : patch);
    });

  program
    .command('usage')
    .description('what the jobs of a month have used up, by repository and specialty')
    .option('--month <month>', 'such as 2026-11 (default: this month)', toMonth)
    .option('--repository <owner/name>', 'of this repository alone')
    .option('--json', 'for machines', false)
    .addOption(cli.dataOption())
    .addHelpText(
      'after',
      '\nMonths are of UTC; a job counts for the month in which it was asked for. Money and tokens are what the agents themselves say.' +
        ' Minutes are of runners.\n\nExamples:\n  yardmaster usage\n  yardmaster usage --month 2026-10 --repository acme/widgets --json',
    )
    .action(async (options: { month?: string; repository?: string; json: boolean; data: string }) => {
      const { month, repository } = options;
      const report = await createOperatorClient(options.data).usage({ month, repository });
      cli.print(options.json ? JSON.stringify(report, null, 2) : describeUsage(report, repository));
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

function toMonth(text: string): string {
  if (!/^\d{4}-(?:0[1-9]|1[0-2])$/.test(text))
    throw new InvalidArgumentError('It must be a month, such as 2026-11.');
  return text;
}
