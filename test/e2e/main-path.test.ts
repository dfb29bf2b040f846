import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { DEFAULT_TIMINGS } from '../../src/domain/timings.ts';
import { processesWith } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { OWNER, REPOSITORY, startYard } from '../support/yard.ts';

/** Both ways by which runners hear of work, and what a job may cost on each. */
const TRANSPORTS = [
  { transport: 'coordinator', mostWrites: 10, mostReads: 8 },
  { transport: 'github', mostWrites: 30, mostReads: 300 },
] as const;

describe.each(TRANSPORTS)('by way of the $transport', ({ transport, mostWrites, mostReads }) => {
  const TWO_RUNNERS = { transport, runners: { 'backend-pc': 'backend', 'frontend-pc': 'frontend' } };

  describe('from label to pull request', () => {
    test('a labelled issue comes back as a pull request with evidence', async () => {
      await using yard = await startYard(TWO_RUNNERS);

      const issue = await yard.ask('A 25 % discount takes only 25 cents off', 'agent:backend');

      const { job, attempts } = await yard.jobIn(issue, 'succeeded');
      const [pull] = yard.github.state.pullRequests(REPOSITORY);
      expect(job).toMatchObject({
        outcome: 'pull_request',
        specialty: 'backend',
        pullRequest: { number: pull?.number },
      });
      expect(attempts.map(({ runner }) => runner?.name)).toEqual(['backend-pc']);
      expect(pull).toMatchObject({
        state: 'open',
        head: { ref: expect.stringMatching(/^agent\/1-/) },
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

      const runs = yard.github.state.checkRuns(REPOSITORY);
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
      await using yard = await startYard(TWO_RUNNERS);

      const [first, second] = await Promise.all([
        yard.ask('A 25 % discount takes only 25 cents off', 'agent:backend'),
        yard.ask('The page breaks with an empty cart', 'agent:frontend'),
      ]);

      const jobs = [await yard.jobIn(first, 'succeeded'), await yard.jobIn(second, 'succeeded')];
      expect(jobs.map(({ attempts }) => attempts[0]?.runner?.name)).toEqual(['backend-pc', 'frontend-pc']);
      expect(yard.github.state.pullRequests(REPOSITORY)).toHaveLength(2);
    });

    test('tokens are for the one repository, small until the end, and dead afterwards', async () => {
      await using yard = await startYard(TWO_RUNNERS);

      const issue = await yard.ask('A 25 % discount takes only 25 cents off', 'agent:backend');
      await yard.jobIn(issue, 'succeeded');

      const forRunner = yard.github.state.tokens().filter((token) => token.repositories !== null);
      expect(forRunner.map(({ permissions, repositories }) => ({ permissions, repositories }))).toEqual([
        { permissions: { contents: 'read', checks: 'write', metadata: 'read' }, repositories: [REPOSITORY] },
        { permissions: { contents: 'write', metadata: 'read' }, repositories: [REPOSITORY] },
      ]);
      await until('the tokens are revoked', () =>
        forRunner.every(({ id }) => yard.github.state.tokens().find((token) => token.id === id)?.revoked),
      );
    });

    test('a job costs few GitHub calls', async () => {
      await using yard = await startYard({
        ...TWO_RUNNERS,
        // Reports by way of GitHub no closer than some seconds, or a slow machine would write more of them.
        timings: {
          progressReportSeconds: DEFAULT_TIMINGS.progressReportSeconds,
          githubHeartbeatSeconds: 20,
        },
      });
      const before = yard.github.state.requests().length;

      const issue = await yard.ask('A 25 % discount takes only 25 cents off', 'agent:backend');
      await yard.jobIn(issue, 'succeeded');

      const calls = yard.github.state
        .requests()
        .slice(before)
        .filter((request) => !request.actor.startsWith('user:'));
      const tokens = calls.filter(({ path }) => /access_tokens$|^\/installation\/token$/.test(path));
      const rest = calls.filter((call) => !tokens.includes(call));
      const writes = rest.filter(({ method }) => method !== 'GET');
      const reads = rest.filter(({ method }) => method === 'GET');
      expect(writes.map(describeCall)).toSatisfy(atMost(mostWrites));
      expect(reads.map(describeCall)).toSatisfy(atMost(mostReads));
    });
  });

  describe('when the work is not a pull request', () => {
    test('tests that are red after the agent end in failure with the work kept on the branch', async () => {
      await using yard = await startYard(TWO_RUNNERS);

      const issue = await yard.ask('Please break it some more', 'agent:backend');

      const { job } = await yard.jobIn(issue, 'failed');
      expect(job.outcome).toBe('tests_failed');
      expect(yard.github.state.pullRequests(REPOSITORY)).toEqual([]);
      expect(yard.github.state.checkRuns(REPOSITORY).map(({ conclusion }) => conclusion)).toEqual([
        'failure',
      ]);
      const branch =
        Object.keys(await yard.github.state.branches(REPOSITORY)).find((name) => name.startsWith('agent/')) ??
        '';
      expect(await yard.github.state.file(REPOSITORY, branch, 'backend/src/discount.js')).toContain(
        'answer = 42',
      );
      await yard.comment(issue, /test/i);
    });

    test('no changes are told as that', async () => {
      await using yard = await startYard(TWO_RUNNERS);

      const issue = await yard.ask('There is nothing to do', 'agent:backend');

      const { job } = await yard.jobIn(issue, 'failed');
      expect(job.outcome).toBe('no_changes');
      expect(yard.github.state.checkRuns(REPOSITORY).map(({ conclusion }) => conclusion)).toEqual([
        'neutral',
      ]);
      await yard.comment(issue, /no change|changed nothing/i);
    });

    test('an agent that crashes is tried again, then given up with its last words', async () => {
      await using yard = await startYard(TWO_RUNNERS);

      const issue = await yard.ask('Please crash', 'agent:backend');

      const { job, attempts } = await yard.jobIn(issue, 'failed');
      expect(job.outcome).toBe('agent_failed');
      expect(attempts).toHaveLength(3);
      const runs = yard.github.state.checkRuns(REPOSITORY);
      expect(runs.map(({ conclusion }) => conclusion)).toEqual(['neutral', 'neutral', 'neutral']);
      expect(new Set(runs.map(({ head_sha }) => head_sha)).size).toBe(3);
      await yard.comment(issue, /exit(ed)?.*139|139/);
    });
  });

  describe('who may, and where', () => {
    test('somebody without write access is refused, with the reason on the issue', async () => {
      await using yard = await startYard(TWO_RUNNERS);
      yard.github.createUser('tristan');
      yard.github.setRole(REPOSITORY, 'tristan', 'triage');

      const issue = await yard.ask('A 25 % discount takes only 25 cents off', 'agent:backend', 'tristan');

      await yard.comment(issue, /tristan.*write/s);
      expect(await yard.jobsOf(issue)).toMatchObject([{ state: 'refused' }]);
      expect(Object.keys(await yard.github.state.branches(REPOSITORY))).toEqual(['main']);
      expect(yard.github.state.checkRuns(REPOSITORY)).toEqual([]);
    });

    test('an author who changes the issue after it was labelled does not change the work', async () => {
      await using yard = await startYard(TWO_RUNNERS);
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
      await using yard = await startYard({ transport, runners: { 'frontend-pc': 'frontend' } });

      const issue = await yard.ask('A 25 % discount takes only 25 cents off', 'agent:backend');

      await yard.comment(issue, /No runner has the specialty.*backend.*frontend-pc/s);
      await yard.addRunner('backend-pc', 'backend');
      await yard.jobIn(issue, 'succeeded');
    });

    test('the same webhook delivered twice makes one job', async () => {
      await using yard = await startYard(TWO_RUNNERS);
      yard.github.webhooks.faults.duplicateNext(1, ({ action }) => action === 'labeled');

      const issue = await yard.ask('A 25 % discount takes only 25 cents off', 'agent:backend');
      await yard.jobIn(issue, 'succeeded');
      const labelled = yard.github.webhooks.deliveries().filter(({ action }) => action === 'labeled');
      yard.github.webhooks.redeliver(labelled[0]?.id ?? 0);
      await yard.github.webhooks.idle();
      await yard.coordinator.inboxWorker.idle();

      expect(await yard.jobsOf(issue)).toHaveLength(1);
      expect(yard.github.state.pullRequests(REPOSITORY)).toHaveLength(1);
    });
  });

  describe('cancelling', () => {
    test.each(['removing the label', 'closing the issue'])(
      '%s while the agent runs ends it with all its children and cleans up',
      async (way) => {
        await using yard = await startYard(TWO_RUNNERS);
        const issue = await yard.ask('Please hang', 'agent:backend');
        await yard.jobIn(issue, 'running');
        // In the command line or the environment of whatever an attempt of this test starts.
        const attempts = path.join(yard.folder, 'backend-pc', 'attempts');
        await until('agent and child run', () => processesWith(attempts).length >= 2);

        if (way === 'closing the issue') await yard.github.as(OWNER).closeIssue(REPOSITORY, issue);
        else await yard.github.as(OWNER).removeLabel(REPOSITORY, issue, 'agent:backend');

        await yard.jobIn(issue, 'cancelled');
        await until('the agent and its children are gone', () => processesWith(attempts).length === 0);
        await until(
          'the branch is deleted',
          async () => Object.keys(await yard.github.state.branches(REPOSITORY)).join() === 'main',
        );
        expect(yard.github.state.checkRuns(REPOSITORY).map(({ conclusion }) => conclusion)).toEqual([
          'cancelled',
        ]);
        await yard.comment(issue, /cancel/i);
      },
    );
  });
});

function describeCall({ method, path, status }: { method: string; path: string; status: number }): string {
  return `${method} ${path} ${status}`;
}

/** As a predicate over the list, so that a failure shows all of it. */
function atMost(count: number): (list: readonly string[]) => boolean {
  return (list) => list.length <= count;
}
