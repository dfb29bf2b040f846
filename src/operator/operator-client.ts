import path from 'node:path';
import { z } from 'zod';
import { JOB_STATES } from '../contract/job.ts';
import { WireError } from '../contract/wire-error.ts';
import { Explanation } from '../domain/explanation.ts';
import { isTerminal } from '../domain/job-lifecycle.ts';
import type { Clock } from '../lib/clock.ts';
import { requestSocket, type SocketAnswer } from '../lib/request-socket.ts';

/** The operator's socket of a coordinator, in its data folder. Whoever may open it may use it. */
export function operatorSocket(dataFolder: string): string {
  return path.join(dataFolder, 'admin.sock');
}

/** Why the coordinator on this machine could not be asked, or what it answered instead; the message says what to do. */
export class OperatorError extends Error {
  override readonly name = 'OperatorError';
}

const JobSummary = z.object({
  id: z.string(),
  state: z.enum(JOB_STATES),
  stateReason: z.string().nullable(),
  specialty: z.string(),
  outcome: z.string().nullable(),
  requestedBy: z.string(),
  repository: z.object({ owner: z.string(), name: z.string() }),
  issue: z.object({ number: z.number(), title: z.string() }),
  pullRequest: z.object({ number: z.number(), url: z.string() }).nullable(),
  createdAtMs: z.number(),
});
export type JobSummary = z.infer<typeof JobSummary>;

const JobDetail = z.object({
  job: JobSummary,
  attempts: z.array(
    z.object({
      id: z.string(),
      number: z.number(),
      runner: z.object({ name: z.string() }).nullable(),
      phase: z.string().nullable(),
      outcome: z.string().nullable(),
      checkRun: z.object({ url: z.string() }).nullable(),
    }),
  ),
  events: z.array(z.object({ atMs: z.number(), kind: z.string(), text: z.string() })),
});
export type JobDetail = z.infer<typeof JobDetail>;

const RunnerSummary = z.object({
  id: z.string(),
  name: z.string(),
  hostname: z.string(),
  state: z.string(),
  specialties: z.array(z.string()),
  capabilities: z.array(z.string()),
  active: z.number(),
  capacity: z.number(),
  version: z.string(),
  quarantinedUntilMs: z.number().nullable(),
  quarantineReason: z.string().nullable(),
  lastSeenAtMs: z.number(),
});
export type RunnerSummary = z.infer<typeof RunnerSummary>;

const DeliverySummary = z.object({
  guid: z.string(),
  event: z.string(),
  action: z.string().nullable(),
  repository: z.string().nullable(),
  orderKey: z.string(),
  state: z.enum(['ready', 'running', 'done', 'dead']),
  attempts: z.number(),
  error: z.string().nullable(),
  receivedAtMs: z.number(),
  runAtMs: z.number(),
  finishedAtMs: z.number().nullable(),
});
export type DeliverySummary = z.infer<typeof DeliverySummary>;

const DeliveryDetail = DeliverySummary.extend({
  headers: z.record(z.string(), z.string()),
  payload: z.unknown(),
});
export type DeliveryDetail = z.infer<typeof DeliveryDetail>;

const DeliveryCounts = z.object({
  ready: z.number(),
  running: z.number(),
  done: z.number(),
  dead: z.number(),
});

const Status = z.object({
  url: z.string(),
  pid: z.number(),
  version: z.string(),
  /** How many webhooks are in which state. */
  deliveries: DeliveryCounts,
});

const UsageReport = z.object({
  month: z.string(),
  usage: z.array(
    z.object({
      repository: z.string(),
      specialty: z.string(),
      jobs: z.number(),
      pullRequests: z.number(),
      costUsd: z.number().nullable(),
      minutes: z.number(),
      inputTokens: z.number(),
      outputTokens: z.number(),
    }),
  ),
});
export type UsageReport = z.infer<typeof UsageReport>;

const EnrollToken = z.object({ token: z.string(), expiresAtMs: z.number() });

export type OperatorClient = ReturnType<typeof createOperatorClient>;

