import type { Commit } from '../git/objects.ts';
import type { CheckConclusion, CheckRun, CheckSuite, Issue, Repository } from '../world.ts';
import type { AccountShapes } from './account-shapes.ts';
import type { CommitShapes } from './commit-shapes.ts';
import { isoTime, isoTimeOrNull, nodeId } from './links.ts';
import type { RepositoryShapes } from './repository-shapes.ts';

/** JSON of check runs and suites. */
export function createCheckShapes(deps: {
  accounts: AccountShapes;
  repositories: RepositoryShapes;
  commits: CommitShapes;
}) {
  const { accounts, repositories, commits } = deps;

  /** Open pull requests whose head is this commit. */
  function pullsOf(repository: Repository, headSha: string) {
    const repo = { id: repository.id, url: repositories.apiUrl(repository), name: repository.name };
    return [...repository.issues.values()]
      .filter((issue) => issue.state === 'open' && issue.pull?.headSha === headSha)
      .map((issue) => minimalPull(issue, repo));
  }

  function minimalPull(issue: Issue, repo: { id: number; url: string; name: string }) {
    return {
      url: `${repo.url}/pulls/${issue.number}`,
      id: issue.pull?.id ?? issue.id,
      number: issue.number,
      head: { ref: issue.pull?.head ?? '', sha: issue.pull?.headSha ?? '', repo },
      base: { ref: issue.pull?.base ?? '', sha: issue.pull?.baseSha ?? '', repo },
    };
  }

  function appOf({ otherApp }: CheckSuite) {
    return { ...accounts.integration(), ...otherApp };
  }

  function checkRun(repository: Repository, one: CheckRun) {
    const url = `${repositories.apiUrl(repository)}/check-runs/${one.id}`;
    const page = `${repositories.webUrl(repository)}/runs/${one.id}`;
    return {
      id: one.id,
      name: one.name,
      node_id: nodeId('CR', one.id),
      head_sha: one.headSha,
      external_id: one.externalId ?? '',
      url,
      html_url: page,
      details_url: one.detailsUrl ?? accounts.integration().external_url,
      status: one.status,
      conclusion: one.conclusion,
      started_at: isoTime(one.startedAtMs),
      completed_at: isoTimeOrNull(one.completedAtMs),
      output: {
        ...one.output,
        annotations_count: one.annotations.length,
        annotations_url: `${url}/annotations`,
      },
      check_suite: { id: one.suite.id },
      app: appOf(one.suite),
      pull_requests: pullsOf(repository, one.headSha),
    };
  }

  /** Webhooks carry the suite in full, not only its id. */
  function webhookCheckRun(repository: Repository, one: CheckRun) {
    const { head_branch, head_sha, status, conclusion, ...suite } = suiteBase(repository, one.suite);
    return {
      ...checkRun(repository, one),
      check_suite: { ...suite, head_branch, head_sha, status, conclusion },
    };
  }

  function suiteBase(repository: Repository, suite: CheckSuite) {
    const runs = runsOf(repository, suite);
    return {
      id: suite.id,
      node_id: nodeId('CS', suite.id),
      head_branch: suite.headBranch,
      head_sha: suite.headSha,
      status: suite.isAskedAgain ? 'queued' : suiteStatus(runs),
      conclusion: suite.isAskedAgain ? null : suiteConclusion(runs),
      url: `${repositories.apiUrl(repository)}/check-suites/${suite.id}`,
      before: suite.before,
      after: suite.headSha,
      pull_requests: pullsOf(repository, suite.headSha),
      app: appOf(suite),
      created_at: isoTime(suite.createdAtMs),
      updated_at: isoTime(suite.updatedAtMs),
    };
  }

  /** As webhooks carry it: without the repository, which stands beside it. */
  function webhookCheckSuite(repository: Repository, suite: CheckSuite, headCommit: Commit) {
    return {
      ...suiteBase(repository, suite),
      rerequestable: true,
      runs_rerequestable: true,
      latest_check_runs_count: runsOf(repository, suite).length,
      check_runs_url: `${repositories.apiUrl(repository)}/check-suites/${suite.id}/check-runs`,
      head_commit: commits.simpleCommit(headCommit),
    };
  }

  function checkSuite(repository: Repository, suite: CheckSuite, headCommit: Commit) {
    return {
      ...webhookCheckSuite(repository, suite, headCommit),
      repository: repositories.repository(repository),
    };
  }

  function annotation(repository: Repository, run: CheckRun, one: CheckRun['annotations'][number]) {
    return {
      path: one.path,
      start_line: one.startLine,
      end_line: one.endLine,
      start_column: one.startColumn,
      end_column: one.endColumn,
      annotation_level: one.level,
      title: one.title,
      message: one.message,
      raw_details: one.rawDetails,
      blob_href: `${repositories.webUrl(repository)}/blob/${run.headSha}/${encodeURI(one.path)}`,
    };
  }

  return { checkRun, webhookCheckRun, webhookCheckSuite, checkSuite, annotation };
}

/** Of runs with the same name in a suite the newest counts. Newest first. */
export function latestRuns(runs: readonly CheckRun[]): CheckRun[] {
  const newestFirst = runs.toSorted((a, b) => b.id - a.id);
  return newestFirst.filter((run, at) => newestFirst.findIndex((other) => other.name === run.name) === at);
}

export function runsOf(repository: Repository, suite: CheckSuite): CheckRun[] {
  return [...repository.checkRuns.values()].filter((run) => run.suite === suite);
}

function suiteStatus(runs: readonly CheckRun[]): 'queued' | 'in_progress' | 'completed' {
  const latest = latestRuns(runs);
  if (latest.length > 0 && latest.every((run) => run.status === 'completed')) return 'completed';
  return latest.some((run) => run.status !== 'queued') ? 'in_progress' : 'queued';
}

/** The conclusion of highest priority among the runs, once all are completed. */
function suiteConclusion(runs: readonly CheckRun[]): string | null {
  if (suiteStatus(runs) !== 'completed') return null;
  const conclusions = latestRuns(runs).map((run) => run.conclusion);
  return byPriority.find((conclusion) => conclusions.includes(conclusion)) ?? null;
}

const byPriority: readonly CheckConclusion[] = [
  'action_required',
  'timed_out',
  'cancelled',
  'failure',
  'neutral',
  'skipped',
  'success',
];
