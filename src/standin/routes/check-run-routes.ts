import { need, type Access } from '../access/access.ts';
import { ApiError, notFound } from '../http/api-error.ts';
import { createBodyReader } from '../http/body-reader.ts';
import { pageOf } from '../http/paging.ts';
import { param, type Call, type Reply, type Route } from '../http/router.ts';
import { latestRuns } from '../shapes/check-shapes.ts';
import type { Site } from '../site.ts';
import type { CheckRun, Repository } from '../world.ts';
import { checkCompletion, readCheckRunFields } from './check-run-fields.ts';
import { commitOfRef } from './commit-of-ref.ts';

/** Check runs: made and changed by the App only, read by everyone who may see the repository. */
export function checkRunRoutes(
  site: Pick<Site, 'app' | 'links' | 'shapes' | 'access' | 'checks' | 'objects'>,
): Route[] {
  const { app, links, shapes, access, checks, objects } = site;

  function runOf(call: Call, level: 'read' | 'write'): { repository: Repository; run: CheckRun } {
    const repository =
      level === 'write' ? repositoryForChecks(access, call) : access.repository(call, readChecks);
    const run = repository.checkRuns.get(Number(param(call, 'run')));
    if (!run) throw notFound();
    return { repository, run };
  }

  function answer(repository: Repository, run: CheckRun, status = 200): Reply {
    return { status, body: shapes.checks.checkRun(repository, run) };
  }

  function list(call: Call, repository: Repository, runs: readonly CheckRun[]): Reply {
    const name = call.query.get('check_name');
    const status = call.query.get('status');
    const appId = call.query.get('app_id');
    const isLatest = (call.query.get('filter') ?? 'latest') === 'latest';
    const found = (isLatest ? latestRuns(runs) : runs.toSorted((a, b) => b.id - a.id)).filter(
      (run) =>
        (name === null || run.name === name) &&
        (status === null || run.status === status) &&
        (appId === null || Number(appId) === (run.suite.otherApp ?? app).id),
    );
    const { items, headers } = pageOf(call, links, found);
    return {
      status: 200,
      body: {
        total_count: found.length,
        check_runs: items.map((run) => shapes.checks.checkRun(repository, run)),
      },
      headers,
    };
  }

  const one = '/repos/:owner/:repo/check-runs/#run';
  return [
    {
      method: 'POST',
      pattern: '/repos/:owner/:repo/check-runs',
      async handle(call) {
        const repository = repositoryForChecks(access, call);
        const body = createBodyReader(call.body);
        const name = body.requiredText('name');
        const headSha = body.requiredText('head_sha');
        const fields = readCheckRunFields(body, 'create');
        const run = await checks.createRun(repository, access.doer(call.actor), headSha, name, fields);
        return answer(repository, run, 201);
      },
    },
    {
      method: 'GET',
      pattern: one,
      handle(call) {
        const { repository, run } = runOf(call, 'read');
        return answer(repository, run);
      },
    },
    {
      method: 'PATCH',
      pattern: one,
      async handle(call) {
        const { repository, run } = runOf(call, 'write');
        if (run.suite.otherApp !== null) {
          throw new ApiError(
            403,
            'Invalid app_id. The check run can only be modified by the GitHub App that created it.',
          );
        }
        const fields = readCheckRunFields(createBodyReader(call.body), 'update');
        checkCompletion(run, fields);
        await checks.updateRun(repository, run, access.doer(call.actor), fields);
        return answer(repository, run);
      },
    },
    {
      method: 'GET',
      pattern: `${one}/annotations`,
      handle(call) {
        const { repository, run } = runOf(call, 'read');
        const { items, headers } = pageOf(call, links, run.annotations);
        return {
          status: 200,
          body: items.map((item) => shapes.checks.annotation(repository, run, item)),
          headers,
        };
      },
    },
    {
      method: 'POST',
      pattern: `${one}/rerequest`,
      handle(call) {
        const { repository, run } = runOf(call, 'write');
        checks.rerequestRun(repository, run, access.doer(call.actor));
        return { status: 201, body: {} };
      },
    },
    {
      method: 'GET',
      pattern: '/repos/:owner/:repo/commits/*ref/check-runs',
      async handle(call) {
        const repository = access.repository(call, readChecks);
        const sha = await commitOfRef(objects, repository, param(call, 'ref'));
        const runs = [...repository.checkRuns.values()].filter((run) => run.headSha === sha);
        return list(call, repository, runs);
      },
    },
    {
      method: 'GET',
      pattern: '/repos/:owner/:repo/check-suites/#suite/check-runs',
      handle(call) {
        const repository = access.repository(call, readChecks);
        const suite = repository.checkSuites.get(Number(param(call, 'suite')));
        if (!suite) throw notFound();
        return list(
          call,
          repository,
          [...repository.checkRuns.values()].filter((run) => run.suite === suite),
        );
      },
    },
  ];
}

export const readChecks = need('checks', 'read', 'read');

/** The repository, for an App that may write checks there: people cannot, whatever their role. */
export function repositoryForChecks(access: Access, call: Call): Repository {
  const repository = access.visibleRepository(call);
  if (call.actor.kind === 'user') {
    throw new ApiError(403, 'You must authenticate via a GitHub App.');
  }
  access.check(call.actor, repository, need('checks', 'write', 'admin'));
  return repository;
}
