import { afterAll, beforeAll, expect, test } from 'vitest';
import { createExplainIssue, type ExplainQuestion } from '../../src/dispatch/explain-issue.ts';
import { decide } from '../../src/domain/decide.ts';
import { DEFAULT_TIMINGS } from '../../src/domain/timings.ts';
import { describeExplanation } from '../../src/operator/describe-explanation.ts';
import { aResult } from '../support/job-builders.ts';
import { openWorkingWorld } from '../support/working-world.ts';

/** One coordinator and one GitHub for all; each test has issues of its own. */
let yard: Awaited<ReturnType<typeof openWorkingWorld>>;
let world: (typeof yard)['world'];
beforeAll(async () => {
  yard = await openWorkingWorld();
  ({ world } = yard);
  world.standin.createUser('mallory');
}, 60_000);
afterAll(() => yard[Symbol.asyncDispose]());

/** From now on. */
async function settings(text: string): Promise<void> {
  const files = { '.github/yardmaster.yml': text };
  await world.standin.as('alice').pushFiles(world.fullName, 'main', files, 'Settings');
}

/** Without what keeps GitHub from linking. */
const plain = (text: string): string => text.replaceAll('\u200B', '');

const pullsOf = (issue: number) =>
  world.standin.state
    .pullRequests(world.fullName)
    .filter(({ head }) => head.ref.startsWith(`agent/${issue}-`));

const labelsOf = (issue: number) =>
  world.standin.state.issue(world.fullName, issue).labels.map(({ name }) => name);

/** Text of the issue's first comment. */
const commentOf = (issue: number): string => world.commentsOf(issue)[0]?.body ?? '';

/** Text of the issue's status comment, which a command may stand before. */
const statusOf = (issue: number): string =>
  world.commentsOf(issue).find(({ body }) => body?.startsWith('<!-- yardmaster:status'))?.body ?? '';

async function explain(question: Partial<ExplainQuestion> & { issueNumber: number }): Promise<string> {
  const { store, github, fullName } = world;
  const explainIssue = createExplainIssue({ store, github, decide, timings: DEFAULT_TIMINGS });
  const answer = await explainIssue({ repository: fullName, label: null, login: null, ...question });
  if (!answer.ok) throw new Error(answer.message);
  return describeExplanation(answer.value);
}

