import { existsSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { formatTime } from '../domain/figures-text.ts';
import { createOperatorClient, OperatorError } from '../operator/operator-client.ts';
import type { CommandLine } from './command-line.ts';
import { toCoordinatorUrl } from './coordinator-url.ts';
import { addMachineCommands } from './machine-commands.ts';

/** `yardmaster runner …`. */
export function addRunnerCommands(program: Command, cli: CommandLine): void {
  const runner = program.command('runner').description('set up and run a runner, and let runners in');

  runner
    .command('token')
    .description('make a one-time token for “runner enroll” (on the coordinator’s machine)')
    .option('--specialty <name...>', 'let the runner have only these specialties')
    .option('--minutes <number>', 'how long the token can be used, at most 60', toMinutes, 60)
    .addOption(cli.dataOption())
    .addHelpText('after', '\nExample:\n  yardmaster runner token --specialty backend --minutes 15')
    .action(async (options: { specialty?: string[]; minutes: number; data: string }) => {
      const operator = createOperatorClient(options.data);
      const { token, expiresAtMs } = await operator.createRunnerToken({
        specialties: options.specialty,
        expiresInSeconds: options.minutes * 60,
      });
      cli.print(token);
      // On standard error, so that TOKEN=$(yardmaster runner token) holds the token alone.
      const { url } = await operator.status();
      cli.complain(`Good for one runner, until ${formatTime(expiresAtMs)}. On that machine:`);
      cli.complain(
        `  yardmaster runner enroll ${url} --token ${token} --specialty ${options.specialty?.join(' ') ?? '<name>'}`,
      );
    });

  runner
    .command('release')
    .description('end the quarantine of a runner that failed (on the coordinator’s machine)')
    .argument('<name>', 'the runner’s name or id')
    .addOption(cli.dataOption())
    .addHelpText(
      'after',
      '\nA runner that fails one attempt after the other at once gets no offers for 10 s, doubling to 1 h; one success ends that, too.\n\nExample:\n  yardmaster runner release backend-1',
    )
    .action(async (name: string, options: { data: string }) => {
      await createOperatorClient(options.data).releaseRunner(name);
      cli.print(`${name} is offered work again`);
    });

  runner
    .command('enroll')
    .description(
      'turn a one-time token into this machine’s runner key, and write runner.yml if there is none',
    )
    .argument('<url>', 'the coordinator, e.g. http://192.168.1.10:8080', toCoordinatorUrl)
    .requiredOption('--token <token>', 'from “yardmaster runner token”')
    .option('--config <file>', 'the runner’s configuration', 'runner.yml')
    .option('--name <name>', 'how people see this runner (default: the machine’s name)')
    .option('--specialty <name...>', 'what it can be given (needed when there is no configuration yet)')
    .option('--workspaces <folder>', 'where it works (default: ./workspaces beside the configuration)')
    .addHelpText(
      'after',
      '\nExample:\n  yardmaster runner enroll http://192.168.1.10:8080 --token ymt_… --name backend-1 --specialty backend python',
    )
    .action(
      async (
        url: string,
        options: { token: string; config: string; name?: string; specialty?: string[]; workspaces?: string },
      ) => {
        if (options.specialty === undefined && !existsSync(options.config)) {
          throw new OperatorError(
            `--specialty is needed, since there is no ${options.config} yet: what this machine is for, e.g. --specialty backend python`,
          );
        }
        const { enrollThisMachine } = await import('../runner/main.ts');
        const { config, specialty, workspaces, ...rest } = options;
        const wanted = {
          url,
          ...rest,
          configPath: config,
          ...(specialty === undefined ? {} : { specialties: specialty }),
          ...(workspaces === undefined ? {} : { workspaceRoot: workspaces }),
        };
        cli.print(await enrollThisMachine(wanted, cli.environment));
      },
    );

  runner
    .command('enroll-github')
    .description('let in a runner that reaches GitHub but not the coordinator (on the coordinator’s machine)')
    .argument('<name>', 'how people see this runner')
    .requiredOption('--specialty <name...>', 'what it can be given')
    .option('--agent <name...>', 'agents that can run there', ['claude'])
    .option('--capability <name...>', 'what else the machine has, e.g. python docker node:22', [])
    .option('--slots <number>', 'attempts at once, until the runner itself says how many', toSlots, 2)
    .addOption(cli.dataOption())
    .addHelpText(
      'after',
      `
Such a runner needs the App’s own private key: it is for machines that you trust with everything the App may do.
docs/github-only.md says what it costs and when it is worth it.

Example:
  yardmaster runner enroll-github backend-9 --specialty backend --capability python node:22`,
    )
    .action(
      async (
        name: string,
        options: {
          specialty: string[];
          agent: string[];
          capability: string[];
          slots: number;
          data: string;
        },
      ) => {
        const { specialty: specialties, agent, capability, slots: capacity } = options;
        const capabilities = [...capability, ...agent.map((one) => `agent:${one}`)];
        const operator = createOperatorClient(options.data);
        const wanted = { name, specialties, capabilities, capacity };
        const { runnerId } = await operator.enrollGitHubRunner(wanted);
        cli.complain(
          'Put this in runner.yml on that machine, copy the App’s private key there, and start “yardmaster runner run”:',
        );
        cli.print(
          [
            `agent_id: ${JSON.stringify(name)}`,
            `specialties: ${JSON.stringify(specialties)}`,
            'workspace_root: ./workspaces',
            'transport: github',
            'github_app:',
            `  runner_id: ${runnerId}`,
            `  app_id: ${cli.environment['APP_ID'] ?? '0 # the number on the App’s settings page'}`,
            '  private_key_path: ./app.pem # for this user alone: chmod 600',
          ].join('\n'),
        );
      },
    );

  runner
    .command('context')
    .description('print what this machine’s agent would be told about an issue, and run nothing')
    .argument('<issue>', 'OWNER/REPOSITORY#NUMBER', toIssue)
    .option('--specialty <name>', 'for which work (default: by the issue’s labels, or the runner’s only one)')
    .option('--checkout <folder>', 'look at this clone of the repository, instead of cloning it')
    .option('--config <file>', 'the runner’s configuration', 'runner.yml')
    .addHelpText(
      'after',
      `
The prompt goes to standard output, what is to be said about it to standard error. The coordinator answers for repositories that it knows and
specialties of this runner, and gives no token: a private repository is cloned with the credentials in runner.yml, or named by --checkout.

Examples:
  yardmaster runner context acme/widgets#42
  yardmaster runner context acme/widgets#42 --specialty backend --checkout ~/src/widgets > prompt.md`,
    )
    .action(async (issue: Issue, options: { specialty?: string; checkout?: string; config: string }) => {
      const { previewFromFile } = await import('../runner/main.ts');
      const wish = {
        ...issue,
        specialty: options.specialty ?? null,
        checkout: options.checkout ?? null,
      };
      const signal = cli.stopSignal();
      const { text, notes } = await previewFromFile(options.config, cli.environment, wish, signal);
      for (const note of notes) cli.complain(note);
      cli.print(text.trimEnd());
    });

  runner
    .command('run')
    .description('poll for work and do it, until told to stop')
    .option('--config <file>', 'the runner’s configuration', 'runner.yml')
    .option('--once', 'take one job, and leave when it is over', false)
    .option('--idle-seconds <number>', 'with --once: leave when no job has come for so long', toSeconds)
    .addHelpText(
      'after',
      `
Exit codes with --once: 0 a pull request, 10 no pull request, 11 cancelled, 12 lost to another runner, 13 no job came.

Signals: the first SIGTERM or Ctrl+C finishes what it has and takes nothing new, the second cancels, the third exits at once.

Examples:
  yardmaster runner run
  yardmaster runner run --once --idle-seconds 300
  YARDMASTER_RUNNER_LOGGING_LEVEL=debug yardmaster runner run --config /etc/yardmaster/runner.yml`,
    )
    .action(async (options: { config: string; once: boolean; idleSeconds?: number }) => {
      const { idleSeconds } = options;
      if (idleSeconds !== undefined && !options.once) throw new OperatorError('--idle-seconds needs --once');
      process.umask(0o077); // What it writes is for nobody else on the machine.
      const { runFromFile } = await import('../runner/main.ts');
      const once = { idleMs: idleSeconds === undefined ? null : idleSeconds * 1000 };
      process.exitCode = await runFromFile(options.config, cli.environment, options.once ? once : undefined);
    });

  addMachineCommands(runner, cli);
}

type Issue = { repository: string; issueNumber: number };

function toIssue(text: string): Issue {
  const [, repository, number] = /^([\w.-]{1,100}\/[\w.-]{1,100})#(\d{1,9})$/.exec(text) ?? [];
  if (repository === undefined || Number(number) < 1)
    throw new InvalidArgumentError('It must be OWNER/REPOSITORY#NUMBER, such as acme/widgets#42.');
  return { repository, issueNumber: Number(number) };
}

function toMinutes(text: string): number {
  const minutes = Number(text);
  if (!(minutes > 0 && minutes <= 60)) throw new InvalidArgumentError('It must be between 1 and 60.');
  return minutes;
}

function toSlots(text: string): number {
  const slots = Number(text);
  if (!Number.isInteger(slots) || slots < 1 || slots > 100) {
    throw new InvalidArgumentError('It must be a whole number from 1 to 100.');
  }
  return slots;
}

function toSeconds(text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= 86_400)) throw new InvalidArgumentError('It must be between 1 and 86400.');
  return seconds;
}
