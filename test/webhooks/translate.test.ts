import { describe, expect, test } from 'vitest';
import { toOrderKey } from '../../src/webhooks/order-key.ts';
import { translate } from '../../src/webhooks/translate.ts';
import { aCheckRun, aCheckRunPayload, anIssuesPayload, ATTEMPT_ID, JOB_ID } from './payloads.ts';

const GUID = '0f2d3b3e-4c4b-4f5e-9b60-1a2b3c4d5e6f';
const target = {
  installationId: 5,
  repository: {
    id: 71,
    owner: 'acme',
    name: 'widgets',
    private: true,
    defaultBranch: 'trunk',
    cloneUrl: 'https://github.com/acme/widgets.git',
    htmlUrl: 'https://github.com/acme/widgets',
  },
};
const UNTITLED = { number: 42, updated_at: '2026-05-04T12:00:00Z' };
const alice = { login: 'alice', id: 4, isBot: false };
const claim = { id: 900, appId: 3, headCommit: 'a'.repeat(40), jobId: JOB_ID, attemptId: ATTEMPT_ID };
const rerun = {
  kind: 'rerun_asked',
  key: `rerun:${GUID}`,
  target,
  appId: 3,
  headCommit: 'a'.repeat(40),
  branch: 'agent/42-totals',
  sender: alice,
};
const pressed = { requested_action: { identifier: 'retry' } };
const { check_suite: _suite, ...suiteOf } = aCheckRun({ head_branch: 'agent/42-totals' });
const repositories = [
  { id: 71, name: 'widgets', full_name: 'acme/widgets' },
  { id: 72, name: 'gears', full_name: 'acme/gears' },
];

