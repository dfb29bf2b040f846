import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Spending, toDayStartMs } from '../../src/domain/spending.ts';
import { aResult } from '../support/job-builders.ts';
import { openWorkingWorld } from '../support/working-world.ts';

/** One coordinator, one runner and one GitHub for all; each test has issues of its own. */
let yard: Awaited<ReturnType<typeof openWorkingWorld>>;
let world: (typeof yard)['world'];
beforeAll(async () => {
  yard = await openWorkingWorld();
  ({ world } = yard);
  for (const [login, role] of [
    ['rita', 'write'],
    ['carol', 'write'],
    ['mallory', 'read'],
  ] as const) {
    world.standin.createUser(login);
    world.standin.setRole(world.fullName, login, role);
  }
}, 60_000);
afterAll(() => yard[Symbol.asyncDispose]());

/** From now on. */
async function settings(text: string): Promise<void> {
  const files = { '.github/yardmaster.yml': text };
  await world.standin.as('alice').pushFiles(world.fullName, 'main', files, 'Settings');
}

/** Opens an issue and labels it, and waits until all that follows from it is done. */
async function ask(
  issue: { title: string; body?: string },
  label = 'agent:backend',
  login = 'alice',
): Promise<number> {
  const person = world.standin.as(login);
  const { number } = await person.openIssue({ repository: world.fullName, ...issue });
  await person.addLabel(world.fullName, number, label);
  await world.settle();
  return number;
}

function pullOf(issue: number) {
  const pulls = world.standin.state.pullRequests(world.fullName);
  const pull = pulls.find(({ head }) => head.ref.startsWith(`agent/${issue}-`));
  if (pull === undefined) throw new Error(`#${issue} has no pull request`);
  return pull;
}

/** Text of the issue's status comment. */
const statusOf = (issue: number): string =>
  world.commentsOf(issue).find(({ body }) => body?.startsWith('<!-- yardmaster:status'))?.body ?? '';

const statesOf = async (issue: number) =>
  (await world.jobsOf(issue)).map(({ kind, state }) => `${kind} ${state}`).toReversed();

async function review(
  pull: number,
  login: string,
  said: { event?: 'REQUEST_CHANGES' | 'COMMENT'; body?: string; onLine?: string } = {},
): Promise<void> {
  const { event = 'REQUEST_CHANGES', body = 'Look.', onLine = `Not yet, says ${login}.` } = said;
  const comments = [{ path: 'src/round.js', line: 1, body: onLine }];
  await world.standin.as(login).reviewPullRequest(world.fullName, pull, { event, body, comments });
  await world.settle();
}

async function usedToday(): Promise<Spending> {
  const nowMs = await world.store.nowMs();
  const time = { sinceMs: toDayStartMs(nowMs), nowMs };
  return (await world.store.spending.ofDay({ repositoryId: world.target.repository.id }, time)).used;
}

const notesOn = (pull: number) => world.commentsOf(pull).map(({ body }) => body ?? '');

/** What the newest command on the issue was answered. */
async function answerTo(issue: number, command: string): Promise<string> {
  await world.standin.as('alice').comment(world.fullName, issue, command);
  await world.settle();
  return world.commentsOf(issue).at(-1)?.body ?? '';
}

test('after five rounds in a row a person has to look, and a command in a thread begins anew', async () => {
  const { standin, fullName } = world;
  const issue = await ask({ title: 'Sums are wrong' });
  await yard.work(issue, aResult(), { 'src/round.js': '0\n' });
  const { number } = pullOf(issue);

  await review(number, 'mallory');
  expect(await statesOf(issue)).toEqual(['resolve succeeded']);
  await review(number, 'rita');
  // During a round: the next one, of itself.
  await review(number, 'rita');
  expect(notesOn(number)).toEqual([expect.stringContaining('nobody has to ask again')]);
  for (let round = 1; round <= 5; round += 1) {
    await yard.work(issue, aResult(), { 'src/round.js': `${round}\n` });
    if (round > 1) await review(number, 'rita');
  }
  // Said once.
  await review(number, 'rita');

  expect(await statesOf(issue)).toEqual(['resolve succeeded', ...Array<string>(5).fill('revise succeeded')]);
  expect(pullOf(issue).labels.map(({ name }) => name)).toEqual(['agent:needs-human']);
  expect(notesOn(number).filter((text) => text.includes('reworked'))).toEqual([
    expect.stringContaining('5 times'),
  ]);

  const [thread] = standin.state.reviewComments(fullName, number).slice(-1);
  await standin.as('rita').replyToReview(fullName, number, thread?.id ?? 0, '/agent fix Count from one.');
  await world.settle();
  expect((await world.jobsOf(issue))[0]).toMatchObject({
    state: 'queued',
    instructions: 'Count from one.',
    revision: { round: 6, counted: 1, cause: 'asked' },
  });
  expect(pullOf(issue).labels).toEqual([]);
  await standin.as('rita').closePullRequest(fullName, number);
  await world.settle();
}, 60_000);

