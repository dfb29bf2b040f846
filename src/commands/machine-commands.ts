import type { Command } from 'commander';
import { systemClock } from '../lib/clock.ts';
import { stripControl } from '../lib/strip-control.ts';
import { type AttemptLog, listAttemptLogs, readLog } from '../runner/attempt-logs.ts';
import type { RunnerConfig } from '../runner/config.ts';
import { type ControlClient, ControlError, createControlClient } from '../runner/control/control-client.ts';
import { describeJobs, describeStatus, toShortId } from '../runner/control/describe-status.ts';
import { isFit } from '../runner/doctor/check.ts';
import { describeChecks } from '../runner/doctor/describe-checks.ts';
import type { CommandLine } from './command-line.ts';
import { configOption, readConfig, readRoot } from './runner-config-option.ts';
import { addServiceCommands } from './service-commands.ts';
import { addWorkspaceCommands } from './workspace-commands.ts';

/** `yardmaster runner …`: what somebody at the runner's own machine asks of it. */
export function addMachineCommands(runner: Command, cli: CommandLine): void {
  runner
    .command('status')
    .description('what the runner on this machine is, whether it takes work, and what it works on')
    .option('--json', 'for machines', false)
    .addOption(configOption())
    .addHelpText(
      'after',
      '\nExit code 0: it runs (also when it takes no work). 1: it does not, or can’t be asked.\n\nExamples:\n  yardmaster runner status\n  yardmaster runner status --json --config /etc/yardmaster/runner.yml',
    )
    .action(async (options: { json: boolean; config: string }) => {
      const status = await (await connect(options.config)).status();
      cli.print(options.json ? toJson(status) : describeStatus(status, systemClock.nowMs()));
    });

  runner
    .command('jobs')
    .description('what is under way on this machine, and what has ended since the runner was started')
    .option('--json', 'for machines', false)
    .addOption(configOption())
    .addHelpText('after', '\nExample:\n  yardmaster runner jobs')
    .action(async (options: { json: boolean; config: string }) => {
      const status = await (await connect(options.config)).status();
      const { attempts, ended, unreported } = status;
      cli.print(
        options.json ? toJson({ attempts, ended, unreported }) : describeJobs(status, systemClock.nowMs()),
      );
    });

  runner
    .command('doctor')
    .description('look at all that the runner needs on this machine, with the fix for what is missing')
    .option('--json', 'for machines', false)
    .option('--github-url <url>', 'the REST root of a GitHub of your own (default: the public one)')
    .addOption(configOption())
    .addHelpText(
      'after',
      `
It looks at: settings, user, disk, key, coordinator, GitHub, clock, daemon, sandbox, the toolchains of the configured
specialties (inside the sandbox, where jobs find them), and the agents with their accounts. It changes nothing.
Run it as the user that the runner runs as, with the same environment.

Exit code 0: nothing that is required failed. 1: something did.

Examples:
  yardmaster runner doctor
  yardmaster runner doctor --json | jq '.checks[] | select(.result == "failed")'`,
    )
    .action(async (options: { json: boolean; githubUrl?: string; config: string }) => {
      const { examineThisMachine } = await import('../runner/main.ts');
      const { config, githubUrl = null } = options;
      const checks = await examineThisMachine(config, { githubUrl }, cli.environment);
      const ok = isFit(checks);
      cli.print(options.json ? toJson({ ok, checks }) : describeChecks(checks));
      process.exitCode = ok ? 0 : 1;
    });

  runner
    .command('pause')
    .description('take nothing new until “resume”; what is under way goes on, and the runner stays connected')
    .option('--reason <text>', 'for whoever looks at “status” later')
    .addOption(configOption())
    .addHelpText(
      'after',
      '\nA pause outlives the runner and the machine: after a restart it is still paused.\n\nExample:\n  yardmaster runner pause --reason "new disk"',
    )
    .action(async (options: { reason?: string; config: string }) => {
      const client = await connect(options.config);
      await client.pause(options.reason ?? null);
      const { attempts } = await client.status();
      cli.print(
        `Paused: it takes nothing new. ${attempts.length === 0 ? 'Nothing is under way.' : `${attempts.length} under way will be finished.`} “yardmaster runner resume” ends the pause.`,
      );
    });

  runner
    .command('resume')
    .description('end a pause: take work again')
    .addOption(configOption())
    .action(async (options: { config: string }) => {
      const { changed } = await (await connect(options.config)).resume();
      cli.print(changed ? 'Resumed: it takes work again.' : 'It was not paused.');
    });

  runner
    .command('drain')
    .description('finish what is under way, take nothing new, and end the runner')
    .option('--wait', 'until it has ended', false)
    .addOption(configOption())
    .addHelpText(
      'after',
      '\nThe same as the first SIGTERM. To keep the runner and only take no work, use “pause”.\n\nExamples:\n  yardmaster runner drain\n  yardmaster runner drain --wait && sudo reboot',
    )
    .action(async (options: { wait: boolean; config: string }) => {
      const client = await connect(options.config);
      const { attempts } = await client.status();
      const { changed } = await client.drain();
      const rest = attempts.length === 0 ? 'nothing is under way' : `${attempts.length} under way`;
      cli.print(changed ? `Draining: ${rest}; then it ends.` : `It is draining already: ${rest}.`);
      if (!options.wait) return;
      const signal = cli.stopSignal();
      while (await isThere(client)) {
        signal.throwIfAborted();
        // An abort ends the wait early, and is looked at next.
        await systemClock.sleep(500, signal).catch(() => undefined);
      }
      cli.print('It has ended.');
    });

  runner
    .command('logs')
    .description('the log of an attempt on this machine, under way or one of the last twenty')
    .argument('[attempt]', 'enough of the end of its id to be the only one (default: the newest)')
    .option('-f, --follow', 'go on until the attempt is over', false)
    .option('--list', 'which logs there are', false)
    .addOption(configOption())
    .addHelpText(
      'after',
      '\nThese are read from the disk, also when neither runner nor coordinator is there.\n\nExamples:\n  yardmaster runner logs -f\n  yardmaster runner logs 8d2c41f0',
    )
    .action(
      async (attempt: string | undefined, options: { follow: boolean; list: boolean; config: string }) => {
        const logs = await listAttemptLogs(await readRoot(options.config, cli.environment));
        if (options.list) {
          cli.print(logs.length === 0 ? NO_LOGS : logs.map(describeLog).join('\n'));
          return;
        }
        const log = chooseLog(logs, attempt);
        const signal = cli.stopSignal();
        const pieces = readLog(log, { follow: options.follow, clock: systemClock, signal });
        // An agent may have written anything.
        for await (const text of pieces) process.stdout.write(stripControl(text));
      },
    );

  runner
    .command('rotate-key')
    .description('take a new runner key; the old one is of no use afterwards')
    .addOption(configOption())
    .addHelpText(
      'after',
      '\nThe runner may run meanwhile, and goes on. The old key stays good until the new one is written and has been used.\n\nExample:\n  yardmaster runner rotate-key',
    )
    .action(async (options: { config: string }) => {
      const config = await readConfig(options.config, cli.environment);
      const { isConfirmed } = await rotateKey(config);
      cli.print(
        isConfirmed
          ? `${config.keyFile} holds a new key; the old one is of no use any more.`
          : `${config.keyFile} holds a new key. The old one is good until this runner connects next: the coordinator could not be told.`,
      );
    });

  addWorkspaceCommands(runner, cli);
  addServiceCommands(runner, cli);

  async function connect(file: string): Promise<ControlClient> {
    return createControlClient(await readRoot(file, cli.environment));
  }
}

