import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { styleText } from 'node:util';
import { simpleGit } from 'simple-git';
import { stringify } from 'yaml';
import type { JobState } from '../contract/job.ts';
import { isTerminal } from '../domain/job-lifecycle.ts';
import type { Clock } from '../lib/clock.ts';
import { createOperatorClient, type OperatorClient } from '../operator/operator-client.ts';
import { createGitHubStandin, type Standin } from '../standin/create-github-standin.ts';
import { startProgram, type Program } from './program.ts';
import { createTimeline } from './timeline.ts';
import { toWaysOn } from './ways-on.ts';

const OWNER = 'octavia';
const REPOSITORY = `${OWNER}/corner-shop`;

/** The two issues of the sample repository; each is about a test that really fails there. */
const ISSUES = [
  {
    specialty: 'backend',
    title: 'A 25 % discount takes only 25 cents off',
    body: 'A customer bought for 20.00 with a 25 % voucher and paid 19.75.\n\n`discountedCents(2000, 25)` should be `1500`.',
  },
  {
    specialty: 'frontend',
    title: 'The page breaks with an empty cart',
    body: 'Open the shop with an empty cart: nothing is drawn, the console says *Reduce of empty array with no initial value*.\n\nThe badge should say `empty`.',
  },
] as const;

/** A demo that takes longer than this for one of its steps has failed; a slow laptop takes its time. */
const DEADLINE_MS = { scripted: 3 * 60_000, claude: 15 * 60_000 } as const;

export type DemoOptions = {
  /** Leave everything up and print the URLs, until Ctrl+C. */
  keep: boolean;
  agent: 'scripted' | 'claude';
  /** The environment for the programs; for `claude` its key is passed on. */
  environment: Readonly<Record<string, string | undefined>>;
  print(line: string): void;
  /** Columns of the terminal. */
  width: number;
  clock: Clock;
  signal: AbortSignal;
};

/**
 * The whole path on loopback: stand-in for GitHub, coordinator and two runners as programs of their own, two labelled issues,
 * two pull requests. True when both pull requests are there. Everything it started has ended when it resolves.
 */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  const { print, clock } = options;
  const problem = missingForClaude(options);
  if (problem !== null) {
    print(problem);
    return false;
  }

  const folder = await mkdtemp(path.join(os.tmpdir(), 'yardmaster-demo-'));
  const programs: Program[] = [];
  let standin: Standin | null = null;
  try {
    print(styleText('bold', 'Yardmaster demo: from two labels to two pull requests, all on this machine'));
    for (const line of agentNote(options.agent)) print(styleText('dim', line));

    standin = await createGitHubStandin();
    const github = standin;
    github.createUser(OWNER, { name: 'Octavia' });
    await github.createRepository({
      owner: OWNER,
      name: 'corner-shop',
      fromDirectory: path.join(import.meta.dirname, 'sample'),
    });
    step(print, 'GitHub stand-in', github.url);

    const { operator, url } = await startCoordinator(github, folder, programs, options);
    github.webhooks.target(`${url}/api/github/webhooks`);
    await github.install(OWNER, { repositories: 'all' });
    step(print, 'coordinator', url);

    for (const { specialty } of ISSUES)
      await startRunner(specialty, url, operator, folder, programs, options);
    await until(options, 'both runners are online', async () => {
      const runners = await operator.runners();
      return runners.length === ISSUES.length && runners.every(({ state }) => state === 'online');
    });
    step(print, 'runners', ISSUES.map(({ specialty }) => `${specialty}-pc`).join(', '));

    const startMs = clock.nowMs();
    const timeline = createTimeline(startMs, options.width);
    print(timeline.heading('Two issues are opened and labelled'));
    for (const { specialty, title, body } of ISSUES) {
      const issue = await github.as(OWNER).openIssue({ repository: REPOSITORY, title, body });
      await github.as(OWNER).addLabel(REPOSITORY, issue.number, `agent:${specialty}`);
      print(`  #${issue.number} ${title}  ${styleText('cyan', `agent:${specialty}`)}`);
    }

    print(timeline.heading('What happens'));
    const succeeded = await followJobs(operator, timeline, options);
    await until(options, 'GitHub shows the last word', () => everyCommentIsFinal(github));

    for (const pull of github.state.pullRequests(REPOSITORY))
      await showPullRequest(github, pull.number, options);
    const seconds = ((clock.nowMs() - startMs) / 1000).toFixed(1);
    print(
      succeeded
        ? styleText('green', `\n✔ ${ISSUES.length} issues, ${ISSUES.length} pull requests in ${seconds} s`)
        : styleText('red', '\n✘ not every job ended in a pull request; see the lines above'),
    );
    if (options.keep) await keepUp(github, url, folder, options);
    return succeeded;
  } catch (error) {
    if (options.signal.aborted) return false;
    throw await withOutput(error, programs);
  } finally {
    for (const program of programs.toReversed()) await program.stop();
    await standin?.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function agentNote(agent: DemoOptions['agent']): string[] {
  return agent === 'claude'
    ? ['The agent is your own Claude Code, with your key; it costs a few cents. GitHub is a stand-in.']
    : [
        'The agent in this demo is a plain script without a model; --agent claude uses the real one.',
        'GitHub is a stand-in on loopback. All else is the real thing.',
      ];
}

function missingForClaude({ agent, environment }: DemoOptions): string | null {
  if (agent !== 'claude') return null;
  const keys = ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'CLAUDE_CODE_OAUTH_TOKEN'];
  if (keys.some((name) => environment[name])) return null;
  return `--agent claude needs one of ${keys.join(', ')} in the environment, and claude on the PATH (npm install --global @anthropic-ai/claude-code).`;
}