test('of two jobs that are asked for where one may be at work, the second waits, says why, and begins after the first', async () => {
  await settings('concurrency: 1\n');
  const first = await ask({ title: 'One' });
  const second = await ask({ title: 'Two' });
  await yard.assign();
  await world.settle();

  expect(await statesOf(first)).toEqual(['resolve offered']);
  expect(await statesOf(second)).toEqual(['resolve queued']);
  expect(statusOf(second)).toContain(
    '> 1 of 1 jobs of this repository are at work (concurrency in the settings). It begins when one of them has ended.',
  );
  expect(await answerTo(second, '/agent unhold')).toContain(
    'Nothing is on hold: the `backend` work waits for a runner.',
  );
  expect(await answerTo(first, '/agent priority high')).toContain('A runner has it already, so its place');

  await yard.work(first, aResult(), { 'src/one.js': '1' });
  await yard.work(second, aResult(), { 'src/two.js': '2' });
  expect(await statesOf(second)).toEqual(['resolve succeeded']);
  await settings('{}\n');
});

test('what reviews say that no webhook tells of is found later, but for commands in a text that may be another by now', async () => {
  const { standin, fullName } = world;
  await world.sweep('installations', 'issues');
  const issue = await ask({ title: 'Reviewed while nobody listened' });
  await yard.work(issue, aResult(), { 'src/round.js': '0\n' });
  const { number } = pullOf(issue);
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const lost = ({ event }: { event: string }) => event.startsWith('pull_request_review');

  standin.webhooks.faults.dropNext(4, lost);
  await review(number, 'mallory', { event: 'COMMENT', body: '/agent help', onLine: '/agent fix All.' });
  await review(number, 'rita', { event: 'COMMENT', body: '/agent help', onLine: '/agent fix Sums.' });
  expect(await statesOf(issue)).toEqual(['resolve succeeded']);
  await world.sweep('issues', 'issues');
  await world.settle();

  expect((await world.jobsOf(issue))[0]).toMatchObject({
    instructions: 'Sums.',
    requestedBy: 'rita',
    revision: { round: 1, cause: 'asked' },
  });
  expect(notesOn(number)).toEqual([expect.stringMatching(/review by rita late, .* write them in a comment/)]);

  await yard.work(issue, aResult(), { 'src/round.js': '1\n' });
  standin.webhooks.faults.dropNext(2, lost);
  await review(number, 'rita');
  await world.sweep('issues', 'issues');
  await world.settle();
  expect((await world.jobsOf(issue))[0]).toMatchObject({
    state: 'queued',
    revision: { round: 2, cause: 'review', threads: [{}] },
  });
  // What all of them say comes late, and is known.
  await world.sweep('deliveries');
  await world.settle();
  expect(await world.jobsOf(issue)).toHaveLength(3);
  await standin.as('rita').closePullRequest(fullName, number);
  await world.settle();
}, 60_000);

test('a commit status that fails on a pull request begins a round at once, if the settings want that', async () => {
  const { standin, fullName, target } = world;
  const granted = { metadata: 'read', issues: 'write', checks: 'write', contents: 'write' } as const;
  await standin.acceptNewPermissions(target.installationId, {
    ...granted,
    pull_requests: 'write',
    statuses: 'read',
  });
  const token = standin.createUserToken('alice');
  const fail = async (commit: string) => {
    const { ok } = await fetch(`${standin.url}/api/v3/repos/${fullName}/statuses/${commit}`, {
      method: 'POST',
      headers: { authorization: `token ${token}`, 'content-type': 'application/json', 'user-agent': 'ci' },
      body: JSON.stringify({ state: 'failure', context: 'ci/jenkins', description: 'build 7 is red' }),
    });
    expect(ok).toBe(true);
    await world.settle();
  };
  const unwanted = await ask({ title: 'Left to people' });
  await fail((await yard.work(unwanted, aResult(), { 'src/left.js': '1' })).headCommit);
  await settings('defaults: {pull_request: {fix_ci: true}}\n');
  const issue = await ask({ title: 'Red at the old CI' });
  const { headCommit } = await yard.work(issue, aResult(), { 'src/red.js': '1' });

  const { main = '' } = await standin.state.branches(fullName);
  await fail(main);
  expect(await statesOf(issue)).toEqual(['resolve succeeded']);
  await fail(headCommit);
  await fail(headCommit);

  expect(await world.jobsOf(issue)).toMatchObject([
    { revision: { cause: 'checks', checks: [{ name: 'ci/jenkins', output: 'build 7 is red' }] } },
    { kind: 'resolve' },
  ]);
  expect(await statesOf(unwanted)).toEqual(['resolve succeeded']);

  await settings('defaults: {pull_request: {fix_ci: 2}}\n');
  const twice = await ask({ title: 'Red once more' });
  const { headCommit: head } = await yard.work(twice, aResult(), { 'src/twice.js': '1' });
  for (let round = 0; round < 2; round += 1) {
    await fail(head);
    await yard.work(twice, aResult({ outcome: 'no_changes' }));
  }
  await fail(head);
  expect(await statesOf(twice)).toEqual(['resolve succeeded', 'revise failed', 'revise failed']);
  await settings('{}\n');
  await standin.as('alice').closePullRequest(fullName, pullOf(issue).number);
  await world.settle();
});