/** By the runner where it runs, since it has the key in its memory, too. */
async function rotateKey(config: RunnerConfig): Promise<{ isConfirmed: boolean }> {
  try {
    return await createControlClient(config.workspaceRoot).rotateKey();
  } catch (error) {
    if (!(error instanceof ControlError && error.isAway)) throw error;
  }
  const { rotateKeyAlone } = await import('../runner/main.ts');
  return await rotateKeyAlone(config);
}

const NO_LOGS = 'There is no log on this machine yet.';

async function isThere(client: ControlClient): Promise<boolean> {
  try {
    await client.status();
    return true;
  } catch (error) {
    if (error instanceof ControlError && error.isAway) return false;
    throw error;
  }
}

/** The one that `part` ends (or is); the newest without it. */
function chooseLog(logs: readonly AttemptLog[], part: string | undefined): AttemptLog {
  const found =
    part === undefined ? logs.slice(0, 1) : logs.filter(({ attemptId }) => attemptId.endsWith(part));
  const [log] = found;
  if (log !== undefined && found.length === 1) return log;
  if (part === undefined) throw new ControlError(NO_LOGS);
  throw new ControlError(
    found.length === 0
      ? `no attempt’s id ends in “${part}” here; “yardmaster runner logs --list” tells which logs there are`
      : `${found.length} attempts’ ids end in “${part}”; give more of it`,
  );
}

function describeLog({ attemptId, isUnderWay, changedMs }: AttemptLog): string {
  return `${toShortId(attemptId)}  ${new Date(changedMs).toISOString().slice(0, 19)}Z  ${isUnderWay ? 'under way' : 'ended'}`;
}

function toJson(value: unknown): string {
  return JSON.stringify(value, null, 2);
}