describe('what a webhook means', () => {
  test.each([
    [
      'issues',
      anIssuesPayload('labeled'),
      {
        kind: 'label_added',
        key: 'label_added:71#42:2026-05-04T12:00:00Z:agent:backend',
        target,
        issueNumber: 42,
        label: 'Agent:Backend',
        at: '2026-05-04T12:00:00Z',
        issue: { title: 'Totals are wrong', body: '' },
        sender: alice,
      },
    ],
    [
      'issues',
      anIssuesPayload('unlabeled', { sender: { login: 'yardmaster[bot]', id: 8, type: 'Bot' } }),
      {
        kind: 'label_removed',
        key: 'label_removed:71#42:2026-05-04T12:00:00Z:agent:backend',
        target,
        issueNumber: 42,
        label: 'Agent:Backend',
        sender: { login: 'yardmaster[bot]', id: 8, isBot: true },
      },
    ],
    [
      'issues',
      anIssuesPayload('closed', {
        issue: { number: 42, updated_at: '2026-05-04T12:00:00Z', closed_at: '2026-05-04T11:59:59Z' },
      }),
      {
        kind: 'issue_ended',
        how: 'closed',
        key: 'issue_closed:71#42:2026-05-04T11:59:59Z',
        target,
        issueNumber: 42,
        sender: alice,
      },
    ],
    [
      'issues',
      anIssuesPayload('deleted'),
      {
        kind: 'issue_ended',
        how: 'deleted',
        key: 'issue_deleted:71#42',
        target,
        issueNumber: 42,
        sender: alice,
      },
    ],
    [
      'issues',
      anIssuesPayload('transferred'),
      {
        kind: 'issue_ended',
        how: 'transferred',
        key: 'issue_transferred:71#42',
        target,
        issueNumber: 42,
        sender: alice,
      },
    ],
    [
      'installation',
      { action: 'created', installation: { id: 5 }, repositories },
      {
        kind: 'repositories_added',
        key: `repositories_added:${GUID}`,
        installationId: 5,
        repositories: [
          { id: 71, fullName: 'acme/widgets' },
          { id: 72, fullName: 'acme/gears' },
        ],
      },
    ],
    [
      'installation_repositories',
      { action: 'added', installation: { id: 5 }, repositories_added: repositories.slice(1) },
      {
        kind: 'repositories_added',
        key: `repositories_added:${GUID}`,
        installationId: 5,
        repositories: [{ id: 72, fullName: 'acme/gears' }],
      },
    ],
    [
      'installation_repositories',
      { action: 'removed', installation: { id: 5 }, repositories_removed: repositories },
      {
        kind: 'repositories_removed',
        key: `repositories_removed:${GUID}`,
        installationId: 5,
        repositoryIds: [71, 72],
        why: 'The repository was removed from the installation of the App',
      },
    ],
    [
      'installation',
      { action: 'new_permissions_accepted', installation: { id: 5 }, repositories },
      {
        kind: 'repositories_added',
        key: `repositories_added:${GUID}`,
        installationId: 5,
        repositories: [
          { id: 71, fullName: 'acme/widgets' },
          { id: 72, fullName: 'acme/gears' },
        ],
      },
    ],
    [
      'installation',
      { action: 'deleted', installation: { id: 5 } },
      {
        kind: 'repositories_removed',
        key: `repositories_removed:${GUID}`,
        installationId: 5,
        repositoryIds: 'all',
        why: 'The App was uninstalled',
      },
    ],
    [
      'installation',
      { action: 'suspend', installation: { id: 5 } },
      {
        kind: 'repositories_removed',
        key: `repositories_removed:${GUID}`,
        installationId: 5,
        repositoryIds: 'all',
        why: 'The App was suspended',
      },
    ],
    [
      'check_run',
      aCheckRunPayload('requested_action', pressed),
      {
        kind: 'button_pressed',
        key: `button:${GUID}`,
        target,
        button: 'retry',
        checkRun: claim,
        sender: alice,
      },
    ],
    [
      'check_run',
      aCheckRunPayload('completed'),
      { kind: 'check_run_completed', key: `check_run_completed:${GUID}`, appId: 3, attemptId: ATTEMPT_ID },
    ],
    ['check_run', aCheckRunPayload('rerequested'), { ...rerun, checkRun: claim }],
    [
      'check_run',
      aCheckRunPayload('rerequested', {
        check_run: aCheckRun({ external_id: `${JOB_ID}:${ATTEMPT_ID}:evidence` }),
      }),
      { ...rerun, checkRun: null },
    ],
    [
      'check_suite',
      aCheckRunPayload('rerequested', { check_run: undefined, check_suite: suiteOf }),
      { ...rerun, checkRun: null },
    ],
    [
      'pull_request',
      aCheckRunPayload('synchronize', {
        pull_request: { number: 7, head: { ref: 'change', sha: 'b'.repeat(40) } },
      }),
      {
        kind: 'pull_request_moved',
        key: `pull_request_moved:71#7:${'b'.repeat(40)}`,
        target,
        pullRequestNumber: 7,
        headCommit: 'b'.repeat(40),
      },
    ],
  ])('%s %j', (event, payload, trigger) => {
    expect(translate({ guid: GUID, event, payload }).triggers).toContainEqual(trigger);
  });

  test.each([
    ['closed', 'pull_request_ended:71#7:2026-05-04T12:00:00Z'],
    ['reopened', 'pull_request_reopened:71#7:2026-05-05T12:00:00Z'],
  ])('pull_request.%s has the key that the sweep would give it', (action, key) => {
    const payload = aCheckRunPayload(action, {
      pull_request: {
        number: 7,
        head: { ref: 'change', sha: 'b'.repeat(40) },
        closed_at: action === 'closed' ? '2026-05-04T12:00:00Z' : null,
        updated_at: '2026-05-05T12:00:00Z',
      },
    });

    expect(translate({ guid: GUID, event: 'pull_request', payload }).triggers).toContainEqual({
      kind: `pull_request_${action === 'closed' ? 'ended' : action}`,
      key,
      target,
      pullRequestNumber: 7,
      sender: { login: 'alice', id: 4, isBot: false },
    });
  });

  test.each([
    ['opened', { id: 71 }, false],
    ['reopened', { id: 72 }, true],
    ['synchronize', null, true],
  ])('pull_request.%s may propose settings', (action, repo, isFork) => {
    const sha = 'b'.repeat(40);
    const payload = aCheckRunPayload(action, {
      pull_request: { number: 7, head: { ref: 'change', sha, repo } },
    });

    expect(translate({ guid: GUID, event: 'pull_request', payload }).triggers).toContainEqual({
      kind: 'settings_proposed',
      key: `settings_proposed:71#7:${sha}`,
      target,
      pullRequestNumber: 7,
      headCommit: sha,
      branch: 'change',
      isFork,
    });
  });
});

