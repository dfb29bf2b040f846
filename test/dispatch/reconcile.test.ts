import { describe, expect, test } from 'vitest';
import { openSweepWorld } from '../support/sweep-world.ts';
import { until } from '../support/until.ts';

describe('failed deliveries', () => {
  test('what the inbox lacks is sent again, once for each webhook, and starts one job', async () => {
    await using world = await openSweepWorld();
    world.standin.webhooks.faults.dropNext(1, ({ action }) => action === 'labeled');
    const issue = await world.ask();
    await world.settle();
    expect(await world.jobsOf(issue)).toEqual([]);

    const findings = [await world.sweep('deliveries'), await world.sweep('deliveries')].flat();

    expect(findings).toEqual([{ redelivered: 1 }, { redelivered: 0 }]);
    expect(await world.jobsOf(issue)).toHaveLength(1);
  });

  test('what could be stored at the second attempt is not asked for again', async () => {
    await using world = await openSweepWorld();
    world.standin.webhooks.faults.dropNext(1, ({ action }) => action === 'labeled');
    const issue = await world.ask();
    await world.settle();
    const failed = world.standin.webhooks.deliveries().find(({ statusCode }) => statusCode >= 300);
    world.standin.webhooks.redeliver(failed?.id ?? 0);
    await world.settle();

    expect(await world.sweep('deliveries')).toEqual([{ redelivered: 0 }]);
    expect(await world.jobsOf(issue)).toHaveLength(1);
  });

  test('one that GitHub does not redeliver holds back no other', async () => {
    await using world = await openSweepWorld();
    world.standin.webhooks.faults.dropNext(2, ({ action }) => action === 'labeled');
    const issues = [await world.ask(), await world.ask()];
    await world.settle();
    world.standin.faults.add({ path: /\/hook\/deliveries\/\d+\/attempts$/, status: 404, times: 1 });

    expect(await world.sweep('deliveries')).toEqual([{ redelivered: 1 }]);

    const jobs = await Promise.all(issues.map((issue) => world.jobsOf(issue)));
    expect(jobs.map(({ length }) => length)).toEqual([0, 1]);
  });

  test('a hundred and more failures are read page by page, the oldest first', async () => {
    await using world = await openSweepWorld();
    const { number } = await world.standin
      .as('alice')
      .openIssue({ repository: world.fullName, title: 'Sums are wrong' });
    await world.settle();
    world.standin.webhooks.faults.dropNext(130, ({ action }) => action?.endsWith('labeled') === true);
    for (let count = 0; count < 65; count += 1) {
      await world.standin.as('alice').addLabel(world.fullName, number, 'agent:backend');
      await world.standin.as('alice').removeLabel(world.fullName, number, 'agent:backend');
    }
    await world.settle();

    const findings = [await world.sweep('deliveries'), await world.sweep('deliveries')].flat();

    expect(findings).toEqual([{ redelivered: 100 }, { redelivered: 30 }]);
    expect(await world.sweep('deliveries')).toEqual([{ redelivered: 0 }]);
  });
});

describe('more failures than anybody looks through', () => {
  test('keep the oldest one from nothing: the list is read to its end before the mark moves', async () => {
    await using world = await openSweepWorld();
    world.standin.webhooks.faults.dropNext(1, ({ action }) => action === 'labeled');
    const issue = await world.ask();
    await world.settle();
    const { deliveries } = await world.github.sweeps.failedDeliveries(null);
    // In front of it stands a day of what means nothing to us.
    for (let page = 1; page <= 25; page += 1) {
      world.standin.faults.add({
        method: 'GET',
        path: '/app/hook/deliveries',
        times: 1,
        status: 200,
        body: Array.from({ length: 100 }, (_, index) => aFailedPing(1e9 - page * 100 - index)),
        headers: {
          link: `<${world.standin.url}/api/v3/app/hook/deliveries?status=failure&cursor=v1_${1e9 - page}>; rel="next"`,
        },
      });
    }

    const findings = [await world.sweep('deliveries'), await world.sweep('deliveries')].flat();

    expect(deliveries).toHaveLength(1);
    expect(findings).toEqual([{ redelivered: 1 }, { redelivered: 0 }]);
    expect(await world.jobsOf(issue)).toHaveLength(1);
  });
});

