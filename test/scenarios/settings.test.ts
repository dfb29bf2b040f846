import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSweepWorld } from '../support/sweep-world.ts';

const PATH = '.github/yardmaster.yml';

/** One coordinator and one GitHub for all; each test has a branch of its own. */
let world: Awaited<ReturnType<typeof openSweepWorld>>;
beforeAll(async () => {
  world = await openSweepWorld();
}, 60_000);
afterAll(() => world[Symbol.asyncDispose]());

/** A pull request of alice's whose branch has these files. */
async function propose(branch: string, files: Record<string, string | null>) {
  const { standin, fullName } = world;
  const head = await standin.as('alice').pushFiles(fullName, branch, files, 'Change');
  const pull = await standin.as('alice').openPullRequest(fullName, { head: branch, title: 'Change' });
  await world.settle();
  return { head, number: pull.number };
}

const checksOn = (commit: string) =>
  world.standin.state.checkRuns(world.fullName, commit).filter(({ name }) => name === 'Yardmaster settings');

test('a pull request that changes the settings is told what they mean, or each mistake on its line', async () => {
  const { standin, fullName, github, target } = world;
  const { head, number } = await propose('settings', {
    [PATH]: 'labels:\n  bug: backend\nlimits: {person: {jobs: 3}}\n',
  });

  expect(checksOn(head)).toMatchObject([{ status: 'completed', conclusion: 'success' }]);
  expect(checksOn(head)[0]?.output.summary).toMatch(/`bug`.*\| `backend` \|/);
  expect(checksOn(head)[0]?.output.summary).toContain('for each person 3 jobs');

  const worse = await standin
    .as('alice')
    .pushFiles(
      fullName,
      'settings',
      { [PATH]: 'labels:\n  bug: backend\ndefaults:\n  tset: x\n  max_turns: 0\n' },
      'Slip',
    );
  await world.settle();
  const [check] = checksOn(worse);
  const octokit = await world.factory.octokitFor(target.installationId);
  const { data: annotations } = await octokit.rest.checks.listAnnotations({
    owner: target.repository.owner,
    repo: target.repository.name,
    check_run_id: check?.id ?? 0,
  });

  expect(check).toMatchObject({ conclusion: 'failure', output: { title: 'The settings have 2 mistakes' } });
  expect(annotations).toMatchObject([
    {
      path: PATH,
      start_line: 4,
      title: 'defaults.tset',
      message: expect.stringContaining('did you mean "test"'),
    },
    { path: PATH, start_line: 5, title: 'defaults.max_turns' },
  ]);
  // None of it is in force before it is merged.
  expect(await github.readSettingsFile(target)).toBeNull();
  expect(await world.store.memory.keptSettings(target.repository.id)).toBeNull();

  await standin.as('alice').rerequestCheckRun(fullName, check?.id ?? 0);
  await world.settle();
  expect(checksOn(worse)).toMatchObject([{ id: check?.id, status: 'completed', conclusion: 'failure' }]);
  expect(standin.state.pullRequests(fullName).map((pull) => pull.number)).toContain(number);
});

test('other pull requests get no such check run, for one look at their files', async () => {
  const requests = await world.requestsOf(async () => {
    const { head } = await propose('other', { 'README.md': 'Hello there\n' });
    expect(checksOn(head)).toEqual([]);
  });

  expect(requests.filter((request) => request.includes('/files'))).toHaveLength(1);
  expect(requests.filter((request) => request.includes('/contents/'))).toEqual([]);
});

test('what a stranger’s file extends is not looked at; that of somebody who may write has to be there', async () => {
  const { acceptTrigger, target } = world;
  const { head, number } = await propose('extends', { [PATH]: 'labels: {}\n_extends: secrets:plans.yml\n' });
  const [own] = checksOn(head);
  await acceptTrigger({
    kind: 'settings_proposed',
    key: 'from a fork',
    target,
    pullRequestNumber: number,
    headCommit: head,
    branch: 'extends',
    isFork: true,
  });
  const requests = await world.requestsOf(() => world.settle());

  expect(own).toMatchObject({ conclusion: 'failure', output: { annotations_count: 1 } });
  expect(checksOn(head).at(-1)).toMatchObject({ conclusion: 'success' });
  expect(checksOn(head).at(-1)?.output.summary).toContain('comes from a fork');
  expect(requests.filter((request) => request.includes('secrets'))).toEqual([]);
});

test('without the file, it is told what would count then', async () => {
  const { standin, fullName } = world;
  await standin.as('alice').pushFiles(fullName, 'main', { [PATH]: 'labels: {bug: backend}\n' }, 'Settings');
  const { head } = await propose('removal', { [PATH]: null });

  expect(checksOn(head)).toMatchObject([
    { conclusion: 'neutral', output: { title: 'The settings file is removed' } },
  ]);
  expect(checksOn(head)[0]?.output.summary).toContain('the built-in settings');
});

