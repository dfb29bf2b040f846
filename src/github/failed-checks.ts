import type { FailedCheck } from '../contract/revision.ts';
import { cutFailingLog } from '../domain/cut-failing-log.ts';
import type { createActionsLogs } from './actions-log.ts';
import type { RepositoryTarget } from '../domain/trigger.ts';
import { isKind } from './find-or-create.ts';
import { type GitHubCall, toPath } from './github-call.ts';
import type { FailedChecks, GitHub } from './github.ts';

const FAILED: readonly (string | null)[] = ['failure', 'timed_out'];
const MAX_CHECKS = 5;
/** Of a commit; each is two requests or more. */
const MAX_SUITES = 3;
const MAX_ANNOTATIONS = 10;
/** The end of an output says the most. */
const MAX_OUTPUT_CHARACTERS = 6000;
/** Beside a log, which says more. */
const MAX_OUTPUT_BESIDE_LOG = 1500;
const MAX_LOG_CHARACTERS = 6000;
/** Whose check runs are jobs, and have the ids of those. */
const ACTIONS = 'github-actions';
const MAX_MESSAGE_CHARACTERS = 500;

/**
 * What failed checks say: the check runs of a suite, of those of GitHub Actions the part of the log that failed, where the App may read that;
 * of a commit its statuses, too.
 */
export function createFailedChecks({
  call,
  readActionsLog,
}: { call: GitHubCall } & ReturnType<typeof createActionsLogs>): Pick<
  GitHub,
  'readFailedChecks' | 'readFailedOfCommit'
> {
  return { readFailedChecks, readFailedOfCommit };

  async function readFailedOfCommit(
    target: RepositoryTarget,
    commit: string,
    ownAppId: number,
  ): Promise<FailedChecks> {
    const { data } = await call(target.installationId, (octokit) =>
      octokit.rest.checks.listSuitesForRef({ ...toPath(target), ref: commit, per_page: 100 }),
    );
    const failed = data.check_suites.filter(
      ({ conclusion, app }) => FAILED.includes(conclusion) && app?.id !== ownAppId,
    );
    const found: FailedChecks = { checks: await readFailedStatuses(target, commit), withoutLog: null };
    for (const { id } of failed.slice(0, MAX_SUITES)) {
      const { checks, withoutLog } = await readFailedChecks(target, id);
      found.checks.push(...checks);
      found.withoutLog ??= withoutLog;
    }
    return { ...found, checks: found.checks.slice(0, MAX_CHECKS) };
  }

  /** The newest of each context. On a private repository, reading them takes a permission that the App need not have. */
  async function readFailedStatuses(target: RepositoryTarget, commit: string): Promise<FailedCheck[]> {
    try {
      const { data } = await call(target.installationId, (octokit) =>
        octokit.rest.repos.getCombinedStatusForRef({ ...toPath(target), ref: commit, per_page: 100 }),
      );
      return data.statuses
        .filter(({ state }) => state === 'failure' || state === 'error')
        .slice(0, MAX_CHECKS)
        .map(({ context, description, target_url: url }) => ({
          name: context,
          output: [description, url]
            .filter((part) => part != null)
            .join('\n')
            .slice(0, MAX_OUTPUT_BESIDE_LOG)
            .toWellFormed(),
          annotations: [],
        }));
    } catch (error) {
      if (!isKind(error, 'forbidden')) throw error;
      return [];
    }
  }

  async function readFailedChecks(target: RepositoryTarget, checkSuiteId: number): Promise<FailedChecks> {
    const { data } = await call(target.installationId, (octokit) =>
      octokit.rest.checks.listForSuite({
        ...toPath(target),
        check_suite_id: checkSuiteId,
        filter: 'latest',
        status: 'completed',
        per_page: 100,
      }),
    );
    const failed = data.check_runs.filter(({ conclusion }) => FAILED.includes(conclusion));
    const checks: FailedCheck[] = [];
    let withoutLog: string | null = null;
    for (const { id, name, output, app } of failed.slice(0, MAX_CHECKS)) {
      const { data: annotations } =
        output.annotations_count === 0
          ? { data: [] }
          : await call(target.installationId, (octokit) =>
              octokit.rest.checks.listAnnotations({
                ...toPath(target),
                check_run_id: id,
                per_page: MAX_ANNOTATIONS,
              }),
            );
      const said = [output.title, output.summary, output.text].filter((text) => text !== null && text !== '');
      const log = app?.slug === ACTIONS ? await readActionsLog(target, id) : null;
      if (log?.kind === 'none') withoutLog ??= log.reason;
      checks.push({
        name,
        output: joinOutput(said.join('\n\n'), log?.kind === 'log' ? log.tail : null),
        annotations: annotations.map(({ path, start_line: line, message }) => ({
          path,
          line,
          message: (message ?? '').slice(0, MAX_MESSAGE_CHARACTERS).toWellFormed(),
        })),
      });
    }
    return { checks, withoutLog };
  }
}

function joinOutput(said: string, log: string | null): string {
  const failing = log === null ? '' : cutFailingLog(log, MAX_LOG_CHARACTERS);
  const most = failing === '' ? MAX_OUTPUT_CHARACTERS : MAX_OUTPUT_BESIDE_LOG;
  const output = said.slice(-most).toWellFormed();
  return [output, failing].filter((part) => part !== '').join('\n\n');
}
