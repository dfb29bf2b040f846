import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { RepositoryTarget } from '../../src/domain/trigger.ts';
import { statusMarker } from '../../src/domain/status-comment-text.ts';
import { type GitHubAtStandin, fullNameOf, openGitHubAtStandin } from '../support/github-at-standin.ts';

let at: GitHubAtStandin;
beforeAll(async () => {
  at = await openGitHubAtStandin();
});
afterEach(() => at.standin.faults.clear());
afterAll(() => at[Symbol.asyncDispose]());

describe('the status comment', () => {
  test('is created after one look whether it is there', async () => {
    const { target, issue, marker } = await anIssue();
    await at.github.identity();

    const requests = await at.requestsOf(() =>
      publish(target, issue, { commentId: null, marker, body: 'one' }),
    );

    expect(requests).toEqual([
      `GET …/issues/${issue}/comments?per_page=100&page=1`,
      `POST …/issues/${issue}/comments`,
    ]);
    expect(bodiesOf(target, issue)).toEqual([`${marker}\none`]);
  });

  test('is edited with one request when its id is known', async () => {
    const { target, issue, marker } = await anIssue();
    const first = await publish(target, issue, { commentId: null, marker, body: 'one' });
    const commentId = first?.id ?? 0;

    const requests = await at.requestsOf(() => publish(target, issue, { commentId, marker, body: 'two' }));

    expect(requests).toEqual([`PATCH …/issues/comments/${commentId}`]);
    expect(bodiesOf(target, issue)).toEqual([`${marker}\ntwo`]);
  });

  test('is found by its marker and brought up to date when its id was forgotten', async () => {
    const { target, issue, marker } = await anIssue();
    const first = await publish(target, issue, { commentId: null, marker, body: 'one' });

    const second = await publish(target, issue, { commentId: null, marker, body: 'two' });

    expect(second).toEqual(first);
    expect(bodiesOf(target, issue)).toEqual([`${marker}\ntwo`]);
  });

  test("is not mistaken for somebody's copy of it", async () => {
    const { target, issue, marker } = await anIssue();
    await at.standin.as('alice').comment(fullNameOf(target), issue, `${marker}\nforged`);

    await publish(target, issue, { commentId: null, marker, body: 'ours' });

    expect(bodiesOf(target, issue)).toEqual([`${marker}\nforged`, `${marker}\nours`]);
  });

  test('is found among hundreds of others', async () => {
    const { target, issue, marker } = await anIssue();
    const alice = at.standin.as('alice');
    for (let count = 0; count < 150; count += 1) await alice.comment(fullNameOf(target), issue, 'talk');
    await publish(target, issue, { commentId: null, marker, body: 'one' });
    for (let count = 0; count < 100; count += 1) await alice.comment(fullNameOf(target), issue, 'talk');

    await publish(target, issue, { commentId: null, marker, body: 'two' });

    expect(bodiesOf(target, issue).filter((body) => body.startsWith(marker))).toEqual([`${marker}\ntwo`]);
  });

  test('is made anew when somebody deleted it', async () => {
    const { target, issue, marker } = await anIssue();
    const first = await publish(target, issue, { commentId: null, marker, body: 'one' });
    await at.standin.as('acme').deleteComment(fullNameOf(target), first?.id ?? 0);

    const second = await publish(target, issue, { commentId: first?.id ?? 0, marker, body: 'two' });

    expect(second?.id).not.toBe(first?.id);
    expect(bodiesOf(target, issue)).toEqual([`${marker}\ntwo`]);
  });

  test('stays away when it was deleted and may not be made again', async () => {
    const { target, issue, marker } = await anIssue();
    const first = await publish(target, issue, { commentId: null, marker, body: 'one' });
    await at.standin.as('acme').deleteComment(fullNameOf(target), first?.id ?? 0);

    const gone = { commentId: first?.id ?? 0, mayRecreate: false, marker, body: 'two' };

    expect(await publish(target, issue, gone)).toBeNull();
    expect(bodiesOf(target, issue)).toEqual([]);
  });

  test('is there once although the answer to its creation got lost', async () => {
    const { target, issue, marker } = await anIssue();
    at.standin.faults.add({ method: 'POST', path: /\/comments$/, breakSocket: 'after', times: 1 });

    const comment = await publish(target, issue, { commentId: null, marker, body: 'one' });

    expect(comment?.url).toContain(`#issuecomment-${comment?.id}`);
    expect(bodiesOf(target, issue)).toHaveLength(1);
  });

  test('fails as unavailable, after one creation only, while GitHub is down', async () => {
    const { target, issue, marker } = await anIssue();
    at.standin.faults.add({
      method: 'POST',
      path: /\/comments$/,
      status: 502,
      body: '<html>Bad gateway</html>',
    });

    const requests = await at.requestsOf(() =>
      expect(publish(target, issue, { commentId: null, marker, body: 'one' })).rejects.toMatchObject({
        kind: 'unavailable',
        status: 502,
      }),
    );

    expect(requests.filter((request) => request.startsWith('POST'))).toHaveLength(1);
  });

  test('is null where nobody can comment: in a locked or deleted issue', async () => {
    const locked = await anIssue();
    const deleted = await anIssue();
    await at.standin.as('alice').lockIssue(fullNameOf(locked.target), locked.issue);
    await at.standin.as('acme').deleteIssue(fullNameOf(deleted.target), deleted.issue);

    for (const { target, issue, marker } of [locked, deleted]) {
      expect(await publish(target, issue, { commentId: null, marker, body: 'one' })).toBeNull();
    }
  });

  test('fails as forbidden where a person has to act', async () => {
    const { target, issue, marker } = await anIssue();
    await at.standin.as('acme').archiveRepository(fullNameOf(target));

    await expect(publish(target, issue, { commentId: null, marker, body: 'one' })).rejects.toMatchObject({
      kind: 'forbidden',
    });
  });

  test('takes texts of any length', async () => {
    const { target, issue, marker } = await anIssue();

    await publish(target, issue, { commentId: null, marker, body: 'x'.repeat(100_000) });

    expect(bodiesOf(target, issue)[0]).toHaveLength(65_536);
  });
});

async function anIssue() {
  const target = await at.createTarget();
  const opened = await at.standin.as('alice').openIssue({ repository: fullNameOf(target), title: 'Sums' });
  const marker = statusMarker({ repositoryId: target.repository.id, issueNumber: opened.number });
  return { target, issue: opened.number, marker };
}

function publish(
  target: RepositoryTarget,
  issue: number,
  wanted: { commentId: number | null; mayRecreate?: boolean; marker: string; body: string },
) {
  return at.github.publishStatusComment(target, issue, {
    mayRecreate: true,
    ...wanted,
    body: `${wanted.marker}\n${wanted.body}`,
  });
}

function bodiesOf(target: RepositoryTarget, issue: number) {
  return at.standin.state.comments(fullNameOf(target), issue).map(({ body }) => body);
}