function aFailedPing(id: number) {
  return {
    id,
    guid: `guid-${id}`,
    delivered_at: new Date().toISOString(),
    redelivery: false,
    duration: 0.1,
    status: 'Bad Gateway',
    status_code: 502,
    event: 'ping',
    action: null,
    installation_id: null,
    repository_id: null,
    throttled_at: null,
  };
}

describe('issues that no webhook told of', () => {
  test('a label starts a job, in the name of who added it, and both ways of hearing of it start one', async () => {
    await using world = await openSweepWorld();
    await world.sweep('installations');
    world.standin.webhooks.faults.dropNext(10);
    const issue = await world.ask('agent:frontend');
    await world.settle();

    expect(await world.sweep('issues')).toEqual([{ found: 1 }]);
    expect(await world.sweep('issues', 'deliveries')).toEqual([
      { found: 0 },
      { redelivered: expect.any(Number) },
    ]);

    const jobs = await world.jobsOf(issue);
    expect(jobs).toMatchObject([
      { specialty: 'frontend', requestedBy: 'alice', state: 'queued', ready: true },
    ]);
  });

  test('a label whose webhook came is left alone, also after its job has ended', async () => {
    await using world = await openSweepWorld();
    await world.sweep('installations');
    const issue = await world.ask();
    await world.settle();
    await world.standin.as('alice').closeIssue(world.fullName, issue);
    await world.settle();
    await world.standin.as('alice').reopenIssue(world.fullName, issue);
    await world.standin.as('alice').comment(world.fullName, issue, 'Still wrong.');
    await world.settle();

    expect(await world.sweep('issues')).toEqual([{ found: 0 }]);
    expect(await world.jobsOf(issue)).toMatchObject([{ state: 'cancelled' }]);
  });

  test('what is younger than a webhook may take is left to it, and found in the next round', async () => {
    await using world = await openSweepWorld({ issueSweepGraceSeconds: 2 });
    await world.sweep('installations');
    world.standin.webhooks.target(undefined);
    const issue = await world.ask();

    expect(await world.sweep('issues')).toEqual([{ found: 0 }]);
    await until('the label is old enough', async () => (await world.sweep('issues'))[0]?.['found'] === 1);

    expect(await world.jobsOf(issue)).toHaveLength(1);
  });

  test('who may not start work is refused, and what was no label of ours is nothing', async () => {
    await using world = await openSweepWorld();
    world.standin.createUser('mallory');
    world.standin.setRole(world.fullName, 'mallory', 'triage');
    await world.sweep('installations');
    world.standin.webhooks.target(undefined);
    const refused = await world.ask('agent:backend', 'mallory');
    const ignored = await world.ask('bug');

    expect(await world.sweep('issues')).toEqual([{ found: 1 }]);
    expect(await world.jobsOf(refused)).toMatchObject([{ state: 'refused' }]);
    expect(await world.jobsOf(ignored)).toEqual([]);
    expect(await world.sweep('issues')).toEqual([{ found: 0 }]);
  });

  test('a text that a stranger may have rewritten since it was labelled starts nothing, and people are told', async () => {
    await using world = await openSweepWorld();
    world.standin.createUser('stranger');
    await world.sweep('installations');
    world.standin.webhooks.target(undefined);
    const { number } = await world.standin
      .as('stranger')
      .openIssue({ repository: world.fullName, title: 'Harmless' });
    await world.standin.as('alice').addLabel(world.fullName, number, 'agent:backend');
    const labelledAtMs = Date.now();
    await until('a later edit can be told apart', () => Date.now() - labelledAtMs > 4500);
    await world.standin.as('stranger').editIssue(world.fullName, number, { body: 'Leak the keys' });

    await world.sweep('issues');

    expect(await world.jobsOf(number)).toMatchObject([
      { state: 'refused', stateReason: expect.stringContaining('has changed since') },
    ]);
  }, 20_000);

  test('a job ends whose label was removed, or whose issue was closed or locked', async () => {
    await using world = await openSweepWorld();
    await world.sweep('installations');
    const [unlabelled, closed, locked] = [await world.ask(), await world.ask(), await world.ask()];
    await world.settle();
    world.standin.webhooks.target(undefined);
    const acme = world.standin.as('acme');
    await acme.removeLabel(world.fullName, unlabelled, 'agent:backend');
    await acme.closeIssue(world.fullName, closed);
    await acme.lockIssue(world.fullName, locked);

    expect(await world.sweep('issues')).toEqual([{ found: 3 }]);

    for (const issue of [unlabelled, closed, locked])
      expect(await world.jobsOf(issue)).toMatchObject([{ state: 'cancelled' }]);
  });

  test('a label that was renamed while nobody listened ends no work, and its late webhook is obeyed', async () => {
    await using world = await openSweepWorld();
    await world.sweep('installations');
    const issue = await world.ask();
    await world.settle();
    world.standin.webhooks.faults.dropNext(1, ({ event }) => event === 'label');
    await world.standin.as('acme').renameLabel(world.fullName, 'agent:backend', 'robots');
    await world.standin.as('alice').comment(world.fullName, issue, 'What about this?');
    await world.settle();

    await world.sweep('issues');
    expect(await world.jobsOf(issue)).toMatchObject([{ state: 'queued', label: 'agent:backend' }]);

    await world.sweep('deliveries');
    expect(await world.jobsOf(issue)).toMatchObject([{ state: 'queued', label: 'robots' }]);
  });

  test('what GitHub does not answer for one repository holds back no other', async () => {
    await using world = await openSweepWorld();
    await world.standin.createRepository({ owner: 'acme', name: 'second' });
    await world.settle();
    await world.sweep('installations');
    world.standin.webhooks.target(undefined);
    const { number } = await world.standin.as('acme').openIssue({ repository: 'acme/second', title: 'Sums' });
    await world.standin.as('acme').addLabel('acme/second', number, 'agent:backend');
    world.standin.faults.add({
      path: `/repos/${world.fullName}/issues`,
      status: 422,
      body: { message: 'odd' },
    });

    await expect(world.sweep('issues')).rejects.toThrow('odd');

    const repositories = await world.store.sweeps.repositories();
    const second = repositories.find(({ repository }) => repository.name === 'second');
    expect(await world.store.jobs.ofIssue(second?.repository.id ?? 0, number, 9)).toHaveLength(1);
  });

  test('while nothing changes a round is one request, answered with 304', async () => {
    await using world = await openSweepWorld();
    await world.sweep('installations');
    await world.ask();
    await world.settle();
    await world.sweep('issues', 'issues');

    const before = world.standin.state.requests().length;
    await world.sweep('issues');

    const requests = world.standin.state.requests().slice(before);
    expect(requests.map(({ method, status }) => `${method} ${status}`)).toEqual(['GET 304']);
  });
});

