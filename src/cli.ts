import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { Command, InvalidArgumentError, Option } from 'commander';
import { explainProblems, readConfig } from './config.ts';
import { systemClock } from './lib/clock.ts';
import { stripControl } from './lib/strip-control.ts';
import { toError } from './lib/to-error.ts';
import { describeEvents, describeJobs, describeRunners } from './operator/describe.ts';
import { createOperatorClient, OperatorError } from './operator/operator-client.ts';
import { guessEvent, sendWebhook } from './operator/webhook-send.ts';
import { packageVersion } from './package-version.ts';

/** Exit codes: 0 done, 1 it went wrong, 2 the call was wrong. */
const USAGE = 2;

const environment = withDotEnv(process.env);
const print = (text: string): void => void process.stdout.write(`${text}\n`);
const complain = (text: string): void => void process.stderr.write(`${text}\n`);

/** Aborts at the first (or `nth`) Ctrl+C or SIGTERM; parts that stop in order listen to it. */
function stopSignal(nth = 1): AbortSignal {
  const controller = new AbortController();
  let signals = 0;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      signals += 1;
      if (signals === nth) controller.abort(new Error(name));
    });
  }
  return controller.signal;
}

const program = new Command('yardmaster')
  .description(
    'Label an issue, and a coding agent on the right machine of yours turns it into a pull request.',
  )
  .version(packageVersion())
  .showHelpAfterError('(add --help for the options)')
  .configureHelp({ showGlobalOptions: true })
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : USAGE));

program
  .command('serve')
  .description('run the coordinator: webhooks, store, dispatch, runner API')
  .option('--host <address>', 'where to listen (HOST, default 127.0.0.1)')
  .option('--port <number>', 'port, 0 for any free one (PORT, default 8080)')
  .option('--data <folder>', 'where the store lives (DATA_FOLDER, default ./data)')
  .option('--smee <url>', 'development behind NAT: take webhooks from this smee channel (WEBHOOK_PROXY_URL)')
  .addHelpText(
    'after',
    `
Settings come from the environment or a file .env in the current folder (.env.example lists them all).
The first SIGTERM or Ctrl+C stops in order; while runners are at work that takes up to 18 s, in which they are given leases that outlive a
restart. The second stops at once.

Examples:
  yardmaster serve
  yardmaster serve --host 0.0.0.0 --port 8080
  yardmaster serve --smee https://smee.io/your-channel`,
  )
  .action(async (options: { host?: string; port?: string; data?: string; smee?: string }) => {
    const read = readConfig(
      {
        ...environment,
        HOST: options.host ?? environment['HOST'],
        PORT: options.port ?? environment['PORT'],
        DATA_FOLDER: options.data ?? environment['DATA_FOLDER'],
        WEBHOOK_PROXY_URL: options.smee ?? environment['WEBHOOK_PROXY_URL'],
      },
      { isTTY: process.stdout.isTTY },
    );
    if (!read.ok) {
      complain(explainProblems(read.problems));
      process.exit(USAGE);
    }
    process.umask(0o077); // What it writes is for nobody else on the machine.
    process.umask(0o077); // What it writes is for nobody else on the machine.
    const { serve } = await import('./serve.ts');
    await serve(read.config, { signal: stopSignal(), hurry: stopSignal(2) });
  });

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
    const { runDemo } = await import('./demo/run-demo.ts');
    const succeeded = await runDemo({
      ...options,
      environment,
      print,
      width: process.stdout.columns ?? 120,
      clock: systemClock,
      signal: stopSignal(),
    });
    process.exitCode = succeeded ? 0 : 1;
  });

const webhook = program.command('webhook').description('work with webhooks');

webhook
  .command('send')
  .description('sign a payload and post it to a coordinator: injects a task as GitHub would')
  .argument('<file>', 'JSON file with the payload; - for standard input')
  .option('--event <name>', 'GitHub event, e.g. issues (default: from the file name or the payload)')
  .option('--url <url>', 'webhook address of the coordinator (default: the one that runs on --data)')
  .option('--guid <id>', 'delivery id; the same one twice is a redelivery (default: a new one)')
  .addOption(dataOption())
  .addHelpText(
    'after',
    `
The secret is taken from WEBHOOK_SECRET (environment or .env). What the coordinator makes of the payload is in its log and on the issue;
the same labelling counts once, however often it is sent.

Examples:
  yardmaster webhook send issues.labeled.json
  yardmaster webhook send payload.json --event issues --url http://127.0.0.1:8080/api/github/webhooks`,
  )
  .action(async (file: string, options: { event?: string; url?: string; guid?: string; data: string }) => {
    const secret = environment['WEBHOOK_SECRET'];
    if (!secret)
      throw new OperatorError(
        'WEBHOOK_SECRET is not set: it signs the payload. Put it in the environment or in .env.',
      );
    const body = file === '-' ? await readStandardInput() : await readPayload(file);
    const event = options.event ?? guessEvent(file, parsePayload(body, file));
    if (event === null)
      throw new OperatorError(`can’t tell which event ${file} is: name it with --event, e.g. --event issues`);
    const url =
      options.url ?? `${(await createOperatorClient(options.data).status()).url}/api/github/webhooks`;

    const answer = await sendWebhook({ url, secret, event, body, guid: options.guid, fetch });
    print(`${answer.event} ${answer.guid} → ${answer.status} ${answer.body.trim()}`);
    process.exitCode = answer.status < 300 ? 0 : 1;
  });

