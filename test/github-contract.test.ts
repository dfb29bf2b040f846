import { createRequire } from 'node:module';
import { describe, expect, it, test } from 'vitest';
import { createGitHubContract, type Exchange, type SentWebhook } from './support/github-contract.ts';

const contract = createGitHubContract();
const API = 'http://127.0.0.1:4000';
const SHA = 'c0ffee'.padEnd(40, '0');

describe('a correct exchange passes', () => {
  const cases: Record<string, Exchange> = {
    'creating a check run': createCheckRun(),
    'completing a check run': createCheckRun({
      method: 'PATCH',
      path: '/repos/acme/widgets/check-runs/7',
      requestBody: {
        status: 'completed',
        conclusion: 'success',
        output: { title: 'Done', summary: 'All green' },
      },
      status: 200,
      responseBody: aCheckRun({
        status: 'completed',
        conclusion: 'success',
        completed_at: '2026-01-02T03:04:05Z',
      }),
    }),
    'a list with paging': anExchange({
      path: '/repos/acme/widgets/labels?per_page=100&page=2',
      responseBody: [aLabel()],
    }),
    'a path by repository id': anExchange({ path: '/repositories/42/labels', responseBody: [aLabel()] }),
    'a branch name with slashes, encoded': anExchange({
      path: '/repos/acme/widgets/git/ref/heads%2Fagent%2F7-fix',
      responseBody: aRef('refs/heads/agent/7-fix'),
    }),
    'a branch name with slashes, plain': anExchange({
      path: '/repos/acme/widgets/git/ref/heads/agent/7-fix',
      responseBody: aRef('refs/heads/agent/7-fix'),
    }),
    'the root folder, which has no path': anExchange({
      path: '/repos/acme/widgets/contents?ref=main',
      responseBody: [],
    }),
    'an API version that does not exist': anExchange({
      status: 400,
      responseBody: { message: 'The API version is not supported' },
    }),
    'an error that fits several descriptions': anExchange({
      method: 'PUT',
      path: '/repos/acme/widgets/contents/README.md',
      requestBody: { message: 'Change', content: '' },
      status: 409,
      responseBody: {
        message: 'README.md does not match',
        documentation_url: 'https://docs.github.com/rest',
      },
    }),
    'an answer without body': anExchange({
      method: 'DELETE',
      path: '/repos/acme/widgets/labels/bug',
      status: 204,
      responseBody: undefined,
    }),
    'not modified': anExchange({ status: 304, responseBody: '' }),
    'a diff asked for by media type': anExchange({
      path: '/repos/acme/widgets/pulls/1',
      requestHeaders: { accept: 'application/vnd.github.diff' },
      responseBody: 'diff --git a/a b/a',
    }),
    'an error that the description does not list': anExchange({
      status: 403,
      responseBody: { message: 'Resource not accessible by integration' },
    }),
    'a gateway in front of GitHub that answers in HTML': anExchange({
      status: 502,
      responseBody: '<html></html>',
    }),
    'a question to GraphQL': aQuestion(),
    'a question to GraphQL with a token that is dead': aQuestion({
      status: 401,
      responseBody: { message: 'Bad credentials', documentation_url: 'https://docs.github.com/rest' },
    }),
    'a bad request that is refused as GitHub does': createCheckRun({
      requestBody: { name: 'Yardmaster', head_sha: SHA, output: { title: 'x', summary: 'x'.repeat(70_000) } },
      status: 422,
      responseBody: { message: 'Invalid request.', documentation_url: 'https://docs.github.com/rest' },
    }),
  };

  test.each(Object.entries(cases))('%s', (_name, exchange) => {
    expect(contract.checkExchange(exchange)).toEqual([]);
  });

  it('accepts the account of an installation, which the description makes impossible', () => {
    const installation = anInstallation();

    const problems = contract.checkExchange(
      anExchange({ path: '/app/installations', responseBody: [installation] }),
    );

    expect(problems).toEqual([]);
  });
});