/**
 * Speaks to the coordinator whose data folder is given, over its UNIX socket.
 * Every call throws `OperatorError` when no coordinator runs there or it refuses.
 */
export function createOperatorClient(dataFolder: string) {
  const socketPath = operatorSocket(dataFolder);

  async function call<T extends z.ZodType>(
    method: 'GET' | 'POST',
    route: string,
    schema: T,
    body?: unknown,
  ): Promise<z.output<T>> {
    const answer = await request(socketPath, method, route, body);
    if (answer.status >= 400) throw new OperatorError(toMessage(answer));
    return schema.parse(JSON.parse(answer.text));
  }

  /** The full id of the job that `part` ends (or is); throws when there is none or more than one. */
  async function findJob(part: string): Promise<string> {
    const found = (await jobs()).filter(({ id }) => id === part || id.endsWith(part));
    if (found.length === 1 && found[0] !== undefined) return found[0].id;
    throw new OperatorError(
      found.length === 0
        ? `no job’s id ends in “${part}”; “yardmaster jobs” lists them`
        : `${found.length} jobs’ ids end in “${part}”; give more of it`,
    );
  }

  async function jobs(): Promise<JobSummary[]> {
    return (await call('GET', '/jobs', z.object({ jobs: z.array(JobSummary) }))).jobs;
  }

  /** The newest attempt's log from `offset` (bytes) on. */
  function jobLog(id: string, offset: number) {
    const schema = z.object({ text: z.string(), nextOffset: z.number() });
    return call('GET', `/jobs/${encodeURIComponent(id)}/log?offset=${offset}`, schema);
  }

  /** What came of it, in a word. */
  function changeJob(id: string, how: string, wish?: unknown): Promise<{ result: string }> {
    return call('POST', `/jobs/${encodeURIComponent(id)}/${how}`, z.object({ result: z.string() }), wish);
  }

  const job = (id: string): Promise<JobDetail> => call('GET', `/jobs/${encodeURIComponent(id)}`, JobDetail);

  /** The log so far; with `follow`, piece by piece until the job has ended or the signal aborts. */
  async function* followLog(
    id: string,
    options: { follow: boolean; clock: Clock; signal: AbortSignal },
  ): AsyncGenerator<string> {
    let offset = 0;
    for (;;) {
      // The state is read before the log, so that the last piece can't be missed.
      const ended = isTerminal((await job(id)).job.state);
      let piece = await jobLog(id, offset);
      while (piece.text !== '') {
        yield piece.text;
        offset = piece.nextOffset;
        piece = await jobLog(id, offset);
      }
      if (!options.follow || ended || options.signal.aborted) return;
      // An abort ends the wait early; the loop then ends by itself.
      await options.clock.sleep(500, options.signal).catch(() => undefined);
    }
  }

  return {
    status: () => call('GET', '/status', Status),
    createRunnerToken: (wanted: {
      specialties?: string[] | undefined;
      expiresInSeconds?: number | undefined;
    }) => call('POST', '/runner-tokens', EnrollToken, wanted),
    /** Lets in a runner that only reaches GitHub; the answer is the `runner_id` for its runner.yml. */
    enrollGitHubRunner: (wanted: {
      name: string;
      specialties: string[];
      capabilities: string[];
      capacity: number;
    }) => call('POST', '/github-runners', z.object({ runnerId: z.string() }), wanted),
    runners: async () =>
      (await call('GET', '/runners', z.object({ runners: z.array(RunnerSummary) }))).runners,
    /** Ends the quarantine of a runner, by its name or id. */
    async releaseRunner(nameOrId: string): Promise<void> {
      const { runners } = await call('GET', '/runners', z.object({ runners: z.array(RunnerSummary) }));
      const found = runners.filter(({ id, name }) => id === nameOrId || name === nameOrId);
      const [runner] = found;
      if (runner === undefined || found.length > 1) {
        throw new OperatorError(
          runner === undefined
            ? `there is no runner “${nameOrId}”; “yardmaster runners” lists them`
            : `${found.length} runners are called “${nameOrId}”; name the id (“yardmaster runners --json”)`,
        );
      }
      await call('POST', `/runners/${runner.id}/release`, z.object({}));
    },
    /** `month`: such as `2026-11`; the current one when left out. `repository`: `owner/name`; all when left out. */
    usage: (question: { month?: string | undefined; repository?: string | undefined }) => {
      const query = new URLSearchParams();
      if (question.month !== undefined) query.set('month', question.month);
      if (question.repository !== undefined) query.set('repository', question.repository);
      return call('GET', `/usage?${query.toString()}`, UsageReport);
    },
    /** What would happen to an issue and why; nothing is changed. `label` and `as` are left out or given. */
    explain: (question: {
      repository: string;
      issue: number;
      label?: string | undefined;
      as?: string | undefined;
    }) => {
      const query = new URLSearchParams({ repository: question.repository, issue: String(question.issue) });
      if (question.label !== undefined) query.set('label', question.label);
      if (question.as !== undefined) query.set('as', question.as);
      return call('GET', `/explain?${query.toString()}`, Explanation);
    },
    /** Opens a pull request with a commented settings file, or finds it. */
    proposeSettings: (repository: string) =>
      call('POST', '/settings-proposals', z.object({ url: z.string() }), { repository }),
    jobs,
    job,
    findJob,
    followLog,
    /** Work of the job that was not pushed, as `git apply` takes it: hostile text. */
    jobPatch: async (id: string) =>
      (await call('GET', `/jobs/${encodeURIComponent(id)}/patch`, z.object({ patch: z.string() }))).patch,
    cancelJob: (id: string) => changeJob(id, 'cancel'),
    holdJob: (id: string) => changeJob(id, 'hold'),
    unholdJob: (id: string) => changeJob(id, 'unhold'),
    deliveries: (wanted: { states: readonly string[]; event: string | null; limit: number }) => {
      const query = new URLSearchParams({ limit: String(wanted.limit) });
      if (wanted.states.length > 0) query.set('state', wanted.states.join(','));
      if (wanted.event !== null) query.set('event', wanted.event);
      const schema = z.object({ deliveries: z.array(DeliverySummary), counts: DeliveryCounts });
      return call('GET', `/deliveries?${query.toString()}`, schema);
    },
    /** `id`: the GUID, or enough of its beginning. */
    delivery: (id: string) => call('GET', `/deliveries/${encodeURIComponent(id)}`, DeliveryDetail),
    replayDelivery: (id: string) =>
      call(
        'POST',
        `/deliveries/${encodeURIComponent(id)}/replay`,
        z.object({ guid: z.string(), result: z.enum(['ready', 'running']) }),
      ),
    replayDeadLetters: () => call('POST', '/deliveries/replay-dead', z.object({ replayed: z.number() })),
    prioritiseJob: (id: string, priority: string) => changeJob(id, 'priority', { priority }),
  };
}

async function request(
  socketPath: string,
  method: string,
  route: string,
  body: unknown,
): Promise<SocketAnswer> {
  try {
    return await requestSocket(socketPath, { method, path: route, body, timeoutMs: 10_000 });
  } catch (error) {
    throw explainConnection(error as NodeJS.ErrnoException, socketPath);
  }
}

function explainConnection(error: NodeJS.ErrnoException, socketPath: string): Error {
  if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') {
    return new OperatorError(
      `no coordinator runs on the data folder ${path.dirname(socketPath)}. Start one with “yardmaster serve”, or name its folder with --data.`,
      { cause: error },
    );
  }
  if (error.code === 'EACCES') {
    return new OperatorError(
      `you may not open ${socketPath}: run this as the user that the coordinator runs as.`,
      {
        cause: error,
      },
    );
  }
  if (error.code === 'ETIMEDOUT') {
    return new OperatorError('the coordinator did not answer within 10 s', { cause: error });
  }
  return error;
}

function toMessage(answer: SocketAnswer): string {
  try {
    return WireError.parse(JSON.parse(answer.text)).error.message;
  } catch {
    return `the coordinator answered ${answer.status}: ${answer.text.slice(0, 300)}`;
  }
}