const runner = program.command('runner').description('set up and run a runner, and let runners in');

runner
  .command('token')
  .description('make a one-time token for “runner enroll” (on the coordinator’s machine)')
  .option('--specialty <name...>', 'let the runner have only these specialties')
  .option('--minutes <number>', 'how long the token can be used, at most 60', toMinutes, 60)
  .addOption(dataOption())
  .addHelpText('after', '\nExample:\n  yardmaster runner token --specialty backend --minutes 15')
  .action(async (options: { specialty?: string[]; minutes: number; data: string }) => {
    const operator = createOperatorClient(options.data);
    const { token, expiresAtMs } = await operator.createRunnerToken({
      specialties: options.specialty,
      expiresInSeconds: options.minutes * 60,
    });
    print(token);
    // On standard error, so that TOKEN=$(yardmaster runner token) holds the token alone.
    const { url } = await operator.status();
    complain(`Good for one runner, until ${new Date(expiresAtMs).toLocaleTimeString()}. On that machine:`);
    complain(
      `  yardmaster runner enroll ${url} --token ${token} --specialty ${options.specialty?.join(' ') ?? '<name>'}`,
    );
  });

runner
  .command('enroll')
  .description('turn a one-time token into this machine’s runner key, and write runner.yml if there is none')
  .argument('<url>', 'the coordinator, e.g. http://192.168.1.10:8080')
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
      const { enrollThisMachine } = await import('./runner/main.ts');
      const { config, specialty, workspaces, ...rest } = options;
      const wanted = {
        url,
        ...rest,
        configPath: config,
        ...(specialty === undefined ? {} : { specialties: specialty }),
        ...(workspaces === undefined ? {} : { workspaceRoot: workspaces }),
      };
      print(await enrollThisMachine(wanted, environment));
    },
  );

runner
  .command('run')
  .description('poll for work and do it, until told to stop')
  .option('--config <file>', 'the runner’s configuration', 'runner.yml')
  .addHelpText(
    'after',
    `
Signals: the first SIGTERM or Ctrl+C finishes what it has and takes nothing new, the second cancels, the third exits at once.

Examples:
  yardmaster runner run
  YARDMASTER_RUNNER_LOGGING_LEVEL=debug yardmaster runner run --config /etc/yardmaster/runner.yml`,
  )
  .action(async (options: { config: string }) => {
    process.umask(0o077); // What it writes is for nobody else on the machine.
    process.umask(0o077); // What it writes is for nobody else on the machine.
    const { runFromFile } = await import('./runner/main.ts');
    process.exitCode = await runFromFile(options.config, environment);
  });

program
  .command('jobs')
  .description('what is queued, running and done; with an id, one job with its timeline')
  .argument('[id]', 'job id, or enough of its end to be the only one')
  .option('--json', 'for machines', false)
  .addOption(dataOption())
  .addHelpText('after', '\nExamples:\n  yardmaster jobs\n  yardmaster jobs d71a3f60 --json')
  .action(async (id: string | undefined, options: { json: boolean; data: string }) => {
    const operator = createOperatorClient(options.data);
    if (id === undefined) {
      const jobs = await operator.jobs();
      print(options.json ? JSON.stringify(jobs, null, 2) : describeJobs(jobs));
      return;
    }
    const detail = await operator.job(await operator.findJob(id));
    print(options.json ? JSON.stringify(detail, null, 2) : describeEvents(detail));
  });

program
  .command('cancel')
  .description('cancel a job: its agent is ended, its check run and branch are cleaned up')
  .argument('<id>', 'job id, or enough of its end to be the only one')
  .addOption(dataOption())
  .action(async (id: string, options: { data: string }) => {
    const operator = createOperatorClient(options.data);
    const jobId = await operator.findJob(id);
    const { result } = await operator.cancelJob(jobId);
    print(
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
  .addOption(dataOption())
  .addHelpText('after', '\nExample:\n  yardmaster logs 3f2a -f')
  .action(async (id: string, options: { follow: boolean; data: string }) => {
    const operator = createOperatorClient(options.data);
    const jobId = await operator.findJob(id);
    const signal = stopSignal();
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
  .addOption(dataOption())
  .action(async (options: { json: boolean; data: string }) => {
    const runners = await createOperatorClient(options.data).runners();
    print(options.json ? JSON.stringify(runners, null, 2) : describeRunners(runners, systemClock.nowMs()));
  });

try {
  await program.parseAsync();
} catch (error) {
  complain(`yardmaster: ${toError(error).message}`);
  if (environment['LOG_LEVEL'] === 'debug') complain(toError(error).stack ?? '');
  process.exitCode = 1;
}

function dataOption(): Option {
  return new Option('--data <folder>', 'the coordinator’s data folder (DATA_FOLDER)').default(
    environment['DATA_FOLDER'] || './data',
    'DATA_FOLDER or ./data',
  );
}

function toMinutes(text: string): number {
  const minutes = Number(text);
  if (!(minutes > 0 && minutes <= 60)) throw new InvalidArgumentError('It must be between 1 and 60.');
  return minutes;
}

function parsePayload(body: string, file: string): object {
  try {
    const payload: unknown = JSON.parse(body);
    if (typeof payload === 'object' && payload !== null) return payload;
  } catch {
    // Told below, with the file's name.
  }
  throw new OperatorError(`${file} is not a JSON object: a webhook payload is one.`);
}

async function readPayload(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new OperatorError(
      `${file} can’t be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`,
      {
        cause: error,
      },
    );
  }
}

async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
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
