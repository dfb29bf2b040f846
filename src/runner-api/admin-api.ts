import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import { JobId, RunnerId, Specialty } from '../contract/identifiers.ts';
import { JOB_STATES } from '../contract/job.ts';
import { RunnerFacts } from '../contract/runner-api.ts';
import { type Refusal, refused } from '../dispatch/answer.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import type { ExplainIssue } from '../dispatch/explain-issue.ts';
import type { ProposeSettings } from '../dispatch/propose-settings.ts';
import type { RunnerRegistry } from '../dispatch/runner-registry.ts';
import type { Logger } from '../lib/logger.ts';
import { stripControl } from '../lib/strip-control.ts';
import type { StoredAttempt } from '../store/attempts.ts';
import type { StoredJob } from '../store/stored-job.ts';
import type { Store } from '../store/store.ts';
import { deliveryApi } from './delivery-api.ts';
import { INTERNAL_ERROR, refuseMistakes, toErrorResponse } from './wire-answer.ts';

const MAX_BODY_BYTES = 64 * 1024;
/** Log read at a time, in bytes. */
const LOG_PAGE_BYTES = 256 * 1024;

const ProposalWish = z.object({ repository: z.string().regex(/^[\w.-]+\/[\w.-]+$/, 'must be owner/name') });

const TokenWish = z.object({
  specialties: z.array(Specialty).min(1).max(50).optional(),
  expiresInSeconds: z.number().positive().optional(),
});

const GitHubRunnerWish = RunnerFacts.pick({
  name: true,
  specialties: true,
  capabilities: true,
  capacity: true,
});

const JobFilter = z.object({
  state: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(JOB_STATES)))
    .default([]),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});

const PriorityWish = z.object({ priority: z.enum(['high', 'normal', 'low']) });

const FullName = z.string().regex(/^[\w.-]{1,100}\/[\w.-]{1,100}$/, 'must be owner/name');

const UsageQuestion = z.object({
  month: z
    .string()
    .regex(/^\d{4}-(?:0[1-9]|1[0-2])$/, 'must be a month, such as 2026-11')
    .optional(),
  repository: FullName.optional(),
});

const ExplainQuestion = z.object({
  repository: FullName,
  issue: z.coerce.number('must be a number').int().positive(),
  label: z.string().min(1).max(100).optional(),
  as: z
    .string()
    .regex(/^[\w-]{1,100}(?:\[bot\])?$/, 'must be a login')
    .optional(),
});

const LogPlace = z.object({ offset: z.coerce.number().int().nonnegative().default(0) });

/**
 * What an operator asks of the coordinator, as a Hono app. It checks no credential: serve it on a UNIX socket in the data folder, whose
 * file permissions say who may, and nowhere else.
 */
