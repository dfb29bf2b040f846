import { need } from '../access/access.ts';
import { notFound } from '../http/api-error.ts';
import { param, type Route } from '../http/router.ts';
import type { Site } from '../site.ts';

/** Of GitHub Actions only the logs of jobs, which have the ids of their check runs. */
export function actionsRoutes({ access, jobLogs }: Pick<Site, 'access' | 'jobLogs'>): Route[] {
  return [
    {
      method: 'GET',
      pattern: '/repos/:owner/:repo/actions/jobs/#job/logs',
      handle(call) {
        const repository = access.repository(call, need('actions', 'read', 'read'));
        const log = repository.checkRuns.get(Number(param(call, 'job')))?.log;
        if (log == null) throw notFound();
        return { status: 302, headers: { location: jobLogs.addressOf(log) } };
      },
    },
  ];
}
