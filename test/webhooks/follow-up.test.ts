import { describe, expect, test } from 'vitest';
import { translate } from '../../src/webhooks/translate.ts';
import { aCheckRunPayload } from './payloads.ts';

const GUID = '0f2d3b3e-4c4b-4f5e-9b60-1a2b3c4d5e6f';
const sha = 'a'.repeat(40);

const aReview = (review: Record<string, unknown>, more: Record<string, unknown> = {}) =>
  aCheckRunPayload('submitted', {
    pull_request: { number: 7 },
    review: { id: 41, state: 'changes_requested', submitted_at: '2026-05-04T12:00:00Z', ...review },
    ...more,
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

describe('what follows on a pull request', () => {
  test.each([
    [
      'pull_request_review',
      aReview({}),
      { kind: 'review_submitted', key: 'review:71:41', pullRequestNumber: 7, at: '2026-05-04T12:00:00Z' },
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
      'check_suite',
      aSuite({ conclusion: 'failure' }),
      { kind: 'checks_failed', appId: 9, checkSuiteId: 800, headCommit: sha, branch: 'agent/42-totals' },
    ],
  ])('%s means something', (event, payload, trigger) => {
    expect(translate({ guid: GUID, event, payload }).triggers).toMatchObject([trigger]);
  });

  test.each([
    ['pull_request_review', aReview({ state: 'approved' }), /wants no changes/],
    ['pull_request_review', aReview({ state: 'commented' }), /wants no changes/],
    ['pull_request_review', aReview({ submitted_at: null }), /not submitted/],
    ['pull_request_review_thread', aThread('resolved', []), /no comment/],
    ['push', aPush({ deleted: true }), /no branch/],
    ['push', aPush({ ref: 'refs/tags/v1' }), /no branch/],
    ['check_suite', aSuite({ conclusion: 'success' }), /no check has failed/],
    ['check_suite', aSuite({ conclusion: 'cancelled' }), /no check has failed/],
    ['check_suite', aSuite({ conclusion: 'failure', head_branch: null }), /of a fork/],
  ])('%s %j means nothing', (event, payload, reason) => {
    expect(translate({ guid: GUID, event, payload })).toEqual({
      triggers: [],
      reason: expect.stringMatching(reason),
    });
  });
});