test('an operator is told what a label would do, and nothing is done', async () => {
  const { standin, fullName, store, target } = world;
  await store.sweeps.putRepository(target);
  const { number } = await standin.as('alice').openIssue({ repository: fullName, title: 'Sums are wrong' });
  await world.settle();

  const texts: string[] = [];
  const requests = await world.requestsOf(async () => {
    texts.push(await explain({ issueNumber: number }));
    texts.push(await explain({ issueNumber: number, label: 'agent:backend', login: 'mallory' }));
    texts.push(await explain({ issueNumber: number, label: 'agent:backend', login: 'alice' }));
    texts.push(await explain({ issueNumber: number, repository: 'acme/nothing' }));
  });
  const [unlabelled, stranger, writer, unknown] = texts;

  expect(unlabelled).toMatch(/STOP +label +none of the issue’s labels \(none\) stands for a specialty/);
  expect(stranger).toMatch(/STOP +permission +mallory has read access/);
  expect(stranger).toMatch(/=> mallory may only read .*needs write access/);
  expect(writer).toMatch(/ok +settings +the built-in ones/);
  expect(writer).toMatch(/=> work would start at once\. be-1 is the only one with room/);
  expect(unknown).toMatch(/STOP +repository +acme\/nothing is not known.*Known: acme\//);
  // What is asked in GraphQL is posted, too.
  expect(requests.filter((request) => !/^GET |^POST \/graphql$/.test(request))).toEqual([]);
  expect(await store.memory.keptSettings(target.repository.id)).toBeNull();
  expect(await world.jobsOf(number)).toEqual([]);
});

test('a pull request is opened as the settings say; what GitHub does not take is told, and the issue is told nothing else', async () => {
  const { standin, fullName, requestsOf } = world;
  standin.setRole(fullName, 'mallory', 'none');
  const onto = await standin.as('alice').pushFiles(fullName, 'develop', { 'b.txt': 'b' }, 'Develop');
  await settings(`
defaults:
  quiet: true
  assign_issue: true
  pull_request:
    base: develop
    draft: true
    reviewers: [who_asked, mallory]
    labels: [from-agents]
    assignee: who_asked
`);
  const issue = await world.ask();

  const requests = await requestsOf(() => yard.work(issue, aResult(), { 'src/x.js': '1' }));

  const [job] = await world.jobsOf(issue);
  const [pull] = pullsOf(issue);
  const attempt = job?.attemptId == null ? null : await world.store.attempts.get(job.attemptId);
  expect(attempt?.base).toEqual({ branch: 'develop', commit: onto });
  expect(standin.state.issue(fullName, issue).assignees).toMatchObject([{ login: 'alice' }]);
  expect(pull).toMatchObject({
    draft: true,
    base: { ref: 'develop' },
    requested_reviewers: [{ login: 'alice' }],
    labels: [{ name: 'from-agents' }],
    assignees: [{ login: 'alice' }],
  });
  expect(world.commentsOf(issue)).toHaveLength(1);
  expect(commentOf(issue)).toMatch(/pull request #\d+ is open/);
  expect(commentOf(issue)).toMatch(
    /⚠️ mallory could not be asked for a review\. GitHub answered 422: Reviews may/,
  );
  expect(requests.filter((request) => request.includes('/comments'))).toEqual([
    expect.stringContaining('GET '),
    `POST …/issues/${issue}/comments`,
    expect.stringContaining('PATCH …/issues/comments/'),
  ]);
});

test('a base branch that is not there ends the job with what to mend', async () => {
  await settings('defaults: {pull_request: {base: devlop}}\n');
  const issue = await world.ask();
  await world.settle();

  expect(commentOf(issue)).toContain(
    'There is no branch "devlop", which pull_request.base of the settings names',
  );
});

test('a merged pull request is the end of the story: who merged it, no label, and no branch where the settings say so', async () => {
  const { standin, fullName } = world;
  await settings('defaults: {pull_request: {delete_branch: true}}\n');
  const issue = await world.ask();
  const { job } = await yard.work(issue, aResult(), { 'src/merged.js': '1' });
  const [pull] = pullsOf(issue);
  standin.webhooks.faults.duplicateNext(1, ({ event }) => event === 'pull_request');

  await standin.as('alice').mergePullRequest(fullName, pull?.number ?? 0);
  await world.settle();

  expect(commentOf(issue)).toMatch(/### ✅ backend: pull request #\d+ was merged/);
  expect(commentOf(issue)).toMatch(/Merged by `alice` at 20/);
  expect(commentOf(issue)).toMatch(/nothing is left to do here/);
  expect(labelsOf(issue)).toEqual([]);
  expect(Object.keys(await standin.state.branches(fullName))).not.toContain(job.branch);
  const events = await world.store.timeline.eventsOf(job.id);
  expect(events.filter(({ kind }) => kind === 'pull_request_merged')).toHaveLength(1);
});

test('one that no webhook told of is found, closed or open again; a branch that somebody else pushed to stays', async () => {
  const { standin, fullName, sweep } = world;
  const issue = await world.ask();
  const { job } = await yard.work(issue, aResult(), { 'src/closed.js': '1' });
  const [pull] = pullsOf(issue);
  const number = pull?.number ?? 0;
  await standin.as('alice').pushFiles(fullName, job.branch, { 'src/more.js': '1' }, 'More');
  await world.settle();
  standin.webhooks.faults.dropNext(1, ({ event, action }) => event === 'pull_request' && action === 'closed');
  await standin.as('alice').closePullRequest(fullName, number);
  await world.settle();
  expect(commentOf(issue)).toMatch(/pull request #\d+ is open/);

  await sweep('issues');
  await sweep('issues');

  expect(commentOf(issue)).toMatch(/### 🚪 backend: pull request #\d+ was closed without being merged/);
  expect(commentOf(issue)).toMatch(/To have it done anew, write `\/agent run backend`/);
  expect(labelsOf(issue)).toEqual([]);
  expect(Object.keys(await standin.state.branches(fullName))).toContain(job.branch);

  await standin.as('alice').reopenPullRequest(fullName, number);
  await world.settle();
  expect(commentOf(issue)).toMatch(/### ✅ backend: pull request #\d+ is open/);
});

test('work whose pull request is open is not done twice: the label is answered on the status comment', async () => {
  const { standin, fullName } = world;
  await settings('');
  const issue = await world.ask();
  await yard.work(issue, aResult(), { 'src/twice.js': '1' });
  const [pull] = pullsOf(issue);

  await standin.as('alice').removeLabel(fullName, issue, 'agent:backend');
  await standin.as('alice').addLabel(fullName, issue, 'agent:backend');
  await world.settle();

  expect(await world.jobsOf(issue)).toHaveLength(1);
  expect(commentOf(issue)).toContain(`](${pull?.html_url})`);
  expect(commentOf(issue)).toMatch(
    /⚠️ alice asked for it again, and \[pull request #\d+\]\(\S+\/pull\/\d+\) is open/,
  );
  expect(await explain({ issueNumber: issue })).toMatch(/STOP +pull request +http.*is open/);

  await standin.as('alice').closePullRequest(fullName, pull?.number ?? 0);
  await world.settle();
  await standin.as('alice').comment(fullName, issue, '/agent run backend');
  await world.settle();
  expect(await world.jobsOf(issue)).toMatchObject([{ state: 'queued' }, { state: 'succeeded' }]);
});

test('a blocked issue waits, says so, and goes on when nothing open blocks it any more', async () => {
  const { standin, fullName, store } = world;
  const alice = standin.as('alice');
  const open = async (title: string) => (await alice.openIssue({ repository: fullName, title })).number;
  const [blocked, first, second] = [await open('Blocked'), await open('First'), await open('Second')];
  await alice.blockIssue(fullName, blocked, first);
  await alice.blockIssue(fullName, blocked, second);
  await alice.addLabel(fullName, blocked, 'agent:backend');
  await world.settle();

  expect(await world.jobsOf(blocked)).toMatchObject([{ state: 'held', waitCode: 'blocked', ready: false }]);
  expect(plain(commentOf(blocked))).toContain(`It is blocked by #${first} and #${second}, which are open.`);
  expect(await explain({ issueNumber: blocked })).toMatch(/wait +blocked +It is blocked by/);

  await alice.closeIssue(fullName, first);
  await world.settle();
  expect(plain(commentOf(blocked))).toContain(`It is blocked by #${second}, which is open.`);

  await alice.closeIssue(fullName, second);
  await world.settle();
  expect(await world.jobsOf(blocked)).toMatchObject([
    { state: 'queued', waitCode: null, stateReason: null, ready: true },
  ]);
  const [job] = await world.jobsOf(blocked);
  const events = job === undefined ? [] : await store.timeline.eventsOf(job.id);
  expect(events.map(({ text }) => text)).toContain('No open issue blocks it any more');
});

test('a blocked issue that no webhook told of is found by the sweep; people hold it, or let it go on, as they like', async () => {
  const { standin, fullName } = world;
  const alice = standin.as('alice');
  const open = async (title: string) => (await alice.openIssue({ repository: fullName, title })).number;
  const blocker = await open('Blocker');
  const ask = async () => {
    const issue = await open('Blocked');
    await alice.blockIssue(fullName, issue, blocker);
    await alice.addLabel(fullName, issue, 'agent:backend');
    await world.settle();
    return issue;
  };
  const [held, freed, found] = [await ask(), await ask(), await ask()];
  await alice.comment(fullName, held, '/agent hold');
  await alice.comment(fullName, freed, '/agent unhold');
  await world.settle();
  expect(await world.jobsOf(freed)).toMatchObject([{ state: 'queued' }]);

  standin.webhooks.faults.dropNext(1, ({ action }) => action === 'closed');
  await alice.closeIssue(fullName, blocker);
  await world.settle();
  expect(await world.jobsOf(found)).toMatchObject([{ state: 'held' }]);

  await world.sweep('reports');

  expect(await world.jobsOf(found)).toMatchObject([{ state: 'queued' }]);
  expect(await world.jobsOf(held)).toMatchObject([
    { state: 'held', stateReason: expect.stringContaining('alice put it on hold') },
  ]);
});

test('a specialty that comes after another one waits until that is merged, and begins from there', async () => {
  const { standin, fullName, store } = world;
  const alice = standin.as('alice');
  await settings('specialties: {frontend: {needs: [backend]}}\n');
  const { number: issue } = await alice.openIssue({ repository: fullName, title: 'Both' });
  await alice.comment(fullName, issue, '/agent run frontend\n\n/agent run backend');
  await world.settle();
  const frontend = async () => (await world.jobsOf(issue)).find((job) => job.specialty === 'frontend');
  expect(await frontend()).toMatchObject({ state: 'held', waitCode: 'its_turn' });
  expect(statusOf(issue)).toContain('By the settings, frontend comes after backend.');
  expect(await explain({ issueNumber: issue, label: 'agent:frontend' })).toMatch(
    /wait +order +By the settings, frontend comes after backend/,
  );

  const { job } = await yard.work(issue, aResult(), { 'src/both.js': '1' }, 'backend');
  const [pull] = pullsOf(issue);
  expect(pull?.body).toMatch(/^Part of #/);
  expect(plain(statusOf(issue))).toContain(`once pull request #${pull?.number} of backend is merged`);
  await alice.comment(fullName, issue, '/agent why');
  await world.settle();
  expect(plain(world.commentsOf(issue).at(-1)?.body ?? '')).toMatch(
    /comes after backend[^]*Queue: on hold, for the reason above; `\/agent unhold frontend` lets it go on now/,
  );
  await alice.mergePullRequest(fullName, pull?.number ?? 0);
  await world.settle();

  const now = await frontend();
  const attempt = now?.attemptId == null ? null : await store.attempts.get(now.attemptId);
  expect(now).toMatchObject({ state: 'queued', stateReason: null, ready: true });
  expect(now?.branch).not.toBe(job.branch);
  expect(attempt?.base?.commit).toBe((await standin.state.branches(fullName))['main']);
});

test('without a label, the type or the words of an issue pick the specialty, which is told; a guess is not enough', async () => {
  const { standin, fullName } = world;
  const alice = standin.as('alice');
  await settings('routing: [{specialty: backend, types: [Bug]}]\n');
  const run = async (title: string, type?: string) => {
    const { number } = await alice.openIssue({ repository: fullName, title });
    if (type !== undefined) await alice.setIssueType(fullName, number, type);
    await alice.comment(fullName, number, '/agent run');
    await world.settle();
    return number;
  };
  const [typed, unsure] = [await run('Sums are wrong', 'Bug'), await run('The page is empty')];

  expect(await world.jobsOf(typed)).toMatchObject([{ specialty: 'backend', issue: { type: 'Bug' } }]);
  expect(statusOf(typed)).toContain('🧭 backend was picked, since its type is Bug.');
  expect(await world.jobsOf(unsure)).toEqual([]);
  expect(world.commentsOf(unsure).at(-1)?.body).toMatch(
    /It looks like `frontend`, since it has the word “page”; but that is not sure\. .*or add the label `agent:frontend`/,
  );
});

test('an issue with open sub-issues waits for its parts', async () => {
  const { standin, fullName } = world;
  const alice = standin.as('alice');
  const open = async (title: string) => (await alice.openIssue({ repository: fullName, title })).number;
  const [parent, part, done] = [await open('Whole'), await open('Part'), await open('Done')];
  await alice.addSubIssue(fullName, parent, part);
  await alice.addSubIssue(fullName, parent, done);
  await alice.closeIssue(fullName, done);
  await alice.addLabel(fullName, parent, 'agent:backend');
  await world.settle();
  expect(plain(commentOf(parent))).toContain(
    `It has an open sub-issue: #${part}; work on its parts comes first.`,
  );

  await alice.closeIssue(fullName, part);
  await world.settle();

  expect(await world.jobsOf(parent)).toMatchObject([{ state: 'queued', ready: true }]);
});

test('paused by the settings, nothing begins until they say otherwise', async () => {
  const { standin, fullName } = world;
  const alice = standin.as('alice');
  const { number: waiting } = await alice.openIssue({ repository: fullName, title: 'In the queue already' });
  await alice.comment(fullName, waiting, '/agent run backend');
  await world.settle();
  expect(await world.jobsOf(waiting)).toMatchObject([{ state: 'queued' }]);

  await settings('defaults: {paused: true}\n');
  await world.settle();
  const { number: asked } = await alice.openIssue({
    repository: fullName,
    title: 'Asked for while it is paused',
  });
  const { number: freed } = await alice.openIssue({ repository: fullName, title: 'Let go on all the same' });
  for (const issue of [asked, freed]) await alice.comment(fullName, issue, '/agent run backend');
  await world.settle();
  await alice.comment(fullName, freed, '/agent unhold');
  await world.settle();

  for (const issue of [waiting, asked]) {
    expect(await world.jobsOf(issue)).toMatchObject([{ state: 'held', waitCode: 'paused' }]);
    expect(plain(statusOf(issue))).toContain(
      'The settings of the repository pause this work (`paused: true`).',
    );
  }
  expect(await world.jobsOf(freed)).toMatchObject([{ state: 'queued' }]);
  expect(await explain({ issueNumber: asked, label: 'agent:frontend' })).toMatch(
    /a job would wait\. The settings/,
  );

  await settings('{}\n');
  await world.settle();

  for (const issue of [waiting, asked, freed])
    expect(await world.jobsOf(issue)).toMatchObject([{ state: 'queued', stateReason: null }]);
});