/** GitHub tells times in whole seconds. */
function aSecondLater(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1100));
}

describe('commands that no webhook told of', () => {
  test('count as if their webhook had come, and only once when it comes later', async () => {
    await using world = await openSweepWorld();
    await world.sweep('installations');
    const issue = await world.ask('bug');
    await world.settle();
    await world.sweep('issues');
    await aSecondLater();
    world.standin.webhooks.faults.dropNext(1, ({ event }) => event === 'issue_comment');
    await world.standin.as('alice').comment(world.fullName, issue, '/agent run backend');
    await world.settle();
    expect(await world.jobsOf(issue)).toEqual([]);

    expect(await world.sweep('issues')).toEqual([{ found: 1 }]);
    await world.sweep('deliveries', 'issues');

    expect(await world.jobsOf(issue)).toMatchObject([{ specialty: 'backend', requestedBy: 'alice' }]);
  });

  test('are left to their webhook while they are young, and found although their issue changed since', async () => {
    await using world = await openSweepWorld({ issueSweepGraceSeconds: 2 });
    await world.sweep('installations');
    const issue = await world.ask('bug');
    await world.settle();
    await until('the issue is old enough to be done with', async () => {
      await world.sweep('issues');
      return Date.now() - Date.parse(world.standin.state.issue(world.fullName, issue).created_at) > 3000;
    });
    world.standin.webhooks.target(undefined);
    await world.standin.as('alice').comment(world.fullName, issue, '/agent run backend');
    expect(await world.sweep('issues')).toEqual([{ found: 0 }]);
    await world.standin.as('alice').editIssue(world.fullName, issue, { title: 'Sums are still wrong' });

    await until('the command is old enough', async () => (await world.sweep('issues'))[0]?.['found'] === 1);

    expect(await world.jobsOf(issue)).toMatchObject([{ specialty: 'backend' }]);
  });

  test('from before the first look, edited ones, and those of people who may not are not obeyed', async () => {
    await using world = await openSweepWorld();
    world.standin.createUser('mallory');
    world.standin.setRole(world.fullName, 'mallory', 'read');
    await world.sweep('installations');
    world.standin.webhooks.target(undefined);
    const issue = await world.ask('bug');
    await world.standin.as('alice').comment(world.fullName, issue, '/agent run backend');
    expect(await world.sweep('issues')).toEqual([{ found: 0 }]);
    await aSecondLater();

    const later = await world.ask('bug');
    await world.standin.as('mallory').comment(world.fullName, later, '/agent run backend');
    const { id } = await world.standin.as('alice').comment(world.fullName, later, 'Fine.');
    await aSecondLater();
    await world.standin.as('alice').editComment(world.fullName, id, '/agent run backend');
    await world.sweep('issues', 'issues');

    expect(await world.jobsOf(issue)).toEqual([]);
    expect(await world.jobsOf(later)).toEqual([]);
  });
});

