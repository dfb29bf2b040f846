import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { MAX_SETTINGS_CHARACTERS } from '../../src/domain/settings-document.ts';
import { type GitHubAtStandin, fullNameOf, openGitHubAtStandin } from '../support/github-at-standin.ts';

let at: GitHubAtStandin;
beforeAll(async () => {
  at = await openGitHubAtStandin();
});
afterEach(() => at.standin.faults.clear());
afterAll(() => at[Symbol.asyncDispose]());

describe('pull requests that would close an issue', () => {
  test('are told with what their authors are to the repository, however many strangers have opened some', async () => {
    const target = await at.createTarget();
    const fullName = fullNameOf(target);
    const { createUser, as } = at.standin;
    createUser('mallory');
    at.standin.setRole(fullName, 'mallory', 'write');
    const { number } = await as('alice').openIssue({ repository: fullName, title: 'Sums' });
    const open = async (login: string, head: string) => {
      await as('alice').pushFiles(fullName, head, { [`${head}.md`]: 'x' }, head);
      return as(login).openPullRequest(fullName, { head, title: head, body: `Closes #${number}` });
    };
    for (let count = 0; count < 20; count += 1) await open('mallory', `m-${count}`);
    const last = await open('alice', 'sums');
    // The stand-in has no forks: from here on they have no more rights than somebody with one.
    at.standin.setRole(fullName, 'mallory', 'none');

    const requests = await at.requestsOf(async () => {
      const found = await at.github.readClosingPullRequests(target, number);
      expect(found).toHaveLength(21);
      expect(found[0]).toMatchObject({ author: 'mallory', association: 'NONE' });
      expect(found.at(-1)).toEqual({
        number: last.number,
        url: expect.stringMatching(new RegExp(`/pull/${last.number}$`)),
        author: 'alice',
        association: 'MEMBER',
      });
    });
    expect(requests.filter((request) => request === 'POST /graphql')).toHaveLength(2);
  });
});

describe('a repository', () => {
  test('is read as it is now', async () => {
    const { repository } = await at.createTarget({ private: true });

    expect(repository).toEqual({
      id: expect.any(Number),
      owner: 'acme',
      name: expect.stringMatching(/^r-/),
      private: true,
      defaultBranch: 'main',
      cloneUrl: `${at.standin.url}/acme/${repository.name}.git`,
      htmlUrl: `${at.standin.url}/acme/${repository.name}`,
    });
  });

  test('that is out of reach is gone', async () => {
    const { installationId } = await at.createTarget();

    await expect(
      at.github.readRepository({ installationId, fullName: 'acme/nothing' }),
    ).rejects.toMatchObject({ kind: 'gone', status: 404 });
  });
});

describe('an issue', () => {
  test('is read with its labels and state', async () => {
    const target = await at.createTarget();
    await at.github.ensureLabels(target, [{ name: 'agent:backend', color: '1d76db', description: 'x' }]);
    const { number, id, html_url } = await at.standin.as('alice').openIssue({
      repository: fullNameOf(target),
      title: 'Sums',
      body: 'Are wrong',
      labels: ['agent:backend'],
    });

    expect(await at.github.readIssue(target, number)).toEqual({
      found: true,
      issue: {
        number,
        id,
        title: 'Sums',
        body: 'Are wrong',
        author: 'alice',
        labels: ['agent:backend'],
        htmlUrl: html_url,
      },
      state: 'open',
      locked: false,
      isPullRequest: false,
      openBlockers: [],
      commentCount: 0,
    });
  });

  test('is read with the open issues that block it, for one more request', async () => {
    const target = await at.createTarget();
    const fullName = fullNameOf(target);
    const alice = at.standin.as('alice');
    const open = async (title: string) => (await alice.openIssue({ repository: fullName, title })).number;
    const [blocked, one, other] = [await open('Blocked'), await open('One'), await open('Other')];
    await alice.blockIssue(fullName, blocked, one);
    await alice.blockIssue(fullName, blocked, other);
    await alice.closeIssue(fullName, one);

    const requests = await at.requestsOf(async () => {
      expect(await at.github.readIssue(target, blocked)).toMatchObject({
        openBlockers: [{ repository: fullName, number: other }],
      });
      expect(await at.github.readIssue(target, other)).toMatchObject({ openBlockers: [] });
    });

    expect(requests.map((request) => request.replace(/\d+/, 'N').replace(/\?.*/, ''))).toEqual([
      'GET …/issues/N',
      'GET …/issues/N/dependencies/blocked_by',
      'GET …/issues/N',
    ]);
  });

  test('has comments, of which the newest are read', async () => {
    const target = await at.createTarget();
    const alice = at.standin.as('alice');
    const { number } = await alice.openIssue({ repository: fullNameOf(target), title: 'Sums' });
    for (let index = 0; index < 102; index += 1)
      await alice.comment(fullNameOf(target), number, `say ${index}`);
    const issue = await at.github.readIssue(target, number);
    const count = issue.found ? issue.commentCount : undefined;

    const { comments, unread } = await at.github.readComments(target, number, count ?? 0);
    const elsewhere = await at.github.readComments(target, 4711, 1);

    expect(count).toBe(102);
    expect(comments.map(({ body }) => body)).toEqual(
      Array.from({ length: 102 }, (_, index) => `say ${index}`),
    );
    expect(comments[0]).toMatchObject({ author: { login: 'alice', isBot: false } });
    expect(unread).toBe(0);
    expect(elsewhere).toEqual({ comments: [], unread: 1 });
  });

  test('that is closed, locked, and without a text says so', async () => {
    const target = await at.createTarget();
    const alice = at.standin.as('alice');
    const { number } = await alice.openIssue({ repository: fullNameOf(target), title: 'Sums' });
    await alice.closeIssue(fullNameOf(target), number);
    await alice.lockIssue(fullNameOf(target), number);

    expect(await at.github.readIssue(target, number)).toMatchObject({
      state: 'closed',
      locked: true,
      issue: { body: '' },
    });
  });

  test('that is a pull request says so', async () => {
    const target = await at.createTarget();
    const alice = at.standin.as('alice');
    await alice.pushFiles(fullNameOf(target), 'work', { 'x.txt': 'x' }, 'Work');
    const { number } = await alice.openPullRequest(fullNameOf(target), { title: 'Work', head: 'work' });

    expect(await at.github.readIssue(target, number)).toMatchObject({ found: true, isPullRequest: true });
  });

  test('that was deleted, or never was, is not found', async () => {
    const target = await at.createTarget();
    const { number } = await at.standin
      .as('alice')
      .openIssue({ repository: fullNameOf(target), title: 'Sums' });
    await at.standin.as('acme').deleteIssue(fullNameOf(target), number);

    for (const issue of [number, 4711]) {
      expect(await at.github.readIssue(target, issue)).toEqual({
        found: false,
        reason: expect.stringMatching(/deleted/),
      });
    }
  });

  test('that was moved to another repository is not found here', async () => {
    const [target, other] = [await at.createTarget(), await at.createTarget()];
    at.standin.setRole(fullNameOf(other), 'alice', 'write');
    const alice = at.standin.as('alice');
    const { number } = await alice.openIssue({ repository: fullNameOf(target), title: 'Sums' });
    await alice.transferIssue(fullNameOf(target), number, fullNameOf(other));

    expect(await at.github.readIssue(target, number)).toEqual({
      found: false,
      reason: 'it was moved to another repository',
    });
  });

  test('is found under the old name of a renamed repository', async () => {
    const target = await at.createTarget();
    const { number } = await at.standin
      .as('alice')
      .openIssue({ repository: fullNameOf(target), title: 'Sums' });
    await at.standin.as('acme').renameRepository(fullNameOf(target), `${target.repository.name}-2`);

    expect(await at.github.readIssue(target, number)).toMatchObject({
      found: true,
      issue: { title: 'Sums' },
    });
  });
});

