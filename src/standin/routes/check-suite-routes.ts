import { need } from '../access/access.ts';
import { notFound } from '../http/api-error.ts';
import { createBodyReader } from '../http/body-reader.ts';
import { pageOf } from '../http/paging.ts';
import { param, type Call, type Reply, type Route } from '../http/router.ts';
import { runsOf } from '../shapes/check-shapes.ts';
import type { Site } from '../site.ts';
import type { CheckSuite, Repository } from '../world.ts';
import { readChecks, repositoryForChecks } from './check-run-routes.ts';
import { commitOfRef } from './commit-of-ref.ts';

/** Check suites: one for each commit, of the App. */
export function checkSuiteRoutes(
  site: Pick<Site, 'app' | 'links' | 'shapes' | 'access' | 'checks' | 'objects'>,
): Route[] {
  const { app, links, shapes, access, checks, objects } = site;

  async function toShape(repository: Repository, suite: CheckSuite) {
    return shapes.checks.checkSuite(
      repository,
      suite,
      await objects.commit(repository.folder, suite.headSha),
    );
  }

  function suiteIn(repository: Repository, call: Call): CheckSuite {
    const suite = repository.checkSuites.get(Number(param(call, 'suite')));
    if (!suite) throw notFound();
    return suite;
  }

  async function list(call: Call): Promise<Reply> {
    const repository = access.repository(call, readChecks);
    const sha = await commitOfRef(objects, repository, param(call, 'ref'));
    const name = call.query.get('check_name');
    const appId = call.query.get('app_id');
    const found = [...repository.checkSuites.values()].filter(
      (suite) =>
        suite.headSha === sha &&
        (appId === null || Number(appId) === (suite.otherApp ?? app).id) &&
        (name === null || runsOf(repository, suite).some((run) => run.name === name)),
    );
    const { items, headers } = pageOf(call, links, found);
    const suites = await Promise.all(items.map((suite) => toShape(repository, suite)));
    return { status: 200, body: { total_count: found.length, check_suites: suites }, headers };
  }

  return [
    {
      method: 'POST',
      pattern: '/repos/:owner/:repo/check-suites',
      async handle(call) {
        const repository = repositoryForChecks(access, call);
        const sha = createBodyReader(call.body).requiredText('head_sha');
        await checks.checkCommit(repository, sha);
        const known = checks.findSuite(repository, sha);
        const suite = known ?? checks.createSuite(repository, sha, null, null);
        return { status: known ? 200 : 201, body: await toShape(repository, suite) };
      },
    },
    {
      method: 'GET',
      pattern: '/repos/:owner/:repo/check-suites/#suite',
      async handle(call) {
        const repository = access.repository(call, readChecks);
        return { status: 200, body: await toShape(repository, suiteIn(repository, call)) };
      },
    },
    {
      method: 'POST',
      pattern: '/repos/:owner/:repo/check-suites/#suite/rerequest',
      async handle(call) {
        const repository = repositoryForChecks(access, call);
        await checks.rerequestSuite(repository, suiteIn(repository, call), access.doer(call.actor));
        return { status: 201, body: {} };
      },
    },
    {
      method: 'PATCH',
      pattern: '/repos/:owner/:repo/check-suites/preferences',
      handle(call) {
        const repository = access.repository(call, need('checks', 'write', 'admin'));
        const settings = createBodyReader(call.body).list('auto_trigger_checks') ?? [];
        for (const setting of settings) {
          const body = createBodyReader(setting);
          if (body.integer('app_id') === app.id) {
            repository.autoTriggerChecks = body.flag('setting') ?? repository.autoTriggerChecks;
          }
        }
        return {
          status: 200,
          body: {
            preferences: { auto_trigger_checks: [{ app_id: app.id, setting: repository.autoTriggerChecks }] },
            repository: shapes.repositories.repository(repository),
          },
        };
      },
    },
    { method: 'GET', pattern: '/repos/:owner/:repo/commits/*ref/check-suites', handle: list },
  ];
}