export function createAdminApi(deps: {
  store: Store;
  dispatcher: Dispatcher;
  registry: RunnerRegistry;
  explainIssue: ExplainIssue;
  proposeSettings: ProposeSettings;
  /** What `GET /status` answers: where the coordinator is, and which. */
  status: () => { url: string; pid: number; version: string };
  log: Logger;
}): Hono {
  const { store, dispatcher, registry, log } = deps;
  const app = new Hono();
  app.use(
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: () => toErrorResponse(refused('too_large', `A body may have ${MAX_BODY_BYTES} bytes.`)),
    }),
  );

  app.get('/status', async (context) =>
    context.json({ ...deps.status(), deliveries: await store.countDeliveries() }),
  );
  app.route('/deliveries', deliveryApi({ store }));

  app.post('/runner-tokens', async (context) => {
    const wish = TokenWish.safeParse(await readJson(context));
    if (!wish.success) return toErrorResponse(refuseMistakes(wish.error));
    const token = await registry.createEnrollToken({
      specialties: wish.data.specialties ?? null,
      expiresInSeconds: wish.data.expiresInSeconds ?? null,
    });
    return context.json(token);
  });

  app.post('/github-runners', async (context) => {
    const wish = GitHubRunnerWish.safeParse(await readJson(context));
    if (!wish.success) return toErrorResponse(refuseMistakes(wish.error));
    return context.json(await registry.enrollGitHubRunner(wish.data));
  });

  app.get('/runners', async (context) => context.json({ runners: await registry.list() }));
  app.post('/runners/:id/revoke', (context) => changeRunner(context, (id) => registry.revoke(id)));
  app.post('/runners/:id/drain', (context) => changeRunner(context, (id) => registry.drain(id)));
  app.post('/runners/:id/release', (context) => changeRunner(context, (id) => registry.release(id)));

  app.get('/usage', async (context) => {
    const question = UsageQuestion.safeParse(context.req.query());
    if (!question.success) return toErrorResponse(refuseMistakes(question.error));
    const nowMs = await store.nowMs();
    const { fromMs, toMs, name } = toMonth(question.data.month, nowMs);
    const time = { fromMs, toMs, nowMs };
    const usage = await store.spending.between(time, question.data.repository ?? null);
    return context.json({ month: name, usage });
  });

  app.get('/explain', async (context) => {
    const question = ExplainQuestion.safeParse(context.req.query());
    if (!question.success) return toErrorResponse(refuseMistakes(question.error));
    const { repository, issue: issueNumber, label = null, as: login = null } = question.data;
    const answer = await deps.explainIssue({ repository, issueNumber, label, login });
    return answer.ok ? context.json(answer.value) : toErrorResponse(answer);
  });

  app.post('/settings-proposals', async (context) => {
    const wish = ProposalWish.safeParse(await readJson(context));
    if (!wish.success) return toErrorResponse(refuseMistakes(wish.error));
    const answer = await deps.proposeSettings(wish.data.repository);
    return answer.ok ? context.json(answer.value) : toErrorResponse(answer);
  });

  app.get('/jobs', async (context) => {
    const filter = JobFilter.safeParse(context.req.query());
    if (!filter.success) return toErrorResponse(refuseMistakes(filter.error));
    const { state: states, limit } = filter.data;
    return context.json({ jobs: await store.jobs.list({ states, limit }) });
  });

  app.get('/jobs/:id', async (context) => {
    const job = await findJob(context);
    if (!job) return toErrorResponse(NO_SUCH_JOB);
    return context.json({
      job,
      attempts: (await store.attempts.ofJob(job.id)).map(withoutSecret),
      events: await store.timeline.eventsOf(job.id),
      queuePosition: await store.jobs.queuePosition(job),
    });
  });

  app.get('/jobs/:id/log', async (context) => {
    const place = LogPlace.safeParse(context.req.query());
    if (!place.success) return toErrorResponse(refuseMistakes(place.error));
    const job = await findJob(context);
    if (!job) return toErrorResponse(NO_SUCH_JOB);
    const { offset } = place.data;
    const data =
      job.attemptId === null
        ? new Uint8Array()
        : await store.timeline.readLog(job.attemptId, offset, LOG_PAGE_BYTES);
    return context.json({
      text: stripControl(new TextDecoder().decode(data)),
      nextOffset: offset + data.length,
    });
  });

  app.get('/jobs/:id/patch', async (context) => {
    const job = await findJob(context);
    if (!job) return toErrorResponse(NO_SUCH_JOB);
    const patch = await store.patches.ofJob(job.id);
    return patch === null ? toErrorResponse(NO_SUCH_PATCH) : context.json({ patch });
  });

  app.post('/jobs/:id/cancel', (context) =>
    changeJob(context, (id) => dispatcher.cancel(id, 'An operator cancelled it.')),
  );

  app.post('/jobs/:id/hold', (context) =>
    changeJob(context, (id) => dispatcher.hold(id, 'An operator put it on hold.')),
  );
  app.post('/jobs/:id/unhold', (context) =>
    changeJob(context, (id) => dispatcher.unhold(id, 'An operator let it go on.')),
  );

  app.post('/jobs/:id/priority', async (context) => {
    const wish = PriorityWish.safeParse(await readJson(context));
    if (!wish.success) return toErrorResponse(refuseMistakes(wish.error));
    const { priority } = wish.data;
    return changeJob(context, async (id) => {
      const changed = await dispatcher.prioritise(id, priority, `An operator gave it ${priority} priority.`);
      return changed === null ? null : changed ? priority : 'ended';
    });
  });

  app.notFound((context) =>
    toErrorResponse(refused('not_found', `There is no ${context.req.method} ${context.req.path}.`)),
  );
  app.onError((error, context) => {
    log.error({ err: error, path: context.req.path }, 'A call of the operator failed');
    return toErrorResponse(INTERNAL_ERROR);
  });
  return app;

  async function changeRunner(
    context: Context,
    change: (id: RunnerId) => Promise<boolean>,
  ): Promise<Response> {
    const id = RunnerId.safeParse(context.req.param('id'));
    if (id.success && (await change(id.data))) return context.json({});
    return toErrorResponse(refused('not_found', 'There is no such runner. GET /runners lists them.'));
  }

  /** `change` answers what came of it, or `null` when there is no such job. */
  async function changeJob(
    context: Context,
    change: (id: JobId) => Promise<string | null>,
  ): Promise<Response> {
    const id = JobId.safeParse(context.req.param('id'));
    const result = id.success ? await change(id.data) : null;
    return result === null ? toErrorResponse(NO_SUCH_JOB) : context.json({ result });
  }

  async function findJob(context: Context): Promise<StoredJob | null> {
    const id = JobId.safeParse(context.req.param('id'));
    return id.success ? store.jobs.get(id.data) : null;
  }
}

/** `2026-11`, or the month that holds `nowMs`; UTC. */
function toMonth(text: string | undefined, nowMs: number): { fromMs: number; toMs: number; name: string } {
  const name = text ?? new Date(nowMs).toISOString().slice(0, 7);
  const [year = 0, month = 1] = name.split('-').map(Number);
  return { fromMs: Date.UTC(year, month - 1), toMs: Date.UTC(year, month), name };
}

const NO_SUCH_JOB: Refusal = refused('not_found', 'There is no such job. GET /jobs lists them.');

const NO_SUCH_PATCH: Refusal = refused(
  'not_found',
  'This job has no patch here: its work was pushed, the patch is older than 30 days, or it stayed on the runner, as the job’s reason then says.',
);

/** `undefined` when there is no JSON, which the schemas refuse; an empty body asks for nothing special. */
async function readJson(context: Context): Promise<unknown> {
  const text = await context.req.text();
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    // Told by the schema, with the field that it misses.
    return undefined;
  }
}

/** The hash of a lease token is nobody's business. */
function withoutSecret(attempt: StoredAttempt): Omit<StoredAttempt, 'leaseTokenHash'> {
  const { leaseTokenHash: _secret, ...rest } = attempt;
  return rest;
}
