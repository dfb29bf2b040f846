import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { processesWith } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { OWNER, REPOSITORY, startYard, type Yard } from '../support/yard.ts';

/**
 * From label to pull request, and all that may come in between, with real processes. `transport`: how runners hear of work; `mostWrites`,
 * `mostReads`: requests to GitHub that a job may cost on it.
 */
export function describeMainPath({
  transport,
  mostWrites,
  mostReads,
}: {
  transport: 'coordinator' | 'github';
  mostWrites: number;
  mostReads: number;
}): void {
  /** One for all tests that want nothing special of it: each looks at its own issue only. */
  let yard: Yard;
  beforeAll(async () => {
    yard = await startYard({
      transport,
      // One of the two as on a GitHub Enterprise Server.
      apiPath: transport === 'coordinator' ? '/api/v3' : '',
      runners: { 'backend-pc': 'backend', 'frontend-pc': 'frontend' },
      // What no webhook told of is looked for all the time, but not before a webhook had the time to come.
      timings: { issueSweepSeconds: 1, issueSweepGraceSeconds: 3 },
    });
  });
  afterAll(() => yard[Symbol.asyncDispose]());

  describe('from label to pull request', () => {
    test('a labelled issue comes back as a pull request with evidence', async () => {
      const issue = await yard.ask('A 25 % discount takes only 25 cents off', 'agent:backend');

      const { job, attempts } = await yard.jobIn(issue, 'succeeded');
      const [pull] = yard.pullsOf(issue);
      expect(job).toMatchObject({
        outcome: 'pull_request',
        specialty: 'backend',
        pullRequest: { number: pull?.number },
      });
      expect(attempts.map(({ runner }) => runner?.name)).toEqual(['backend-pc']);
      expect(pull).toMatchObject({
        state: 'open',
        head: { ref: expect.stringMatching(new RegExp(`^agent/${issue}-`)) },
        base: { ref: 'main' },
      });
      expect(pull?.body).toContain(`Closes #${issue}`);
      expect(pull?.body).toMatch(/node --test backend\/test\/discount\.test\.js/);

      const head = pull?.head.sha ?? '';
      const [commit, base] = await yard.github.state.commits(REPOSITORY, head);
      expect(commit?.message).toContain('Co-authored-by: ');
      expect(base?.sha).toBe((await yard.github.state.branches(REPOSITORY))['main']);
      expect(await yard.github.state.file(REPOSITORY, head, 'backend/src/discount.js')).toContain(
        'Math.round',
      );

      const runs = await yard.checkRunsOf(issue);
      expect(
        runs.map(({ name, status, conclusion, head_sha }) => ({
          name,
          status,
          conclusion,
          onHead: head_sha === head,
        })),
      ).toEqual([
        { name: 'Yardmaster / backend', status: 'completed', conclusion: 'success', onHead: false },
        { name: 'Yardmaster evidence / backend', status: 'completed', conclusion: 'success', onHead: true },
      ]);
      await yard.comment(issue, new RegExp(`/pull/${pull?.number}`));
    });

    test('two issues of two specialties are worked on at once, each on its own machine', async () => {
      const [first, second] = await Promise.all([
        yard.ask('A 25 % discount takes only 25 cents off', 'agent:backend'),
        yard.ask('The page breaks with an empty cart', 'agent:frontend'),
      ]);

      const jobs = [await yard.jobIn(first, 'succeeded'), await yard.jobIn(second, 'succeeded')];
      expect(jobs.map(({ attempts }) => attempts[0]?.runner?.name)).toEqual(['backend-pc', 'frontend-pc']);
      expect([...yard.pullsOf(first), ...yard.pullsOf(second)]).toHaveLength(2);
    });

    test('tokens are for the one repository, small until the end, and dead afterwards', async () => {
      const before = new Set(yard.github.state.tokens().map(({ id }) => id));

      const issue = await yard.ask('A 25 % discount takes only 25 cents off', 'agent:backend');
      await yard.jobIn(issue, 'succeeded');

      const forRunner = yard.github.state
        .tokens()
        .filter(({ id, repositories }) => repositories !== null && !before.has(id));
      expect(forRunner.map(({ permissions, repositories }) => ({ permissions, repositories }))).toEqual([
        { permissions: { contents: 'read', checks: 'write', metadata: 'read' }, repositories: [REPOSITORY] },
        { permissions: { contents: 'write', metadata: 'read' }, repositories: [REPOSITORY] },
      ]);
      await until('the tokens are revoked', () =>
        forRunner.every(({ id }) => yard.github.state.tokens().find((token) => token.id === id)?.revoked),
      );
    });

    test('a job costs few GitHub calls', async () => {
      await using ownYard = await startYard({
        transport,
        runners: { 'backend-pc': 'backend' },
        // What is counted is what every job costs; a slow machine would tell of more progress.
        timings: {
          progressReportSeconds: 60,
          githubHeartbeatSeconds: 60,
        },
      });
      // An installation hurries the sweep of the issues; what that costs is not the job's.
      await until(
        'the sweep after the installation is over',
        () =>
          ownYard.logLines.some(({ sweep, issues }) => sweep === 'issues' && issues === undefined) &&
          ownYard.github.state.requests().some(({ path: asked }) => asked.includes('/issues?state=all')),
      );
      const before = ownYard.github.state.requests().length;

      const issue = await ownYard.ask('A 25 % discount takes only 25 cents off', 'agent:backend');
      await ownYard.jobIn(issue, 'succeeded');

      const calls = ownYard.github.state
        .requests()
        .slice(before)
        .filter((request) => !request.actor.startsWith('user:'));
      const tokens = calls.filter(({ path }) => /access_tokens$|^\/installation\/token$/.test(path));
      const rest = calls.filter((call) => !tokens.includes(call));
      const isRead = ({ method, path }: (typeof rest)[number]) => method === 'GET' || path === '/graphql';
      const writes = rest.filter((call) => !isRead(call));
      const reads = rest.filter(isRead);
      expect(writes.map(describeCall)).toSatisfy(atMost(mostWrites));
      expect(reads.map(describeCall)).toSatisfy(atMost(mostReads));
    });
  });

  describe('when the work is not a pull request', () => {
    test('tests that are red after the agent end in failure with the work kept on the branch', async () => {
      const issue = await yard.ask('Please break it some more', 'agent:backend');

      const { job } = await yard.jobIn(issue, 'failed');
      expect(job.outcome).toBe('tests_failed');
      expect(yard.pullsOf(issue)).toEqual([]);
      const [branch = ''] = await yard.branchesOf(issue);
      const head = (await yard.github.state.branches(REPOSITORY))[branch];
      expect(
        (await yard.checkRunsOf(issue)).map(({ conclusion, head_sha, output }) => ({
          conclusion,
          onHead: head_sha === head,
          annotations: output.annotations_count,
        })),
      ).toEqual([
        { conclusion: 'failure', onHead: false, annotations: 0 },
        // The line of the test that fails, as node:test names it.
        { conclusion: 'failure', onHead: true, annotations: 1 },
      ]);
      expect(await yard.github.state.file(REPOSITORY, branch, 'backend/src/discount.js')).toContain(
        'answer = 42',
      );
      await yard.comment(issue, /test/i);
    });

    test('no changes are told as that', async () => {
      const issue = await yard.ask('There is nothing to do', 'agent:backend');

      const { job } = await yard.jobIn(issue, 'failed');
      expect(job.outcome).toBe('no_changes');
      expect((await yard.checkRunsOf(issue)).map(({ conclusion }) => conclusion)).toEqual(['neutral']);
      await yard.comment(issue, /no change|changed nothing/i);
    });

    test('an agent that crashes is tried again, then given up with its last words', async () => {
      const issue = await yard.ask('Please crash', 'agent:backend');

      const { job, attempts } = await yard.jobIn(issue, 'failed');
      expect(job.outcome).toBe('agent_failed');
      expect(attempts).toHaveLength(3);
      const runs = await yard.checkRunsOf(issue);
      expect(runs.map(({ conclusion }) => conclusion)).toEqual(['neutral', 'neutral', 'neutral']);
      expect(new Set(runs.map(({ head_sha }) => head_sha)).size).toBe(3);
      await yard.comment(issue, /exit(ed)?.*139|139/);
    });
  });

  describe('who may, and where', () => {
    test('somebody without write access is refused, with the reason on the issue', async () => {
      yard.github.createUser('tristan');
      yard.github.setRole(REPOSITORY, 'tristan', 'triage');

      const issue = await yard.ask('A 25 % discount takes only 25 cents off', 'agent:backend', 'tristan');

      await yard.comment(issue, /tristan.*write/s);
      expect(await yard.jobsOf(issue)).toMatchObject([{ state: 'refused' }]);
      expect(await yard.branchesOf(issue)).toEqual([]);
      expect(await yard.checkRunsOf(issue)).toEqual([]);
    });

    test('an author who changes the issue after it was labelled does not change the work', async () => {
      const title = 'A 25 % discount takes only 25 cents off';
      const { number: issue } = await yard.github.as(OWNER).openIssue({ repository: REPOSITORY, title });
      await yard.github.webhooks.idle();

      // The label's webhook is held up until the edit is through.
      yard.github.webhooks.faults.shuffleNext(2);
      await yard.github.as(OWNER).addLabel(REPOSITORY, issue, 'agent:backend');
      await yard.github.as(OWNER).editIssue(REPOSITORY, issue, { title: 'Do nothing' });

      // The agent works by the title in its prompt.
      const { job } = await yard.jobIn(issue, 'succeeded', 'failed');
      expect(job).toMatchObject({ outcome: 'pull_request', issue: { title } });
    });

    test('a job that no runner can take waits, says exactly why, and starts when one comes', async () => {
      await using ownYard = await startYard({ transport, runners: { 'frontend-pc': 'frontend' } });

      const issue = await ownYard.ask('A 25 % discount takes only 25 cents off', 'agent:backend');

      await ownYard.comment(issue, /No runner has the specialty.*backend.*frontend-pc/s);
      await ownYard.addRunner('backend-pc', 'backend');
      await ownYard.jobIn(issue, 'succeeded');
    });

    test('the same webhook delivered twice makes one job', async () => {
      yard.github.webhooks.faults.duplicateNext(1, ({ action }) => action === 'labeled');

      const issue = await yard.ask('A 25 % discount takes only 25 cents off', 'agent:backend');
      await yard.jobIn(issue, 'succeeded');
      const labelled = yard.github.webhooks.deliveries().filter(({ action }) => action === 'labeled');
      yard.github.webhooks.redeliver(labelled[0]?.id ?? 0);
      await yard.github.webhooks.idle();
      await yard.coordinator.inboxWorker.idle();

      expect(await yard.jobsOf(issue)).toHaveLength(1);
      expect(yard.pullsOf(issue)).toHaveLength(1);
    });
  });

  describe('what breaks on the way', () => {
    test('a runner that is killed in the middle and started again begins the job anew; nothing is left of the first try', async () => {
      const issue = await yard.ask('Take the discount right, slowly', 'agent:backend');
      await yard.jobIn(issue, 'running');
      const attempts = path.join(yard.folder, 'backend-pc', 'attempts');
      await until('the agent runs', () => {
        const agents = processesWith('work-by-title.mjs');
        return processesWith(attempts).some((pid) => agents.includes(pid));
      });

      await yard.killAndRestart('backend-pc');

      const { job, attempts: tries } = await yard.jobIn(issue, 'succeeded');
      expect(job.outcome).toBe('pull_request');
      expect(tries).toHaveLength(2);
      expect(yard.pullsOf(issue)).toHaveLength(1);
      await until('each check run has its last word', async () =>
        (await yard.checkRunsOf(issue)).every(({ status }) => status === 'completed'),
      );
      expect((await yard.checkRunsOf(issue)).map(({ conclusion }) => conclusion)).toEqual([
        'cancelled',
        'success',
        'success',
      ]);
    });

    test('a label and its removal that no webhook tells of are found', async () => {
      yard.github.webhooks.faults.dropNext(2, ({ action }) => action === 'labeled' || action === 'unlabeled');
      const issue = await yard.ask('Please hang', 'agent:backend');
      await yard.jobIn(issue, 'running');

      await yard.github.as(OWNER).removeLabel(REPOSITORY, issue, 'agent:backend');

      await yard.jobIn(issue, 'cancelled');
      expect(await yard.jobsOf(issue)).toHaveLength(1);
    });
  });

  describe('cancelling', () => {
    test.each(['removing the label', 'closing the issue'])(
      '%s while the agent runs ends it with all its children and cleans up',
      async (way) => {
        const issue = await yard.ask('Please hang', 'agent:backend');
        await yard.jobIn(issue, 'running');
        // In the command line or the environment of whatever an attempt of this test starts.
        const attempts = path.join(yard.folder, 'backend-pc', 'attempts');
        await until('agent and child run', () => processesWith(attempts).length >= 2);

        if (way === 'closing the issue') await yard.github.as(OWNER).closeIssue(REPOSITORY, issue);
        else await yard.github.as(OWNER).removeLabel(REPOSITORY, issue, 'agent:backend');

        await yard.jobIn(issue, 'cancelled');
        await until('the agent and its children are gone', () => processesWith(attempts).length === 0);
        await until('the branch is deleted', async () => (await yard.branchesOf(issue)).length === 0);
        expect((await yard.checkRunsOf(issue)).map(({ conclusion }) => conclusion)).toEqual(['cancelled']);
        await yard.comment(issue, /cancel/i);
      },
    );
  });
}

function describeCall({ method, path, status }: { method: string; path: string; status: number }): string {
  return `${method} ${path} ${status}`;
}

/** As a predicate over the list, so that a failure shows all of it. */
function atMost(count: number): (list: readonly string[]) => boolean {
  return (list) => list.length <= count;
}
