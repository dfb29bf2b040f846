import { describe, expect, test } from 'vitest';
import { translate } from '../../src/webhooks/translate.ts';
import { aCheckRunPayload } from './payloads.ts';

const GUID = '0f2d3b3e-4c4b-4f5e-9b60-1a2b3c4d5e6f';
const sha = 'a'.repeat(40);
const pull = { number: 7, title: 'Totals', body: null };
const user = { login: 'rita', id: 9, type: 'User' };

const aReview = (review: Record<string, unknown>, more: Record<string, unknown> = {}) =>
  aCheckRunPayload('submitted', {
    pull_request: pull,
    review: {
      id: 41,
      state: 'changes_requested',
      submitted_at: '2026-05-04T12:00:00Z',
      body: null,
      user,
      ...review,
    },
    ...more,
  });
const aThreadComment = (comment: Record<string, unknown>) =>
  aCheckRunPayload('created', {
    pull_request: pull,
    // Written when the review was begun, sent when it was submitted.
    comment: {
      id: 31,
      created_at: '2026-05-04T11:00:00Z',
      updated_at: '2026-05-04T12:00:00Z',
      user,
      ...comment,
    },
  });
const aSuite = (suite: Record<string, unknown>) =>
  aCheckRunPayload('completed', {
    check_suite: { id: 800, head_sha: sha, head_branch: 'agent/42-totals', app: { id: 9 }, ...suite },
  });
const aThread = (action: string, comments: unknown[] = [{ id: 31 }, { id: 32 }]) =>
  aCheckRunPayload(action, { pull_request: { number: 7 }, thread: { node_id: 'x', comments } });
const aPush = (push: Record<string, unknown> = {}) => {
  const { action: _action, ...payload } = aCheckRunPayload('');
  return {
    ...payload,
    ref: 'refs/heads/release/1',
    before: '0'.repeat(40),
    after: sha,
    deleted: false,
    ...push,
  };
};
const aStatus = (state: string, heads: Record<string, string | null> = { 'agent/42-totals': sha }) => {
  const { action: _action, ...payload } = aCheckRunPayload('');
  const branches = Object.entries(heads).map(([name, head]) => ({ name, commit: { sha: head } }));
  return { ...payload, sha, context: 'ci/jenkins', state, branches };
};

describe('what follows on a pull request', () => {
  test.each([
    [
      'pull_request_review',
      aReview({}),
      { kind: 'review_submitted', key: 'review:71:41', pullRequestNumber: 7, at: '2026-05-04T12:00:00Z' },
    ],
    [
      'pull_request_review',
      aReview({ state: 'commented', body: '/agent status' }),
      {
        kind: 'comment',
        key: 'review_comment:71:41',
        issueNumber: 7,
        isPullRequest: true,
        commentId: 41,
        place: { kind: 'review' },
        at: '2026-05-04T12:00:00Z',
        issue: { title: 'Totals', body: '' },
        sender: { login: 'rita', id: 9, isBot: false },
      },
    ],
    [
      'pull_request_review_comment',
      aThreadComment({ pull_request_review_id: 41, body: 'This:\n\n/agent fix use a constant' }),
      {
        kind: 'comment',
        key: 'thread_comment:71:31',
        commentId: 31,
        place: { kind: 'thread', threadId: 31 },
        review: { id: 41, wantsChanges: false },
        at: '2026-05-04T12:00:00Z',
        reading: { kind: 'commands', lines: [{ command: { name: 'fix', instructions: 'use a constant' } }] },
      },
    ],
    [
      'pull_request_review_comment',
      aThreadComment({ body: '/agent stats', in_reply_to_id: 30 }),
      { place: { kind: 'thread', threadId: 30 }, review: null, reading: { kind: 'mistake' } },
    ],
    [
      'pull_request_review_thread',
      aThread('resolved'),
      { kind: 'thread_turned', key: `thread:${GUID}`, threadId: 31, isResolved: true },
    ],
    ['pull_request_review_thread', aThread('unresolved'), { threadId: 31, isResolved: false }],
    [
      'push',
      aPush(),
      { kind: 'branch_pushed', key: `pushed:71:release/1:${'0'.repeat(40)}:${sha}`, branch: 'release/1' },
    ],
    [
      'push',
      aPush({ commits: [{ added: ['a'] }, { modified: ['.github/yardmaster.yml'] }] }),
      { changesSettings: true },
    ],
    ['push', aPush({ commits: [{ added: ['yardmaster.yml'], removed: [] }] }), { changesSettings: false }],
    ['push', aPush({ commits: [], forced: true }), { changesSettings: true }],
    [
      'check_suite',
      aSuite({ conclusion: 'failure' }),
      { kind: 'checks_failed', appId: 9, checkSuiteId: 800, headCommit: sha, branch: 'agent/42-totals' },
    ],
    [
      'status',
      aStatus('error', { main: 'f'.repeat(40), gone: null, 'agent/42-totals': sha }),
      { kind: 'status_failed', headCommit: sha, branches: ['agent/42-totals'] },
    ],
  ])('%s means something', (event, payload, trigger) => {
    expect(translate({ guid: GUID, event, payload }).triggers).toMatchObject([trigger]);
  });

  test('a review that wants changes means first the commands in its text, then itself', () => {
    const payload = aReview({ body: '/agent fix it' });

    expect(translate({ guid: GUID, event: 'pull_request_review', payload }).triggers).toMatchObject([
      { kind: 'comment', review: { id: 41, wantsChanges: true } },
      { kind: 'review_submitted', reviewId: 41 },
    ]);
  });

  test.each([
    ['pull_request_review', aReview({ state: 'approved' }), /wants no changes/],
    ['pull_request_review_comment', aThreadComment({ body: 'Use `/agent fix`.' }), /no command/],
    ['pull_request_review_comment', aThreadComment({ body: '/agent fix', user: null }), /is gone/],
    ['pull_request_review', aReview({ state: 'commented' }), /wants no changes/],
    ['pull_request_review', aReview({ submitted_at: null }), /not submitted/],
    ['pull_request_review_thread', aThread('resolved', []), /no comment/],
    ['push', aPush({ deleted: true }), /no branch/],
    ['push', aPush({ ref: 'refs/tags/v1' }), /no branch/],
    ['check_suite', aSuite({ conclusion: 'success' }), /no check has failed/],
    ['check_suite', aSuite({ conclusion: 'cancelled' }), /no check has failed/],
    ['check_suite', aSuite({ conclusion: 'failure', head_branch: null }), /of a fork/],
    ['status', aStatus('success'), /no failure/],
    ['status', aStatus('pending'), /no failure/],
    ['status', aStatus('failure', { main: 'f'.repeat(40) }), /no branch ends/],
  ])('%s %j means nothing', (event, payload, reason) => {
    expect(translate({ guid: GUID, event, payload })).toEqual({
      triggers: [],
      reason: expect.stringMatching(reason),
    });
  });
});