test('a limit of the day: a warning, a job that gets what is left, a draft of what it came to, and no more', async () => {
  await yard.work(await ask({ title: 'Paid for' }), aResult(), { 'src/paid.js': '1' });
  const used = await usedToday();
  const usd = Math.ceil(used.costUsd * 110) / 100;
  await settings(`limits: {repository: {usd: ${usd}}}\n`);

  const issue = await ask({ title: 'Too expensive' });
  expect(statusOf(issue)).toMatch(/⚠️ The limit for acme\/\S+ is nearly used up for today: \\\$/);

  const unfinished = 'The agent has used all the money of this job.';
  const usage = { ...aResult().usage, costUsd: usd - used.costUsd };
  const { attempt } = await yard.work(issue, aResult({ unfinished, usage }), { 'src/half.js': '1' });
  expect(attempt.budget?.maxBudgetUsd).toBeCloseTo(usd - used.costUsd, 5);
  expect(statusOf(issue)).toMatch(/⚠️ .*limits leave .*becomes a draft pull request/);
  const next = await ask({ title: 'One more' });

  expect(pullOf(issue)).toMatchObject({ draft: true });
  expect(pullOf(issue).body).toMatch(
    /\*\*Unfinished\.\*\*[^]*> The agent has used all the money of this job\./,
  );
  expect(await statesOf(next)).toEqual(['resolve refused']);
  expect(statusOf(next)).toMatch(/> The limit for acme\/\S+ is used up for today: .*00:00 UTC/);

  await settings(`limits: {repository: {jobs: ${used.jobs + 1}}}\n`);
  const many = await ask({ title: 'Too many in all' });
  expect(statusOf(many)).toMatch(/> The limit for acme\/\S+ is used up for today: (\d+) of \d+ jobs\./);

  await world.store.attempts.change(attempt.id, {
    acceptedAtMs: ((await yard.jobOf(issue)).attempt.finishedAtMs ?? 0) - 61_000,
  });
  await settings('limits: {repository: {minutes: 1}}\n');
  const long = await ask({ title: 'Too long' });
  expect(statusOf(long)).toMatch(/> The limit for acme\/\S+ is used up for today: \d+ of 1 minute\./);

  await settings('limits: {person: {jobs: 1}}\n');
  const again = await ask({ title: 'Too many by one person' });
  const carols = await ask({ title: 'The first by another' }, 'agent:backend', 'carol');
  expect(statusOf(again)).toMatch(/> The limit for alice is used up for today: \d+ of 1 job\./);
  expect(await statesOf(carols)).toEqual(['resolve queued']);
  await settings('{}\n');
});

test('a mistake in the settings leaves the last good ones in force, and is said on one issue, not on all', async () => {
  await settings('labels: {please: frontend}\n');
  const before = await ask({ title: 'While they are good' }, 'please');
  await settings('labels: {please: frontend}\ndefaults: {tset: x}\n');

  const first = await ask({ title: 'The first after the mistake' }, 'please');
  const second = await ask({ title: 'The second' }, 'please');

  for (const issue of [before, first, second])
    expect(await world.jobsOf(issue)).toMatchObject([{ state: 'queued', specialty: 'frontend' }]);
  expect(statusOf(first)).toMatch(/Please mend the settings:[^]*defaults\.tset[^]*did you mean "test"/);
  expect([statusOf(before), statusOf(second)].join()).not.toContain('mend the settings');
  await settings('{}\n');
});