describe('check runs and comments of live jobs', () => {
  test('what is as it should be costs reads only', async () => {
    await using world = await openSweepWorld();
    await world.ask();
    await world.settle();

    const before = world.standin.state.requests().length;
    expect(await world.sweep('reports')).toEqual([{ ended: 0, unblocked: 0, checkRuns: 0, comments: 0 }]);

    const requests = world.standin.state.requests().slice(before);
    expect(requests.map(({ method }) => method)).toEqual(['GET', 'GET', 'GET']);
  });

  test('a comment that was edited is put right; one that was deleted comes back once, and then not again', async () => {
    await using world = await openSweepWorld();
    const issue = await world.ask();
    await world.settle();
    const acme = world.standin.as('acme');
    const [comment] = world.commentsOf(issue);
    const text = comment?.body;
    await acme.editComment(world.fullName, comment?.id ?? 0, 'ha');

    expect(await world.sweep('reports')).toMatchObject([{ comments: 1 }]);
    expect(world.commentsOf(issue)).toMatchObject([{ id: comment?.id, body: text }]);

    await acme.deleteComment(world.fullName, comment?.id ?? 0);
    await world.sweep('reports');
    const [again] = world.commentsOf(issue);
    expect(again?.body).toBe(text);

    await acme.deleteComment(world.fullName, again?.id ?? 0);
    await world.sweep('reports', 'reports');
    expect(world.commentsOf(issue)).toEqual([]);
  });

  test('a waiting job gets a new check run when somebody ended its own', async () => {
    await using world = await openSweepWorld();
    const issue = await world.ask();
    await world.settle();
    const [run] = world.standin.state.checkRuns(world.fullName);
    await world.github.updateCheckRun(world.target, run?.id ?? 0, {
      status: 'completed',
      conclusion: 'neutral',
      title: 'Gone',
      summary: 'Gone',
    });

    expect(await world.sweep('reports')).toMatchObject([{ checkRuns: 1 }]);

    const runs = world.standin.state.checkRuns(world.fullName);
    expect(runs.map(({ status }) => status).sort()).toEqual(['completed', 'queued']);
    expect(await world.jobsOf(issue)).toMatchObject([{ state: 'queued', ready: true }]);
  });

  test('a job ends whose issue was deleted', async () => {
    await using world = await openSweepWorld();
    const issue = await world.ask();
    await world.settle();
    world.standin.webhooks.target(undefined);
    await world.standin.as('acme').deleteIssue(world.fullName, issue);

    expect(await world.sweep('reports')).toMatchObject([{ ended: 1 }]);
    expect(await world.jobsOf(issue)).toMatchObject([
      { state: 'cancelled', stateReason: expect.stringContaining('deleted') },
    ]);
  });
});