describe('what means nothing, and why', () => {
  test.each([
    ['issues', anIssuesPayload('labeled', { installation: undefined }), /no installation/],
    ['issues', anIssuesPayload('labeled', { label: undefined }), /no label/],
    ['issues', anIssuesPayload('labeled', { issue: UNTITLED }), /payload's issue\.title/],
    ['issues', anIssuesPayload('labeled', { issue: null }), /payload's issue is not as expected/],
    ['issues', anIssuesPayload('labeled', { repository: { id: 'x' } }), /payload's repository\.id/],
    ['issues', anIssuesPayload('closed', { installation: undefined }), /no installation/],
    ['issues', anIssuesPayload('assigned'), /nothing is to be done for issues\.assigned/],
    ['issues', anIssuesPayload('constructor'), /issues\.constructor/],
    [
      'check_run',
      aCheckRunPayload('requested_action', { ...pressed, check_run: aCheckRun({ external_id: '' }) }),
      /not of an attempt/,
    ],
    [
      'check_run',
      aCheckRunPayload('requested_action', { ...pressed, check_run: aCheckRun({ app: null }) }),
      /not of an attempt/,
    ],
    [
      'check_run',
      aCheckRunPayload('requested_action', { requested_action: { identifier: 'toString' } }),
      /no button/,
    ],
    [
      'check_run',
      aCheckRunPayload('requested_action', { ...pressed, installation: undefined }),
      /no installation/,
    ],
    ['check_run', aCheckRunPayload('rerequested', { check_run: aCheckRun({ app: null }) }), /of no App/],
    [
      'pull_request',
      aCheckRunPayload('synchronize', { pull_request: { number: 7, head: { ref: 'change', sha: 'x' } } }),
      /head\.sha/,
    ],
    ['push', { ref: 'refs/heads/main' }, /payload's repository/],
    ['fork', { forkee: {} }, /nothing is to be done for fork/],
    ['constructor', {}, /nothing is to be done for constructor/],
    ['ping', null, /ping/],
    ['ping', 'text', /ping/],
    ['installation', { action: 'created', installation: { id: 5 } }, /no repository was added/],
    ['installation', { action: 'deleted' }, /payload's installation/],
    [
      'installation_repositories',
      { action: 'removed', installation: { id: 5 }, repositories_removed: [] },
      /no repository was removed/,
    ],
  ])('%s %j', (event, payload, reason) => {
    expect(translate({ guid: GUID, event, payload })).toEqual({
      triggers: [],
      reason: expect.stringMatching(reason),
    });
  });
});

test.each([
  ['of one issue', anIssuesPayload('labeled'), '71#42'],
  ['of one pull request', { ...anIssuesPayload('x'), issue: undefined, pull_request: { number: 7 } }, '71#7'],
  ['of one check run', aCheckRunPayload('rerequested'), 'check run 900'],
  ['of one check suite', { repository: { id: 71 }, check_suite: { id: 800 } }, 'check suite 800'],
  [
    'of one branch',
    { installation: { id: 5 }, repository: { id: 71 }, ref: 'refs/heads/main', after: 'a' },
    'push 71 refs/heads/main',
  ],
  [
    'of the statuses of one commit',
    { installation: { id: 5 }, repository: { id: 71 }, sha: 'a', context: 'ci' },
    'status 71 a',
  ],
  ['about an installation', { installation: { id: 5 }, repositories: [] }, 'installation 5'],
  ['of no kind that needs order', { zen: 'x' }, GUID],
  ['of no object', null, GUID],
])('deliveries %s share a key', (_name, payload, key) => {
  expect(toOrderKey(payload, GUID)).toBe(key);
});
