import type { Doer } from '../access/actor.ts';
import { zeroSha, type Objects } from '../git/objects.ts';
import { validationFailed } from '../http/api-error.ts';
import { latestRuns, runsOf } from '../shapes/check-shapes.ts';
import type { Shapes } from '../shapes/shapes.ts';
import type { Events } from '../webhooks/events.ts';
import type { CheckRun, CheckSuite, OtherApp, Repository, World } from '../world.ts';

/** What a request sets on a check run; `undefined` leaves a field as it is. */
export type CheckRunFields = {
  name?: string | undefined;
  externalId?: string | undefined;
  detailsUrl?: string | undefined;
  status?: CheckRun['status'] | undefined;
  conclusion?: CheckRun['conclusion'] | undefined;
  startedAtMs?: number | undefined;
  completedAtMs?: number | undefined;
  output?: CheckRun['output'] | undefined;
  annotations?: CheckRun['annotations'] | undefined;
  actions?: CheckRun['actions'] | undefined;
};

/** Check runs and suites of the App: one suite for each commit, made by a push or by the first run. */
export function createCheckActions(deps: {
  world: World;
  clock: { nowMs(): number };
  objects: Objects;
  shapes: Shapes;
  events: Events;
}) {
  const { world, clock, objects, shapes, events } = deps;
  const knownCommits = new Set<string>();

  /** Throws 422 unless the commit is in the repository. */
  async function checkCommit(repository: Repository, sha: string): Promise<void> {
    const key = `${repository.id}:${sha}`;
    if (knownCommits.has(key)) return;
    if (!/^[0-9a-f]{40}$/.test(sha) || (await objects.resolve(repository.folder, sha)) === null) {
      throw validationFailed({
        resource: 'CheckRun',
        field: 'head_sha',
        code: 'custom',
        message: `No commit found for SHA: ${sha}`,
      });
    }
    knownCommits.add(key);
  }

  function findSuite(repository: Repository, sha: string): CheckSuite | undefined {
    return repository.checkSuites.values().find((suite) => suite.headSha === sha && suite.otherApp === null);
  }

  function createSuite(
    repository: Repository,
    sha: string,
    headBranch: string | null,
    before: string | null,
    otherApp: OtherApp | null = null,
  ): CheckSuite {
    const now = clock.nowMs();
    const suite: CheckSuite = {
      id: world.newId('checkSuite'),
      otherApp,
      headSha: sha,
      headBranch,
      before: before === zeroSha ? null : before,
      isAskedAgain: false,
      createdAtMs: now,
      updatedAtMs: now,
    };
    repository.checkSuites.set(suite.id, suite);
    return suite;
  }

  /** What a push does for the App: an empty queued suite, and a request to fill it. */
  async function requestSuite(
    repository: Repository,
    branch: string,
    before: string,
    sha: string,
    by: Doer,
  ): Promise<void> {
    if (!repository.autoTriggerChecks || findSuite(repository, sha)) return;
    await announceSuite(repository, createSuite(repository, sha, branch, before), 'requested', by);
  }

  async function announceSuite(
    repository: Repository,
    suite: CheckSuite,
    action: string,
    by: Doer,
  ): Promise<void> {
    const headCommit = await objects.commit(repository.folder, suite.headSha);
    events.inRepository(repository, 'check_suite', action, by.account, {
      check_suite: shapes.checks.webhookCheckSuite(repository, suite, headCommit),
    });
  }

  async function createRun(
    repository: Repository,
    by: Doer,
    headSha: string,
    name: string,
    fields: CheckRunFields,
    suite?: CheckSuite,
    log: string | null = null,
  ): Promise<CheckRun> {
    await checkCommit(repository, headSha);
    const run: CheckRun = {
      id: world.newId('checkRun'),
      suite: suite ?? findSuite(repository, headSha) ?? createSuite(repository, headSha, null, null),
      headSha,
      name,
      externalId: null,
      detailsUrl: null,
      status: 'queued',
      conclusion: null,
      startedAtMs: clock.nowMs(),
      completedAtMs: null,
      output: { title: null, summary: null, text: null },
      annotations: [],
      actions: [],
      log,
    };
    apply(run, fields);
    repository.checkRuns.set(run.id, run);
    announceRun(repository, run, 'created', by);
    if (run.status === 'completed') await announceCompletion(repository, run, by);
    return run;
  }

  async function updateRun(
    repository: Repository,
    run: CheckRun,
    by: Doer,
    fields: CheckRunFields,
  ): Promise<void> {
    const wasCompleted = run.status === 'completed';
    apply(run, fields);
    if (run.status === 'completed' && !wasCompleted) await announceCompletion(repository, run, by);
  }

  /** A conclusion completes a run by itself; annotations add up over the requests. */
  function apply(run: CheckRun, fields: CheckRunFields): void {
    const { annotations = [], ...rest } = fields;
    const given = Object.entries(rest).filter(([, value]) => value !== undefined);
    Object.assign(run, Object.fromEntries(given));
    run.annotations.push(...annotations);
    if (fields.conclusion !== undefined) run.status = 'completed';
    if (run.status === 'completed') {
      run.completedAtMs ??= clock.nowMs();
    } else {
      run.conclusion = null;
      run.completedAtMs = null;
    }
    run.suite.isAskedAgain = false;
    run.suite.updatedAtMs = clock.nowMs();
  }

  /** The run stays as it is; its suite counts as queued until the App updates or adds a run. */
  function rerequestRun(repository: Repository, run: CheckRun, by: Doer): void {
    run.suite.isAskedAgain = true;
    announceRun(repository, run, 'rerequested', by);
  }

  async function rerequestSuite(repository: Repository, suite: CheckSuite, by: Doer): Promise<void> {
    suite.isAskedAgain = true;
    await announceSuite(repository, suite, 'rerequested', by);
  }

  async function announceCompletion(repository: Repository, run: CheckRun, by: Doer): Promise<void> {
    announceRun(repository, run, 'completed', by);
    const runs = latestRuns(runsOf(repository, run.suite));
    if (runs.every((one) => one.status === 'completed')) {
      await announceSuite(repository, run.suite, 'completed', by);
    }
  }

  function announceRun(
    repository: Repository,
    run: CheckRun,
    action: string,
    by: Doer,
    extra: Record<string, unknown> = {},
  ): void {
    events.inRepository(repository, 'check_run', action, by.account, {
      check_run: shapes.checks.webhookCheckRun(repository, run),
      ...extra,
    });
  }

  return {
    checkCommit,
    findSuite,
    createSuite,
    requestSuite,
    announceSuite,
    createRun,
    updateRun,
    announceRun,
    rerequestRun,
    rerequestSuite,
  };
}

export type CheckActions = ReturnType<typeof createCheckActions>;