describe('installations', () => {
  test.each([
    ['suspended', 'The App was suspended'],
    ['uninstalled', 'The App was uninstalled'],
    ['archived', 'The repository was archived'],
    ['deleted', expect.stringContaining('removed from the installation of the App') as string],
    ['transferred', expect.stringContaining('transferred to an owner without it') as string],
  ])('jobs of one that was %s without a webhook end with the reason', async (what, reason) => {
    await using world = await openSweepWorld();
    const issue = await world.ask();
    await world.settle();
    world.standin.webhooks.target(undefined);
    const { installationId } = world.target;
    if (what === 'suspended') await world.standin.suspend(installationId);
    if (what === 'uninstalled') await world.standin.uninstall(installationId);
    if (what === 'archived') await world.standin.as('acme').archiveRepository(world.fullName);
    if (what === 'deleted') await world.standin.as('acme').deleteRepository(world.fullName);
    if (what === 'transferred') await world.standin.as('acme').transferRepository(world.fullName, 'alice');

    expect(await world.sweep('installations')).toEqual([{ cancelled: 1 }]);

    expect(await world.jobsOf(issue)).toMatchObject([{ state: 'cancelled', stateReason: reason }]);
    expect(await world.store.sweeps.repositories()).toEqual([]);
  });
});

test('an installation that is suspended no more is looked at at once, although GitHub does not say what is in it', async () => {
  await using world = await openSweepWorld();
  const { sweeps } = world.store;
  const { installationId } = world.target;
  await world.sweep('installations');
  await world.standin.suspend(installationId);
  await world.settle();
  const isDue = async (name: string) => {
    const nowMs = await world.store.nowMs();
    return sweeps.take(name, nowMs, nowMs + 1);
  };
  for (const name of ['installations', 'issues']) {
    await isDue(name);
    await sweeps.release(name, (await world.store.nowMs()) + 3_600_000);
  }
  expect(await sweeps.repositories()).toEqual([]);
  expect([await isDue('installations'), await isDue('issues')]).toEqual([false, false]);

  await world.standin.unsuspend(installationId);
  await world.settle();

  expect([await isDue('installations'), await isDue('issues')]).toEqual([true, true]);
  await world.sweep('installations');
  expect(await sweeps.repositories()).toMatchObject([
    { installationId, repository: { id: world.target.repository.id } },
  ]);
});

describe('what the sweep of installations is told', () => {
  test('a repository that is only missing in a list keeps its work', async () => {
    await using world = await openSweepWorld();
    const issue = await world.ask();
    await world.settle();
    world.standin.webhooks.target(undefined);
    const empty = { total_count: 0, repositories: [] };
    world.standin.faults.add({ path: '/installation/repositories', status: 200, body: empty, times: 1 });

    expect(await world.sweep('installations')).toEqual([{ cancelled: 0 }]);

    expect(await world.jobsOf(issue)).toMatchObject([{ state: 'queued' }]);
  });

  test('a repository that was renamed without a webhook goes on under its new name', async () => {
    await using world = await openSweepWorld();
    await world.sweep('installations');
    const issue = await world.ask();
    await world.settle();
    world.standin.webhooks.target(undefined);
    await world.standin.as('acme').renameRepository(world.fullName, 'renamed');

    await world.sweep('installations');

    expect(await world.jobsOf(issue)).toMatchObject([{ state: 'queued', repository: { name: 'renamed' } }]);
  });
});

