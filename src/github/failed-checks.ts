import type { FailedCheck } from '../contract/job.ts';
import { type GitHubCall, toPath } from './github-call.ts';
import type { GitHub } from './github.ts';

const FAILED: readonly (string | null)[] = ['failure', 'timed_out'];
const MAX_CHECKS = 5;
const MAX_ANNOTATIONS = 10;
/** The end of an output says the most. */
const MAX_OUTPUT_CHARACTERS = 6000;
const MAX_MESSAGE_CHARACTERS = 500;

/** What the failed check runs of a suite say. Logs of GitHub Actions are not read: that would take another permission. */
export function createFailedChecks({ call }: { call: GitHubCall }): Pick<GitHub, 'readFailedChecks'> {
  return {
    async readFailedChecks(target, checkSuiteId) {
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
      for (const { id, name, output } of failed.slice(0, MAX_CHECKS)) {
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
        const said = [output.title, output.summary, output.text].filter(
          (text) => text !== null && text !== '',
        );
        checks.push({
          name,
          output: said.join('\n\n').slice(-MAX_OUTPUT_CHARACTERS).toWellFormed(),
          annotations: annotations.map(({ path, start_line: line, message }) => ({
            path,
            line,
            message: (message ?? '').slice(0, MAX_MESSAGE_CHARACTERS).toWellFormed(),
          })),
        });
      }
      return checks;
    },
  };
}
