import { toActions } from '../domain/check-run-buttons.ts';
import type { Annotation, CheckRunContent } from '../domain/check-run-content.ts';
import type { RepositoryTarget } from '../domain/trigger.ts';
import type { Logger } from '../lib/logger.ts';
import { findOrCreate, isKind } from './find-or-create.ts';
import { type GitHubCall, ONCE, toPath } from './github-call.ts';
import type { GitHub } from './github.ts';

/** What GitHub takes at the most. */
const MAX_SUMMARY_CHARACTERS = 65_535;
const MAX_TITLE_CHARACTERS = 255;
const MAX_ANNOTATIONS = 50;

/** A check run, and how many annotations it has. */
type Found = { id: number; url: string; annotations: number };
type Wanted = Parameters<GitHub['ensureCheckRun']>[1];

/** GitHub keeps any number of check runs with the same name and `external_id`: nothing but looking prevents a second one. */
export function createCheckRuns(deps: {
  call: GitHubCall;
  identity: GitHub['identity'];
  log: Logger;
}): Pick<GitHub, 'ensureCheckRun' | 'updateCheckRun' | 'setExternalId' | 'readCheckRun'> {
  const { call, identity, log } = deps;

  return {
    async ensureCheckRun(target, wanted) {
      const { id, url, annotations } = await findOrCreate({
        mayExist: wanted.mayExist,
        find: () => find(target, wanted),
        create: () => create(target, wanted),
      });
      await annotate(target, id, wanted.content, annotations);
      return { id, url };
    },
    async updateCheckRun(target, checkRunId, content) {
      const { data } = await call(target.installationId, (octokit) =>
        octokit.rest.checks.update({ ...toPath(target), check_run_id: checkRunId, ...toFields(content) }),
      );
      await annotate(target, checkRunId, content, data.output.annotations_count);
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

  /**
   * Adds the annotations that are missing. GitHub appends whatever it is sent, so those behind the ones that are there already are sent,
   * and each request once only: what a lost answer leaves open, the next call finds out.
   */
  async function annotate(
    target: RepositoryTarget,
    checkRunId: number,
    content: CheckRunContent,
    present: number,
  ): Promise<void> {
    const missing = content.annotations?.slice(present) ?? [];
    for (let at = 0; at < missing.length; at += MAX_ANNOTATIONS) {
      const output = {
        ...toOutput(content),
        annotations: missing.slice(at, at + MAX_ANNOTATIONS).map(toGitHubAnnotation),
      };
      try {
        await call(target.installationId, (octokit) =>
          octokit.rest.checks.update({ ...toPath(target), ...ONCE, check_run_id: checkRunId, output }),
        );
      } catch (error) {
        if (!isKind(error, 'invalid')) throw error;
        // The check run itself is there, and says the same.
        log.warn({ err: error, checkRunId }, 'GitHub did not take the annotations of a check run');
        return;
      }
    }
  }

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
    return toFound(target, data);
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
    return found === undefined ? null : toFound(target, found);
  }
}

function toFields(content: CheckRunContent) {
  const { status, conclusion, buttons } = content;
  return {
    status,
    ...(conclusion !== undefined && { conclusion }),
    output: toOutput(content),
    ...(buttons !== undefined && { actions: toActions(buttons) }),
  };
}

function toOutput({ title, summary, text }: CheckRunContent) {
  return {
    title: title.slice(0, MAX_TITLE_CHARACTERS),
    summary: summary.slice(0, MAX_SUMMARY_CHARACTERS),
    // Never cut: what is in there may be signed.
    ...(text !== undefined && { text }),
  };
}

function toGitHubAnnotation({ path, startLine, endLine, level, title, message }: Annotation) {
  return {
    path,
    start_line: startLine,
    end_line: endLine,
    annotation_level: level,
    message,
    ...(title !== '' && { title }),
  };
}

function toFound(
  { repository }: RepositoryTarget,
  run: { id: number; html_url: string | null; output: { annotations_count: number } },
): Found {
  return {
    id: run.id,
    url: run.html_url ?? `${repository.htmlUrl}/runs/${run.id}`,
    annotations: run.output.annotations_count,
  };
}