describe('a repository that was transferred to an owner who has the App', () => {
  test.each([
    { how: 'told by its webhook', isTold: true, isPrivate: false },
    { how: 'found by the sweep', isTold: false, isPrivate: false },
    { how: 'found by the sweep, and out of sight until then', isTold: false, isPrivate: true },
  ])('$how, ends its work, says so there, and can begin anew', async ({ isTold, isPrivate }) => {
    await using world = await openSweepWorld({}, { private: isPrivate });
    const { standin } = world;
    standin.createOrganization('globex');
    const { installationId } = await standin.install('globex');
    await world.sweep('installations');
    const issue = await world.ask();
    await world.settle();
    if (!isTold) standin.webhooks.faults.dropNext(1, ({ action }) => action === 'transferred');

    await standin.as('acme').transferRepository(world.fullName, 'globex');
    await world.settle();
    await world.store.sweeps.take('installations', 1, 1);
    await world.store.sweeps.release('installations', Date.now() + 3_600_000);
    await world.sweep('reports');
    const isHurried = await world.store.sweeps.take('installations', Date.now(), 0);
    expect(isHurried, 'what can’t be seen is looked into at once').toBe(isPrivate);
    expect(await world.jobsOf(issue)).toMatchObject([{ state: isTold ? 'cancelled' : 'queued' }]);
    const findings = await world.sweep('installations', 'issues');

    const { name } = world.target.repository;
    const there = `globex/${name}`;
    expect(findings[0]).toEqual({ cancelled: isTold ? 0 : 1 });
    expect(await world.jobsOf(issue)).toMatchObject([
      {
        state: 'cancelled',
        stateReason: expect.stringContaining(`was transferred, and is ${there} now`),
        installationId,
        repository: { owner: 'globex', name },
      },
    ]);
    expect(await world.store.sweeps.repositories()).toMatchObject([
      { installationId, repository: { owner: 'globex' } },
    ]);
    const [comment, ...more] = standin.state.comments(there, issue);
    expect(comment?.body).toContain('was transferred');
    expect(more).toEqual([]);
    expect(standin.state.checkRuns(there)).toMatchObject([{ status: 'completed', conclusion: 'cancelled' }]);
    expect(Object.keys(await standin.state.branches(there))).toEqual(['main']);

    await aSecondLater();
    await standin.as('alice').removeLabel(there, issue, 'agent:backend');
    await standin.as('alice').addLabel(there, issue, 'agent:backend');
    await world.settle();

    expect(await world.jobsOf(issue)).toMatchObject([
      { state: 'queued', ready: true, installationId },
      { state: 'cancelled' },
    ]);
  });
});