test('who may start work is said by the settings, the same for people by label and command, and for bots by name', async () => {
  const { standin, fullName, target, store } = world;
  const triggers = 'triggers: {teams: [acme/crew], bots: ["helper[bot]"]}\n';
  await standin.as('alice').pushFiles(fullName, 'main', { [PATH]: triggers }, 'Who may');
  standin.createUser('bob');
  for (const bot of ['helper[bot]', 'other[bot]']) standin.createBot(bot);
  for (const login of ['bob', 'helper[bot]', 'other[bot]']) standin.setRole(fullName, login, 'write');
  standin.setTeam('acme', 'crew', ['alice']);
  const anIssue = async (title: string) =>
    (await standin.as('alice').openIssue({ repository: fullName, title, labels: [] })).number;
  const jobsOf = async (issue: number) =>
    (await store.jobs.ofIssue(target.repository.id, issue, 10))
      .toReversed()
      .map(({ state, requestedBy, stateReason }) => ({ state, requestedBy, stateReason }));
  const wordsOf = (issue: number) => standin.state.comments(fullName, issue).map(({ body }) => body ?? '');

  // The App lacks the permission that it takes to know teams: nobody starts, and is told what is missing where.
  const issue = await anIssue('By a member');
  await standin.as('alice').addLabel(fullName, issue, 'agent:backend');
  await world.settle();
  expect(await jobsOf(issue)).toMatchObject([
    {
      state: 'refused',
      stateReason: expect.stringMatching(/membership of acme\/crew.*members: read.*grant it at/),
    },
  ]);

  await standin.acceptNewPermissions(target.installationId, {
    metadata: 'read',
    issues: 'write',
    pull_requests: 'write',
    checks: 'write',
    contents: 'write',
    members: 'read',
  });
  await standin.as('alice').removeLabel(fullName, issue, 'agent:backend');
  await standin.as('alice').addLabel(fullName, issue, 'agent:backend');
  await standin.as('bob').comment(fullName, issue, '/agent run frontend');
  await world.settle();
  expect(await jobsOf(issue)).toMatchObject([
    { state: 'refused' },
    { state: 'queued', requestedBy: 'alice' },
  ]);
  expect(wordsOf(issue).join('\n')).toMatch(/bob may not start work here/);

  const ofBots = await anIssue('By bots');
  await standin.as('other[bot]').comment(fullName, ofBots, '/agent run testing');
  await standin.as('other[bot]').addLabel(fullName, ofBots, 'agent:backend');
  await world.settle();
  expect(await jobsOf(ofBots)).toEqual([]);
  expect(wordsOf(ofBots)).toHaveLength(1);
  await standin.as('helper[bot]').comment(fullName, ofBots, '/agent run frontend');
  await world.settle();
  expect(await jobsOf(ofBots)).toMatchObject([{ state: 'queued', requestedBy: 'helper[bot]' }]);
});

test('work is as urgent as the labels of its issue say, as long as it waits and nobody says otherwise', async () => {
  const { standin, fullName, jobsOf } = world;
  const alice = standin.as('alice');
  const settings = 'priority_labels: {security: high, "@someday `x`": low}\n';
  await alice.pushFiles(fullName, 'main', { [PATH]: settings }, 'What is urgent');
  const { number } = await alice.openIssue({ repository: fullName, title: 'Urgent', labels: ['Security'] });
  const urgency = async () =>
    (await jobsOf(number)).map(({ priority, prioritySource }) => [priority, prioritySource]);
  const turn = async (how: 'addLabel' | 'removeLabel', label: string) => {
    await alice[how](fullName, number, label);
    await world.settle();
  };

  await turn('addLabel', 'agent:testing');
  expect(await urgency()).toEqual([[10, { by: 'label', label: 'Security' }]]);

  await turn('addLabel', '@someday `x`');
  await turn('removeLabel', 'Security');
  expect(await urgency()).toEqual([[-10, { by: 'label', label: '@someday `x`' }]]);
  await alice.comment(fullName, number, '/agent why');
  await world.settle();
  expect(world.commentsOf(number).at(-1)?.body).toMatch(/Priority: low, by the label `` .*someday `x` ``/);

  // A webhook that never came.
  standin.webhooks.faults.dropNext(1, ({ action }) => action === 'unlabeled');
  await turn('removeLabel', '@someday `x`');
  expect(await urgency()).toMatchObject([[-10, { by: 'label' }]]);
  await world.sweep('issues');
  expect(await urgency()).toEqual([[0, null]]);

  await alice.comment(fullName, number, '/agent priority normal');
  await world.settle();
  await turn('addLabel', 'Security');
  await world.sweep('issues');
  expect(await urgency()).toEqual([[0, { by: 'person' }]]);
});