test('what was chosen in an issue form, or paths and words of the text, pick the specialty and are told', async () => {
  await settings(
    'routing: [{specialty: devops, fields: {Area: [Pipeline]}}, {specialty: frontend, paths: [web], words: [checkout]}]\n',
  );
  const run = async (title: string, body: string) => {
    const alice = world.standin.as('alice');
    const { number } = await alice.openIssue({ repository: world.fullName, title, body });
    await alice.comment(world.fullName, number, '/agent run');
    await world.settle();
    return number;
  };

  const form = await run('It is slow', '### Area\n\nPipeline\n\n### What happens?\n\n_No response_');
  const words = await run('The checkout is slow', 'See `web/cart.ts`.');

  expect(await world.jobsOf(form)).toMatchObject([{ specialty: 'devops' }]);
  expect(statusOf(form)).toMatch(/🧭 devops was picked, since .*Area.*Pipeline/);
  expect(await world.jobsOf(words)).toMatchObject([{ specialty: 'frontend' }]);
  expect(statusOf(words)).toMatch(/🧭 frontend was picked, since .*web.*checkout/);
  await settings('{}\n');
});

test('a title that turns the reading direction, with emoji, goes through branch, check run and pull request as people read it', async () => {
  const { standin, fullName } = world;
  const title = '\u202Eإصلاح السلة 🛒 فارغة\u202C closes #1 @mallory';

  const issue = await ask({ title, body: 'هنا.' });
  const { job } = await yard.work(issue, aResult(), { 'src/rtl.js': '1' });

  const pull = pullOf(issue);
  const texts = [pull.title, pull.body ?? '', statusOf(issue)];
  const runs = standin.state.checkRuns(fullName).filter(({ external_id: id }) => id?.startsWith(job.id));
  texts.push(...runs.map(({ output }) => `${output.title} ${output.summary}`));
  expect(job.branch).toBe(`agent/${issue}-closes-1-mallory`);
  expect(pull.title).toMatch(/^إصلاح السلة 🛒 فارغة closes #\u200B1 @\u200Bmallory$/);
  expect(runs).toHaveLength(2);
  // Nothing turns what comes after it.
  expect(texts.join()).not.toMatch(/[\u202A-\u202E\u2066-\u2069]/);
});

test('the queue tells when work may start, once some has ended and the runner has room', async () => {
  const issue = await ask({ title: 'When?' });

  await world.standin.as('alice').comment(world.fullName, issue, '/agent why');
  await world.settle();

  const answer = world.commentsOf(issue).at(-1)?.body ?? '';
  expect(answer).toMatch(/✅ Needs: `be-1` meets them all, and has room\./);
  expect(answer).toContain('estimated start: any moment.');
});

test('a permission that the App does not have is named where people look, with the page where it is granted', async () => {
  const { standin, target } = world;
  const issue = await ask({ title: 'Without a permission' });
  const without = { metadata: 'read', issues: 'write', checks: 'write', contents: 'write' } as const;
  await standin.acceptNewPermissions(target.installationId, { ...without, pull_requests: 'read' });
  // Tokens from before are as good as they were.
  standin.expireTokens(target.installationId);

  await yard.work(issue, aResult(), { 'src/denied.js': '1' });

  expect(statusOf(issue)).toMatch(
    /lacks a permission there \(.*pull.?requests.*\): grant it at \S+, then ask again/i,
  );
});

test('what a day may cost holds for a queue: each begins with what is left, the last one waits, says so, and goes on the next day', async () => {
  const { standin, store, fullName, target } = world;
  for (const { issue } of await store.jobs.liveOfRepository(target.repository.id))
    await standin.as('alice').closeIssue(fullName, issue.number);
  await world.settle();
  const usd = (await usedToday()).costUsd + 5;
  await settings(`limits: {repository: {usd: ${usd}}}\n`);
  const [first, second, third] = [
    await ask({ title: 'First' }),
    await ask({ title: 'Second' }),
    await ask({ title: 'Third' }),
  ];
  const costs = (costUsd: number) =>
    aResult({ outcome: 'no_changes', headCommit: null, usage: { ...aResult().usage, costUsd } });

  await yard.work(first, costs(4));
  await yard.assign();
  await world.settle();

  expect((await yard.jobOf(second)).attempt.budget?.maxBudgetUsd).toBeCloseTo(1, 5);
  expect(await statesOf(third)).toEqual(['resolve queued']);
  expect(statusOf(third)).toMatch(
    /> What the limit for acme\/\S+ leaves for today is set aside for work under/,
  );

  await yard.work(second, costs(1));
  await yard.assign();
  await standin.as('alice').comment(fullName, third, '/agent why');
  await world.settle();

  const isUsedUp =
    /The limit for acme\/\S+ is used up for today: .* It goes on at 00:00 UTC, or when the limit/;
  expect(await statesOf(third)).toEqual(['resolve queued']);
  expect(statusOf(third)).toMatch(isUsedUp);
  expect(world.commentsOf(third).at(-1)?.body).toMatch(/- ⏳ Budget: The limit for .* goes on at 00:00 UTC/);

  world.turnClock(24 * 60 * 60 * 1000);
  await yard.poll();

  expect((await yard.jobOf(third)).job).toMatchObject({ state: 'offered', stateReason: null });
});