describe('a planted mistake is caught', () => {
  const mistakes: [name: string, exchange: Exchange, problem: RegExp][] = [
    [
      'an unknown operation',
      anExchange({ path: '/repos/acme/widgets/label' }),
      /GET .*\/label: no such operation/,
    ],
    [
      'a question to GraphQL that its schema does not know',
      aQuestion({ requestBody: { query: 'query { viewer { login } }' } }),
      /GraphQL: Cannot query field "viewer"/,
    ],
    [
      'an answer of GraphQL with more than was asked for',
      aQuestion({ responseBody: { data: { repository: null, viewer: null } } }),
      /GraphQL: the answer has fields that were not asked for/,
    ],
    [
      'a refusal of GraphQL that says nothing',
      aQuestion({ status: 401, responseBody: {} }),
      /GraphQL: the refusal has no message/,
    ],
    ['a method that the path does not have', anExchange({ method: 'PUT' }), /PUT .*: no such operation/],
    [
      'an unknown query parameter',
      anExchange({ path: '/repos/acme/widgets/labels?perpage=9' }),
      /'perpage' does not/,
    ],
    [
      'a query value of the wrong type',
      anExchange({ path: '/repos/acme/widgets/labels?page=two' }),
      /\.page must be/,
    ],
    [
      'a query value outside its enumeration',
      anExchange({ path: '/repos/acme/widgets/issues?state=opened', responseBody: [] }),
      /\.state must be one of/,
    ],
    [
      'a path parameter of the wrong type',
      anExchange({ path: '/repos/acme/widgets/issues/seven/comments', responseBody: [] }),
      /path parameter \.issue_number must be integer/,
    ],
    [
      'an account of an installation that is neither user nor enterprise',
      anExchange({
        path: '/app/installations',
        responseBody: [{ ...anInstallation(), account: { login: 'acme' } }],
      }),
      /response body \.0\.account must have 'avatar_url'/,
    ],
    ['a missing body', createCheckRun({ requestBody: undefined }), /request body is required/],
    [
      'a body where none belongs',
      anExchange({ requestBody: { page: 2 } }),
      /request has a body, the operation takes none/,
    ],
    [
      'a missing request field',
      createCheckRun({ requestBody: { name: 'Yardmaster' } }),
      /\(checks\/create\) → 201: request body must have 'head_sha'/,
    ],
    [
      'a request field of the wrong type',
      createCheckRun({ requestBody: { name: 'Yardmaster', head_sha: SHA, external_id: 7 } }),
      /request body \.external_id must be string/,
    ],
    [
      'a misspelt request field',
      createCheckRun({ requestBody: { name: 'Yardmaster', head_sha: SHA, extrenal_id: 'job:1' } }),
      /request body \.extrenal_id is no field/,
    ],
    [
      'a misspelt request field, though the request was refused',
      createCheckRun({
        requestBody: { name: 'Yardmaster', head_sha: SHA, extrenal_id: 'job:1' },
        status: 422,
        responseBody: { message: 'Validation Failed' },
      }),
      /request body \.extrenal_id is no field/,
    ],
    [
      'a misspelt field deep inside a request',
      createCheckRun({
        requestBody: {
          name: 'Yardmaster',
          head_sha: SHA,
          actions: [{ label: 'a', description: 'b', id: 'c' }],
        },
      }),
      /request body \.actions\.0\.id is no field/,
    ],
    [
      'a misspelt field in one branch of a union',
      anExchange({
        method: 'POST',
        path: '/repos/acme/widgets/issues/1/labels',
        requestBody: { labels: [{ nmae: 'bug', name: 'bug' }] },
        responseBody: [aLabel()],
      }),
      /request body \.labels\.0\.nmae is no field/,
    ],
    [
      'a summary that is too long, yet accepted',
      createCheckRun({
        requestBody: {
          name: 'Yardmaster',
          head_sha: SHA,
          output: { title: 'x', summary: 'x'.repeat(65_536) },
        },
      }),
      /\.output\.summary must NOT have more than 65535 characters/,
    ],
    [
      'a comment that is too long, yet accepted',
      anExchange({
        method: 'PATCH',
        path: '/repos/acme/widgets/issues/comments/1',
        requestBody: { body: 'x'.repeat(65_537) },
      }),
      /\.body has 65537 characters/,
    ],
    [
      'a check run sent as completed without conclusion',
      createCheckRun({ requestBody: { name: 'Yardmaster', head_sha: SHA, status: 'completed' } }),
      /request body \.conclusion is required/,
    ],
    [
      'a check run answered as completed without conclusion',
      createCheckRun({ responseBody: aCheckRun({ status: 'completed' }) }),
      /response body \.conclusion must be set/,
    ],
    [
      'a check run with a conclusion before its end',
      createCheckRun({ responseBody: aCheckRun({ conclusion: 'success' }) }),
      /response body \.conclusion must be null/,
    ],
    ['a status that is not described', anExchange({ status: 201 }), /201 is not a described answer \(200/],
    [
      'a "not modified" for a write',
      createCheckRun({ status: 304, responseBody: undefined }),
      /304 is not a described answer/,
    ],
    ['a body with "not modified"', anExchange({ status: 304 }), /response body must be empty/],
    [
      'a body where the answer has none',
      anExchange({ method: 'DELETE', path: '/repos/acme/widgets/labels/bug', status: 204 }),
      /response body must be empty/,
    ],
    ['an answer without body', anExchange({ responseBody: undefined }), /response body must be array/],
    [
      'an error without message',
      anExchange({ status: 404, responseBody: { error: 'Not Found' } }),
      /response body must have a 'message'/,
    ],
    [
      'a missing answer field',
      anExchange({ responseBody: [{ ...aLabel(), node_id: undefined }] }),
      /response body \.0 must have 'node_id'/,
    ],
    [
      'an answer field of the wrong type',
      anExchange({ responseBody: [aLabel({ id: '7' })] }),
      /response body \.0\.id must be integer/,
    ],
    [
      'null where the description does not allow it',
      anExchange({ responseBody: [aLabel({ name: null })] }),
      /response body \.0\.name must be string/,
    ],
    [
      'a time that is no time',
      createCheckRun({ responseBody: aCheckRun({ started_at: 'yesterday' }) }),
      /response body \.started_at must match format "date-time"/,
    ],
    [
      'an html_url without host',
      createCheckRun({ responseBody: aCheckRun({ html_url: '/acme/widgets/runs/7' }) }),
      /response body \.html_url must be an absolute URL, not "\/acme\/widgets\/runs\/7"/,
    ],
    [
      'a url that came out undefined',
      anExchange({ responseBody: [aLabel({ url: 'undefined/repos/acme/widgets/labels/bug' })] }),
      /response body \.0\.url must be an absolute URL/,
    ],
    [
      'JSON where a diff was asked for',
      anExchange({
        path: '/repos/acme/widgets/pulls/1',
        requestHeaders: { accept: 'application/vnd.github.v3.diff' },
        responseBody: {},
      }),
      /response body must be text/,
    ],
  ];

  test.each(mistakes)('%s', (_name, exchange, problem) => {
    expect(contract.checkExchange(exchange)).toContainEqual(expect.stringMatching(problem));
  });
});

describe('webhooks', () => {
  it('accepts one that GitHub sent', () => {
    expect(contract.checkWebhook(aWebhook())).toEqual([]);
  });

  it('accepts a ping, which belongs to no installation', () => {
    const payload = { zen: 'Keep it logically awesome.', hook_id: 1, hook: aHook() };

    expect(contract.checkWebhook(aWebhook({ event: 'ping', payload }, null))).toEqual([]);
  });

  const mistakes: [name: string, webhook: SentWebhook, problem: RegExp][] = [
    ['an unknown event', aWebhook({ event: 'issue' }), /webhook issue\.labeled: no such event/],
    ['an unknown action', aWebhook({}, 'labelled'), /webhook issues\.labelled: no such event/],
    ['an event without its action', aWebhook({}, null), /webhook issues: no such event/],
    ['an action other than the payload has', aWebhook({}, 'unlabeled'), /\.action must be "unlabeled"/],
    [
      'a missing field',
      aWebhook({ payload: withoutField('sender') }),
      /webhook issues\.labeled: payload must have 'sender'/,
    ],
    [
      'a missing installation',
      aWebhook({ payload: withoutField('installation') }),
      /\.installation\.id must be there/,
    ],
    [
      'a field of the wrong type',
      aWebhook({ payload: { ...labeledPayload(), repository: 'acme/widgets' } }),
      /payload \.repository must be object/,
    ],
    [
      'a bad html_url',
      aWebhook({ payload: { ...labeledPayload(), sender: { html_url: 'acme/bob' } } }),
      /payload \.sender\.html_url must be an absolute URL/,
    ],
    [
      'a delivery that is no GUID',
      aWebhook({ guid: '1767323045000' }),
      /guid "1767323045000" must be a UUID/,
    ],
  ];

  test.each(mistakes)('catches %s', (_name, webhook, problem) => {
    expect(contract.checkWebhook(webhook)).toContainEqual(expect.stringMatching(problem));
  });
});

function aQuestion(overrides: Partial<Exchange> = {}): Exchange {
  return anExchange({
    method: 'POST',
    path: '/graphql',
    requestBody: {
      query: 'query { repository(owner: "acme", name: "widgets") { issue(number: 1) { __typename } } }',
    },
    responseBody: { data: { repository: null } },
    ...overrides,
  });
}

function anExchange(overrides: Partial<Exchange> = {}): Exchange {
  return {
    method: 'GET',
    path: '/repos/acme/widgets/labels',
    requestHeaders: { accept: 'application/vnd.github+json' },
    requestBody: undefined,
    status: 200,
    responseHeaders: {},
    responseBody: [aLabel()],
    actor: 'app',
    ...overrides,
  };
}

function createCheckRun(overrides: Partial<Exchange> = {}): Exchange {
  return anExchange({
    method: 'POST',
    path: '/repos/acme/widgets/check-runs',
    requestBody: {
      name: 'Yardmaster',
      head_sha: SHA,
      external_id: 'job:1',
      output: { title: 'Queued', summary: 'First in the queue' },
    },
    status: 201,
    responseBody: aCheckRun(),
    ...overrides,
  });
}

function aLabel(overrides: Record<string, unknown> = {}) {
  return {
    id: 7,
    node_id: 'LA_7',
    url: `${API}/repos/acme/widgets/labels/bug`,
    name: 'bug',
    description: null,
    color: 'd73a4a',
    default: true,
    ...overrides,
  };
}

function aRef(ref: string) {
  const url = `${API}/repos/acme/widgets/git/${ref}`;
  const object = { type: 'commit', sha: SHA, url: `${API}/repos/acme/widgets/git/commits/${SHA}` };
  return { ref, node_id: 'REF_1', url, object };
}

function aCheckRun(overrides: Record<string, unknown> = {}) {
  const url = `${API}/repos/acme/widgets/check-runs/7`;
  return {
    id: 7,
    node_id: 'CR_7',
    head_sha: SHA,
    external_id: 'job:1',
    url,
    html_url: `${API}/acme/widgets/runs/7`,
    details_url: 'https://yardmaster.example',
    status: 'queued',
    conclusion: null,
    started_at: null,
    completed_at: null,
    output: {
      title: null,
      summary: null,
      text: null,
      annotations_count: 0,
      annotations_url: `${url}/annotations`,
    },
    name: 'Yardmaster',
    check_suite: { id: 5 },
    app: null,
    pull_requests: [],
    ...overrides,
  };
}

function anInstallation() {
  const url = `${API}/users/acme`;
  const account = {
    login: 'acme',
    id: 1,
    node_id: 'U_1',
    avatar_url: `${API}/avatars/1`,
    gravatar_id: '',
    url,
    html_url: `${API}/acme`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type: 'User',
    site_admin: false,
  };
  return {
    id: 3,
    account,
    repository_selection: 'all',
    access_tokens_url: `${API}/app/installations/3/access_tokens`,
    repositories_url: `${API}/installation/repositories`,
    html_url: `${API}/settings/installations/3`,
    app_id: 1,
    app_slug: 'yardmaster',
    target_id: 1,
    target_type: 'User',
    permissions: { issues: 'write', metadata: 'read' },
    events: ['issues'],
    created_at: '2026-01-02T03:04:05Z',
    updated_at: '2026-01-02T03:04:05Z',
    single_file_name: null,
    suspended_by: null,
    suspended_at: null,
  };
}

function aHook() {
  return {
    type: 'App',
    id: 1,
    name: 'web',
    active: true,
    events: ['issues'],
    config: { content_type: 'json', url: `${API}/api/github/webhooks`, insecure_ssl: '0' },
    app_id: 1,
    created_at: '2026-01-02T03:04:05Z',
    updated_at: '2026-01-02T03:04:05Z',
  };
}

/** An `issues.labeled` of GitHub's own, from the examples that Octokit publishes, as an App gets it. */
function labeledPayload(): Record<string, unknown> {
  const all: { name: string; examples: { action?: string; label?: object }[] }[] = createRequire(
    import.meta.url,
  )('@octokit/webhooks-examples');
  const payload = all
    .find(({ name }) => name === 'issues')
    ?.examples.find(({ action, label }) => action === 'labeled' && label !== undefined);
  return { ...payload, installation: { id: 3, node_id: 'MDIzOkludGVncmF0aW9u' } };
}

function withoutField(field: string) {
  const { [field]: _removed, ...rest } = labeledPayload();
  return rest;
}

/** `action` null leaves it out, as events without actions do. */
function aWebhook(overrides: Partial<SentWebhook> = {}, action: string | null = 'labeled'): SentWebhook {
  return {
    event: 'issues',
    ...(action === null ? {} : { action }),
    guid: '0b989ba4-242f-11e5-81e1-c7b6966d2516',
    payload: labeledPayload(),
    ...overrides,
  };
}