test('where somebody’s open pull request would close the issue, work is refused with the link, unless it is wanted anyway', async () => {
  const { standin, fullName, jobsOf, commentsOf, settle } = world;
  const alice = standin.as('alice');
  standin.createUser('carol');
  standin.setRole(fullName, 'carol', 'write');
  const { number } = await alice.openIssue({ repository: fullName, title: 'Wanted twice' });
  await standin.as('carol').pushFiles(fullName, 'by-hand', { 'by-hand.md': 'Done\n' }, 'By hand');
  const pull = await standin
    .as('carol')
    .openPullRequest(fullName, { head: 'by-hand', title: 'By hand', body: `Fixes #${number}` });

  await alice.addLabel(fullName, number, 'agent:testing');
  await settle();
  expect(await jobsOf(number)).toMatchObject([{ state: 'refused' }]);
  expect(commentsOf(number)[0]?.body).toMatch(
    new RegExp(
      `\\[Pull request #${pull.number}\\]\\(\\S+/pull/${pull.number}\\) by carol is open and would close`,
    ),
  );
  await alice.comment(fullName, number, '/agent retry');
  await settle();
  expect(commentsOf(number).at(-1)?.body).toContain('write `/agent retry testing --anyway`');

  await alice.comment(fullName, number, '/agent run testing --anyway');
  await settle();
  expect((await jobsOf(number))[0]).toMatchObject({ state: 'queued' });

  // A stranger's stops nothing, and is told of.
  standin.createUser('mallory');
  standin.setRole(fullName, 'mallory', 'write');
  const { number: wanted } = await alice.openIssue({ repository: fullName, title: 'In the way' });
  await standin.as('carol').pushFiles(fullName, 'in-the-way', { 'in-the-way.md': 'No\n' }, 'No');
  const theirs = await standin
    .as('mallory')
    .openPullRequest(fullName, { head: 'in-the-way', title: 'Mine', body: `Closes #${wanted}` });
  // The stand-in has no forks: from here on they have no more rights than somebody with one.
  standin.setRole(fullName, 'mallory', 'none');
  await alice.addLabel(fullName, wanted, 'agent:testing');
  await settle();
  expect(await jobsOf(wanted)).toMatchObject([{ state: 'queued' }]);
  expect(commentsOf(wanted)[0]?.body).toContain(
    `[Pull request #${theirs.number}](${theirs.html_url}) by mallory would close this`,
  );

  // What GitHub does not tell, as an older server, keeps no work from being done.
  const { number: other } = await alice.openIssue({ repository: fullName, title: 'Not told' });
  standin.faults.add({
    path: '/graphql',
    status: 200,
    body: { errors: [{ message: "Field 'closedByPullRequestsReferences' doesn't exist" }] },
  });
  await alice.addLabel(fullName, other, 'agent:testing');
  await settle();
  expect(await jobsOf(other)).toMatchObject([{ state: 'queued' }]);
});

test('a repository without a file has the settings of its organisation, as they are in .github', async () => {
  const { standin, settle, store } = world;
  const alice = standin.as('alice');
  standin.createOrganization('globex');
  const files = { [PATH]: 'labels: {chore: devops}\nlimits: {person: {jobs: 1}}\n' };
  await standin.createRepository({ owner: 'globex', name: '.github', files });
  await standin.createRepository({ owner: 'globex', name: 'plain', files: { 'README.md': 'Plain\n' } });
  standin.setRole('globex/plain', 'alice', 'write');
  await standin.install('globex');
  await settle();

  const jobs = [];
  for (const title of ['The first', 'One too many']) {
    const { number } = await alice.openIssue({ repository: 'globex/plain', title });
    await alice.addLabel('globex/plain', number, 'chore');
    await settle();
    jobs.push(...(await store.jobs.ofIssue(standin.state.repository('globex/plain').id, number, 10)));
  }

  expect(jobs).toMatchObject([
    { state: 'queued', specialty: 'devops', label: 'chore' },
    { state: 'refused', specialty: 'devops', stateReason: expect.stringContaining('limit for alice') },
  ]);
});

test('every specialty has its label from the installation on, and from when the settings name it', async () => {
  const { standin, settle } = world;
  const fullName = 'initech/tools';
  const namesOf = () =>
    standin.state
      .labels(fullName)
      .map(({ name }) => name)
      .filter((name) => name.startsWith('agent:'));
  standin.createOrganization('initech');
  const files = { [PATH]: 'specialties: {data-science: {}}\n' };
  await standin.createRepository({ owner: 'initech', name: 'tools', files });
  standin.setRole(fullName, 'alice', 'write');

  await standin.install('initech');
  await settle();
  const builtIn = ['agent:backend', 'agent:frontend', 'agent:testing', 'agent:devops'];
  expect(namesOf()).toEqual(expect.arrayContaining([...builtIn, 'agent:data-science']));

  const alice = standin.as('alice');
  await alice.pushFiles(fullName, 'draft', { [PATH]: 'specialties: {never: {}}\n' }, 'Not merged');
  const requests = await world.requestsOf(async () => {
    await alice.pushFiles(fullName, 'main', { 'README.md': 'Tools\n' }, 'Other things');
    await settle();
  });
  expect(requests).toEqual([]);

  await alice.pushFiles(fullName, 'main', { [PATH]: 'specialties: {docs: {}}\n' }, 'Docs, too');
  await settle();
  // A label that is there already is left alone, and none is taken away.
  expect(namesOf()).toEqual(expect.arrayContaining(['agent:data-science', 'agent:docs']));
  expect(namesOf()).not.toContain('agent:never');
});