describe('the permission of a person', () => {
  test.each([
    ['admin', 'admin'],
    ['maintain', 'maintain'],
    ['write', 'write'],
    ['triage', 'read'],
    ['read', 'read'],
    ['none', 'none'],
  ] as const)('with the role %s is %s', async (role, permission) => {
    const target = await at.createTarget({ private: true });
    const login = `p-${role}`;
    at.standin.createUser(login);
    at.standin.setRole(fullNameOf(target), login, role);

    expect(await at.github.readPermission(target, login)).toBe(permission);
  });

  test.each(['nobody-at-all', 'some-app[bot]', '../../x?y#z'])(
    'who is unknown (%s) is none',
    async (login) => {
      const target = await at.createTarget();

      expect(await at.github.readPermission(target, login)).toBe('none');
    },
  );
});

describe('the settings file', () => {
  test('is read from the default branch', async () => {
    const target = await at.createTarget({ files: { '.github/yardmaster.yml': 'labels: {} # Zoë\n' } });

    expect(await at.github.readSettingsFile(target)).toBe('labels: {} # Zoë\n');
  });

  test('is null where there is none, or in an empty repository', async () => {
    expect(await at.github.readSettingsFile(await at.createTarget())).toBeNull();
    expect(await at.github.readSettingsFile(await at.createTarget({ files: {} }))).toBeNull();
  });

  test('is null where a folder has its name', async () => {
    const target = await at.createTarget({ files: { '.github/yardmaster.yml/x': 'y' } });

    expect(await at.github.readSettingsFile(target)).toBeNull();
  });

  test('that is larger than GitHub sends along is too long for the parser', async () => {
    const target = await at.createTarget({ files: { '.github/yardmaster.yml': '#'.repeat(1_100_000) } });

    expect((await at.github.readSettingsFile(target))?.length).toBeGreaterThan(MAX_SETTINGS_CHARACTERS);
  });
});

describe('who we are', () => {
  test('is asked once', async () => {
    await using own = await openGitHubAtStandin();

    const requests = await own.requestsOf(async () => {
      await own.github.identity();
      await own.github.identity();
    });

    expect(requests).toEqual(['GET /app', 'GET /users/yardmaster%5Bbot%5D']);
    const { appId, slug, bot } = await own.github.identity();
    expect({ appId, slug, login: bot.login }).toEqual({
      appId: own.standin.app.id,
      slug: own.standin.app.slug,
      login: own.standin.app.botLogin,
    });
    expect(bot.id).not.toBe(appId);
  });

  test('is asked as an installation where nobody may ask for users', async () => {
    await using own = await openGitHubAtStandin();
    own.standin.faults.add({ path: /^\/users\//, actor: 'anonymous', status: 401, body: { message: 'No' } });

    expect((await own.github.identity()).bot.login).toBe(own.standin.app.botLogin);
  });

  test('is asked again after a failure', async () => {
    await using own = await openGitHubAtStandin();
    own.standin.faults.add({ path: /^\/app$/, status: 404, body: { message: 'Not Found' }, times: 1 });

    await expect(own.github.identity()).rejects.toMatchObject({ kind: 'gone' });

    expect((await own.github.identity()).slug).toBe(own.standin.app.slug);
  });
});
