import type { CheckRunContent } from '../domain/check-run-content.ts';
import type { RepositoryTarget } from '../domain/trigger.ts';
import { findOrCreate } from './find-or-create.ts';
import { type GitHubCall, ONCE, toPath } from './github-call.ts';
import type { GitHub } from './github.ts';

/** What GitHub takes at the most. */
const MAX_SUMMARY_CHARACTERS = 65_535;
const MAX_TITLE_CHARACTERS = 255;

type Wanted = Parameters<GitHub['ensureCheckRun']>[1];

/** GitHub keeps any number of check runs with the same name and `external_id`: nothing but looking prevents a second one. */
export function createCheckRuns(deps: {
  call: GitHubCall;
  identity: GitHub['identity'];
}): Pick<GitHub, 'ensureCheckRun' | 'updateCheckRun' | 'setExternalId' | 'readCheckRun'> {
  const { call, identity } = deps;

  return {
    ensureCheckRun: (target, wanted) =>
      findOrCreate({
        mayExist: wanted.mayExist,
        find: () => find(target, wanted),
        create: () => create(target, wanted),
      }),
    async updateCheckRun(target, checkRunId, content) {
      await call(target.installationId, (octokit) =>
        octokit.rest.checks.update({ ...toPath(target), check_run_id: checkRunId, ...toFields(content) }),
      );
    },
    async setExternalId(target, checkRunId, externalId) {
      await call(target.installationId, (octokit) =>
        octokit.rest.checks.update({
          ...toPath(target),
          check_run_id: checkRunId,
          external_id: externalId,
        }),
      );
    },
    readCheckRun: (target, checkRunId, etag) => read(target, checkRunId, etag),
  };

  async function read(target: RepositoryTarget, checkRunId: number, etag: string | null) {
    const answer = await call(target.installationId, async (octokit) => {
      try {
        return await octokit.rest.checks.get({
          ...toPath(target),
          check_run_id: checkRunId,
          ...(etag !== null && { headers: { 'if-none-match': etag } }),
        });
      } catch (error) {
        // Octokit takes "not modified" for a failure.
        if (error instanceof Error && 'status' in error && error.status === 304) return null;
        throw error;
      }
    });
    if (answer === null) return null;
    const { data, headers } = answer;
    return {
      etag: headers.etag ?? null,
      appId: data.app?.id ?? null,
      externalId: data.external_id,
      status: data.status,
      text: data.output.text ?? '',
    };
  }

  async function create(target: RepositoryTarget, wanted: Wanted) {
    const { data } = await call(target.installationId, (octokit) =>
      octokit.rest.checks.create({
        ...toPath(target),
        ...ONCE,
        name: wanted.name,
        head_sha: wanted.headCommit,
        external_id: wanted.externalId,
        ...toFields(wanted.content),
      }),
    );
    return toResult(target, data);
  }

  async function find(target: RepositoryTarget, wanted: Wanted) {
    const { appId } = await identity();
    const { data } = await call(target.installationId, (octokit) =>
      octokit.rest.checks.listForRef({
        ...toPath(target),
        ref: wanted.headCommit,
        check_name: wanted.name,
        filter: 'all',
        app_id: appId,
        per_page: 100,
      }),
    );
    // One that has ended can't begin again, whoever ended it.
    const mayHaveEnded = wanted.content.status === 'completed';
    const found = data.check_runs.find(
      (run) => run.external_id === wanted.externalId && (mayHaveEnded || run.status !== 'completed'),
    );
    return found === undefined ? null : toResult(target, found);
  }
}

function toFields({ status, conclusion, title, summary, text }: CheckRunContent) {
  return {
    status,
    ...(conclusion !== undefined && { conclusion }),
    output: {
      title: title.slice(0, MAX_TITLE_CHARACTERS),
      summary: summary.slice(0, MAX_SUMMARY_CHARACTERS),
      // Never cut: what is in there may be signed.
      ...(text !== undefined && { text }),
    },
  };
}

function toResult({ repository }: RepositoryTarget, run: { id: number; html_url: string | null }) {
  return { id: run.id, url: run.html_url ?? `${repository.htmlUrl}/runs/${run.id}` };
}