function step(print: DemoOptions['print'], what: string, where: string): void {
  print(`  ${styleText('green', '✔')} ${what.padEnd(16)} ${styleText('dim', where)}`);
}

async function startCoordinator(
  github: Standin,
  folder: string,
  programs: Program[],
  options: DemoOptions,
): Promise<{ operator: OperatorClient; url: string }> {
  const dataFolder = path.join(folder, 'data');
  const coordinator = startProgram('coordinator', ['serve'], folder, {
    ...plainEnvironment(options.environment),
    APP_ID: String(github.app.id),
    PRIVATE_KEY: github.app.privateKey,
    WEBHOOK_SECRET: github.app.webhookSecret,
    GITHUB_API_URL: github.url,
    DATA_FOLDER: dataFolder,
    PORT: '0',
    LOG_FORMAT: 'json',
    // The stand-in has no secondary rate limits to be careful of.
    GITHUB_WRITE_SPACING_MS: '50',
    GITHUB_COMMENT_SPACING_MS: '100',
  });
  programs.push(coordinator);

  const operator = createOperatorClient(dataFolder);
  let url = '';
  await until(options, 'the coordinator answers', async () => {
    coordinator.throwIfEnded();
    url = await operator.status().then(
      (status) => status.url,
      () => '',
    );
    return url !== '';
  });
  return { operator, url };
}

async function startRunner(
  specialty: string,
  coordinatorUrl: string,
  operator: OperatorClient,
  folder: string,
  programs: Program[],
  options: DemoOptions,
): Promise<void> {
  const root = path.join(folder, `${specialty}-pc`);
  const configFile = path.join(folder, `${specialty}-pc.yml`);
  const scripted = {
    default_agent: 'scripted',
    agents: {
      scripted: {
        kind: 'command',
        command: [process.execPath, path.join(import.meta.dirname, 'agent', 'scripted-agent.mjs')],
      },
    },
  };
  await writeFile(
    configFile,
    stringify({
      agent_id: `${specialty}-pc`,
      hostname: '127.0.0.1',
      coordinator_url: coordinatorUrl,
      specialties: [specialty],
      workspace_root: root,
      health: { port: 0 },
      ...(options.agent === 'scripted' ? scripted : {}),
    }),
  );

  const { token } = await operator.createRunnerToken({ specialties: [specialty] });
  const environment = {
    ...plainEnvironment(options.environment),
    // Nothing is left behind at home.
    XDG_STATE_HOME: path.join(folder, 'state'),
  };
  const enrolling = startProgram(
    'enrolment',
    ['runner', 'enroll', coordinatorUrl, '--token', token, '--config', configFile],
    folder,
    environment,
  );
  await enrolling.ended;
  enrolling.throwIfFailed();
  programs.push(
    startProgram(`${specialty}-pc`, ['runner', 'run', '--config', configFile], folder, environment),
  );
}