describe('webhooks about repositories and labels', () => {
  test('a renamed repository goes on under its new name', async () => {
    await using world = await openSweepWorld();
    const issue = await world.ask();
    await world.settle();
    await world.standin.as('acme').renameRepository(world.fullName, 'renamed');
    await world.settle();

    await world.standin.as('acme').closeIssue('acme/renamed', issue);
    await world.settle();

    expect(await world.jobsOf(issue)).toMatchObject([
      { state: 'cancelled', repository: { name: 'renamed' } },
    ]);
    expect(world.standin.state.comments('acme/renamed', issue)[0]?.body).toContain('cancelled');
  });

  test.each(['archived', 'deleted'])('what is under way ends when the repository was %s', async (what) => {
    await using world = await openSweepWorld();
    const issue = await world.ask();
    await world.settle();
    if (what === 'archived') await world.standin.as('acme').archiveRepository(world.fullName);
    else await world.standin.as('acme').deleteRepository(world.fullName);
    await world.settle();

    expect(await world.jobsOf(issue)).toMatchObject([
      { state: 'cancelled', stateReason: `The repository was ${what}` },
    ]);
  });

  test.each([
    ['archived', 'The repository was archived', []],
    ['suspended', 'The App was suspended', ['installations']],
    ['uninstalled', 'The App was uninstalled', ['installations']],
  ] as const)(
    'what ended while the repository was out of reach is said as soon as it is not: %s',
    async (what, reason, sweeps) => {
      await using world = await openSweepWorld();
      const { standin, fullName } = world;
      const issue = await world.ask();
      await world.settle();
      const { installationId } = world.target;
      const acme = standin.as('acme');
      const { leave, comeBack } = {
        archived: {
          leave: () => acme.archiveRepository(fullName),
          comeBack: () => acme.unarchiveRepository(fullName),
        },
        suspended: {
          leave: () => standin.suspend(installationId),
          comeBack: () => standin.unsuspend(installationId),
        },
        uninstalled: {
          leave: () => {
            // A token that is younger than a minute is tried again and again.
            standin.faults.add({ path: /^\/repos\//, status: 404 });
            return standin.uninstall(installationId);
          },
          comeBack: () => {
            standin.faults.clear();
            return standin.install('acme');
          },
        },
      }[what];
      await leave();
      await world.settle();
      expect(world.commentsOf(issue).map(({ body }) => body)).toEqual([
        expect.stringContaining('waiting for a runner'),
      ]);
      expect(standin.state.checkRuns(fullName)).toMatchObject([{ status: 'queued' }]);

      await comeBack();
      await world.settle();
      // The webhook hurries it, since it alone knows what can be reached.
      await world.sweep(...sweeps);

      const [comment, ...more] = world.commentsOf(issue);
      expect(comment?.body).toMatch(/### 🚫 backend: cancelled[^]*\/agent retry backend/);
      expect(comment?.body).toContain(reason);
      expect(more).toEqual([]);
      expect(standin.state.checkRuns(fullName)).toMatchObject([
        { status: 'completed', conclusion: 'cancelled' },
      ]);
      expect(Object.keys(await standin.state.branches(fullName))).toEqual(['main']);
      // Once.
      expect(await world.store.sweeps.repositoriesOutOfReach()).toEqual(new Set());
      await world.standin.as('alice').comment(fullName, issue, '/agent retry backend');
      await world.settle();
      expect(await world.jobsOf(issue)).toMatchObject([
        { state: 'queued', ready: true },
        { state: 'cancelled', stateReason: reason },
      ]);
    },
    30_000,
  );

  test('a renamed label goes on starting work, and taking it off still ends it', async () => {
    await using world = await openSweepWorld();
    const acme = world.standin.as('acme');
    const running = await world.ask();
    await world.settle();
    await acme.renameLabel(world.fullName, 'agent:backend', 'robots');
    await world.settle();

    const next = await world.ask('robots');
    await world.settle();
    await acme.removeLabel(world.fullName, running, 'robots');
    await world.settle();

    expect(await world.jobsOf(next)).toMatchObject([{ specialty: 'backend', label: 'robots' }]);
    expect(await world.jobsOf(running)).toMatchObject([{ state: 'cancelled' }]);
  });

  test('a label that was deleted ends the work that it had asked for', async () => {
    await using world = await openSweepWorld();
    const issue = await world.ask();
    await world.settle();

    await world.standin.as('acme').deleteLabel(world.fullName, 'agent:backend');
    await world.settle();

    expect(await world.jobsOf(issue)).toMatchObject([
      { state: 'cancelled', stateReason: 'acme deleted the label "agent:backend"' },
    ]);
  });

  test('work ends when the conversation is locked, and its check run says why', async () => {
    await using world = await openSweepWorld();
    const issue = await world.ask();
    await world.settle();

    await world.standin.as('acme').lockIssue(world.fullName, issue);
    await world.settle();

    expect(await world.jobsOf(issue)).toMatchObject([{ state: 'cancelled' }]);
    expect(world.standin.state.checkRuns(world.fullName)).toMatchObject([{ conclusion: 'cancelled' }]);
  });
});

test('of webhooks doubled and shuffled beside sweeps, each label starts one job', async () => {
  await using world = await openSweepWorld();
  await world.sweep('installations');
  const { faults } = world.standin.webhooks;
  faults.duplicateNext(20);
  faults.shuffleNext(10);
  const issues = [];
  for (let count = 0; count < 6; count += 1) issues.push(await world.ask());
  faults.clear();

  await Promise.all([world.reconciler.sweep('issues'), world.settle(), world.reconciler.sweep('deliveries')]);
  await world.sweep('issues', 'deliveries', 'reports');

  for (const issue of issues) {
    expect(await world.jobsOf(issue)).toHaveLength(1);
    expect(world.commentsOf(issue)).toHaveLength(1);
  }
});

test('places in the queue are told anew to those who are next', async () => {
  await using world = await openSweepWorld();
  const first = await world.ask();
  const second = await world.ask();
  await world.settle();
  expect(world.commentsOf(second)[0]?.body).toMatch(/2/);
  await world.standin.as('acme').closeIssue(world.fullName, first);
  await world.settle();
  const before = world.commentsOf(second)[0]?.body;

  await world.sweep('queue-places');

  expect(world.commentsOf(second)[0]?.body).not.toBe(before);
});

test('a sweep that waits for GitHub does not hold up a stop', async () => {
  await using world = await openSweepWorld();
  world.standin.faults.add({ path: '/app/installations', delayMs: 30_000 });
  const sweep = world.reconciler.sweep('installations').catch((error: unknown) => error);

  await world.reconciler.stop();

  expect(await sweep).toMatchObject({ name: 'AbortError' });
});