/** Prints the timeline as it happens, until every job has ended. True when all ended with a pull request. */
async function followJobs(
  operator: OperatorClient,
  timeline: ReturnType<typeof createTimeline>,
  options: DemoOptions,
): Promise<boolean> {
  const printed = new Map<string, number>();
  let succeeded = false;
  await until(options, 'both jobs have ended', async () => {
    const details = await Promise.all((await operator.jobs()).map(({ id }) => operator.job(id)));
    const entries = details.flatMap(({ job, events }) => {
      const fresh = events.slice(printed.get(job.id) ?? 0);
      printed.set(job.id, events.length);
      return fresh.map((event) => ({ ...event, issueNumber: job.issue.number, specialty: job.specialty }));
    });
    for (const entry of entries.sort((a, b) => a.atMs - b.atMs)) options.print(timeline.line(entry));

    const complete = details.length === ISSUES.length;
    succeeded = complete && details.every(({ job }) => job.pullRequest !== null);
    // A job has succeeded a moment before its pull request is open.
    return complete && details.every(({ job }) => job.pullRequest !== null || hasFailed(job.state));
  });
  return succeeded;
}

function hasFailed(state: JobState): boolean {
  return isTerminal(state) && state !== 'succeeded';
}

/** The coordinator writes to GitHub after it has decided; a moment later the comment says the same as the store. */
function everyCommentIsFinal(github: Standin): boolean {
  return github.state
    .pullRequests(REPOSITORY)
    .every((pull) =>
      github.state.checkRuns(REPOSITORY, pull.head.sha).some((run) => run.status === 'completed'),
    );
}

async function showPullRequest(github: Standin, number: number, options: DemoOptions): Promise<void> {
  const { print } = options;
  const pull = github.state.pullRequests(REPOSITORY).find((candidate) => candidate.number === number);
  if (pull === undefined) return;
  print(styleText('bold', `\n━━ Pull request #${pull.number}: ${pull.title}`));
  print(styleText('dim', pull.html_url));
  print('');
  print(pull.body ?? '');
  print(styleText('bold', '\n── Diff'));
  const diff = await simpleGit(github.state.gitFolder(REPOSITORY)).diff([pull.base.sha, pull.head.sha]);
  for (const line of diff.split('\n')) print(colourDiff(line));
}

function colourDiff(line: string): string {
  if (line.startsWith('+') && !line.startsWith('+++')) return styleText('green', line);
  if (line.startsWith('-') && !line.startsWith('---')) return styleText('red', line);
  return line.startsWith('@@') ? styleText('cyan', line) : line;
}

async function keepUp(
  github: Standin,
  coordinatorUrl: string,
  folder: string,
  { print, signal }: DemoOptions,
): Promise<void> {
  const demo = { owner: OWNER, repository: REPOSITORY, issues: ISSUES, coordinatorUrl, folder };
  for (const line of toWaysOn(github, demo)) print(line);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Polls until `condition` holds; throws after the demo's deadline, naming what it waited for. */
async function until(
  options: DemoOptions,
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = options.clock.monotonicMs() + DEADLINE_MS[options.agent];
  while (!(await condition())) {
    if (options.clock.monotonicMs() > deadline) throw new Error(`waited in vain until ${what}`);
    await options.clock.sleep(100, options.signal);
  }
}

/** What went wrong, with the last lines of every program: the demo's user has no other place to look. */
async function withOutput(error: unknown, programs: readonly Program[]): Promise<Error> {
  for (const program of programs) await program.stop();
  const tails = programs.map((program) => `── last lines of ${program.name}\n${program.tail()}`);
  return new Error([error instanceof Error ? error.message : String(error), ...tails].join('\n'), {
    cause: error,
  });
}

/** The user's environment without anything that would set up our own programs behind the demo's back. */
function plainEnvironment(environment: DemoOptions['environment']): Record<string, string> {
  const own =
    /^(?:YARDMASTER_|GITHUB_|GHE_|APP_ID$|PRIVATE_KEY|WEBHOOK_|DATA_FOLDER$|HOST$|PORT$|PUBLIC_URL$|LOG_)/;
  return Object.fromEntries(
    Object.entries(environment).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !own.test(entry[0]),
    ),
  );
}
