import { expect, test } from 'vitest';
import { createClient } from './client.ts';
import { at, repo, startSetting, type Setting } from './setting.ts';
import { startReceiver } from './webhook-receiver.ts';

async function mainOf({ standin }: Setting): Promise<string> {
  return (await standin.state.branches(repo))['main'] ?? '';
}

test('a check run goes from queued to completed, and belongs to the App', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  const head_sha = await mainOf(setting);

  const made = await app('POST', `${at}/check-runs`, { name: 'build', head_sha, external_id: 'job:1' });
  const { id } = made.body as { id: number };
  const started = await app('PATCH', `${at}/check-runs/${id}`, {
    status: 'in_progress',
    output: { title: 'Working', summary: 'phase 1' },
  });
  const ended = await app('PATCH', `${at}/check-runs/${id}`, { conclusion: 'success' });

  expect(made).toMatchObject({
    status: 201,
    body: {
      status: 'queued',
      conclusion: null,
      external_id: 'job:1',
      head_sha,
      app: { id: standin.app.id, slug: 'yardmaster' },
    },
  });
  expect(started).toMatchObject({
    status: 200,
    body: { status: 'in_progress', output: { summary: 'phase 1' } },
  });
  expect(ended).toMatchObject({ body: { status: 'completed', conclusion: 'success' } });
  expect((ended.body as { completed_at: string }).completed_at).toMatch(/Z$/);
  expect(await app('GET', `${at}/check-runs/${id}`)).toMatchObject({ body: { conclusion: 'success' } });
});

test('the same name and external id again make another run', async () => {
  await using setting = await startSetting();
  const { app } = setting;
  const body = { name: 'build', head_sha: await mainOf(setting), external_id: 'job:1' };

  const ids = [await app('POST', `${at}/check-runs`, body), await app('POST', `${at}/check-runs`, body)].map(
    (answer) => (answer.body as { id: number }).id,
  );

  expect(new Set(ids).size).toBe(2);
});

const fine = { title: 't', summary: 's' };
const action = { label: 'Retry', description: 'again', identifier: 'retry' };
const annotation = { path: 'a', start_line: 1, end_line: 1, annotation_level: 'notice', message: 'm' };

test.each([
  ['a commit that is not there', { head_sha: '0123456789'.repeat(4) }],
  ['a head_sha that is none', { head_sha: 'main' }],
  ['completed without conclusion', { status: 'completed' }],
  ['a summary that is too long', { output: { ...fine, summary: 'x'.repeat(65_536) } }],
  ['a text that is too long', { output: { ...fine, text: 'x'.repeat(65_536) } }],
  ['an output without title', { output: { summary: 's' } }],
  ['51 annotations', { output: { ...fine, annotations: Array.from({ length: 51 }, () => annotation) } }],
  [
    'an annotation without level',
    { output: { ...fine, annotations: [{ ...annotation, annotation_level: 'x' }] } },
  ],
  ['four actions', { actions: [action, action, action, action] }],
  ['a label of 21 characters', { actions: [{ ...action, label: 'x'.repeat(21) }] }],
  ['a description of 41 characters', { actions: [{ ...action, description: 'x'.repeat(41) }] }],
  ['an identifier of 21 characters', { actions: [{ ...action, identifier: 'x'.repeat(21) }] }],
  ['an unknown conclusion', { conclusion: 'great' }],
  ['a details_url that is no web address', { details_url: 'file:///etc/passwd' }],
])('a check run with %s is refused', async (_, wrong) => {
  await using setting = await startSetting();

  const answer = await setting.app('POST', `${at}/check-runs`, {
    name: 'build',
    head_sha: await mainOf(setting),
    ...wrong,
  });

  expect(answer.status).toBe(422);
  expect(setting.standin.state.checkRuns(repo)).toEqual([]);
});

test('an update cannot complete a run without a conclusion', async () => {
  await using setting = await startSetting();
  const { app } = setting;
  const made = await app('POST', `${at}/check-runs`, { name: 'build', head_sha: await mainOf(setting) });
  const path = `${at}/check-runs/${(made.body as { id: number }).id}`;

  expect((await app('PATCH', path, { status: 'completed' })).status).toBe(422);
  expect((await app('PATCH', `${at}/check-runs/1`, { status: 'in_progress' })).status).toBe(404);
});

test('annotations add up over the updates', async () => {
  await using setting = await startSetting();
  const { app } = setting;
  const made = await app('POST', `${at}/check-runs`, {
    name: 'build',
    head_sha: await mainOf(setting),
    output: { ...fine, annotations: Array.from({ length: 50 }, () => annotation) },
  });
  const path = `${at}/check-runs/${(made.body as { id: number }).id}`;

  const updated = await app('PATCH', path, { output: { ...fine, annotations: [annotation] } });

  expect(updated).toMatchObject({ body: { output: { annotations_count: 51 } } });
  expect((await app('GET', `${path}/annotations?per_page=100`)).body).toHaveLength(51);
});

test('lists show the newest run of a name, all on demand, and are paged and filtered', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  const head_sha = await mainOf(setting);
  for (const name of ['build', 'build', 'test']) await app('POST', `${at}/check-runs`, { name, head_sha });
  const total = async (query: string) =>
    ((await app('GET', `${at}/commits/main/check-runs?${query}`)).body as { total_count: number })
      .total_count;

  expect(await total('')).toBe(2);
  expect(await total('filter=all')).toBe(3);
  expect(await total('check_name=build')).toBe(1);
  expect(await total('status=completed')).toBe(0);
  expect(await total(`app_id=${standin.app.id}`)).toBe(2);
  expect(await total('app_id=1')).toBe(0);
  const paged = await app('GET', `${at}/commits/${head_sha}/check-runs?per_page=1`);
  expect(paged.body).toMatchObject({ total_count: 2, check_runs: [{ name: 'test' }] });
  expect(paged.headers.get('link')).toContain('rel="next"');
  expect((await app('GET', `${at}/commits/nowhere/check-runs`)).status).toBe(422);
});

test('a push brings an empty queued suite, whose conclusion follows its runs', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  await using receiver = await startReceiver(() => standin.app.webhookSecret);
  standin.webhooks.target(receiver.url);
  const sha = await standin.as('alice').pushFiles(repo, 'topic', { a: 'b' }, 'Add a');
  const suites = await app('GET', `${at}/commits/topic/check-suites`);
  const [suite] = (suites.body as { check_suites: { id: number }[] }).check_suites;

  await app('POST', `${at}/check-runs`, { name: 'one', head_sha: sha, conclusion: 'success' });
  await app('POST', `${at}/check-runs`, { name: 'two', head_sha: sha, conclusion: 'failure' });
  await standin.webhooks.idle();

  expect(suites.body).toMatchObject({
    total_count: 1,
    check_suites: [{ status: 'queued', head_branch: 'topic' }],
  });
  expect(await app('GET', `${at}/check-suites/${suite?.id}`)).toMatchObject({
    body: { status: 'completed', conclusion: 'failure', latest_check_runs_count: 2 },
  });
  expect(await app('GET', `${at}/check-suites/${suite?.id}/check-runs`)).toMatchObject({
    body: { total_count: 2 },
  });
  expect(receiver.names()).toContain('check_suite.requested');
  expect(receiver.names()).toContain('check_suite.completed');
});

test('an administrator can switch the automatic suites off, and the App can make its own', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  const ada = createClient(standin, standin.createUserToken('ada'));
  await ada('PATCH', `${at}/check-suites/preferences`, {
    auto_trigger_checks: [{ app_id: standin.app.id, setting: false }],
  });
  const head_sha = await standin.as('alice').pushFiles(repo, 'topic', { a: 'b' }, 'Add a');

  expect((await app('GET', `${at}/commits/topic/check-suites`)).body).toMatchObject({ total_count: 0 });
  expect((await app('POST', `${at}/check-suites`, { head_sha })).status).toBe(201);
  expect((await app('POST', `${at}/check-suites`, { head_sha })).status).toBe(200);
});

test('a person presses a button of a completed run, and re-runs it', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  await using receiver = await startReceiver(() => standin.app.webhookSecret);
  const alice = standin.as('alice');
  const made = await app('POST', `${at}/check-runs`, {
    name: 'build',
    head_sha: await mainOf(setting),
    actions: [action],
    external_id: 'job:1',
  });
  const run = made.body as { id: number; check_suite: { id: number } };
  await expect(alice.clickCheckRunAction(repo, run.id, 'retry')).rejects.toThrow('no button');
  await app('PATCH', `${at}/check-runs/${run.id}`, { conclusion: 'cancelled' });
  await standin.webhooks.idle();
  standin.webhooks.target(receiver.url);

  await alice.clickCheckRunAction(repo, run.id, 'retry');
  await alice.rerequestCheckRun(repo, run.id);
  await alice.rerequestCheckSuite(repo, run.check_suite.id);
  expect((await app('POST', `${at}/check-runs/${run.id}/rerequest`)).status).toBe(201);
  expect((await app('POST', `${at}/check-suites/${run.check_suite.id}/rerequest`)).status).toBe(201);
  await standin.webhooks.idle();

  await expect(alice.clickCheckRunAction(repo, run.id, 'other')).rejects.toThrow('no button');
  await expect(standin.as('tom').clickCheckRunAction(repo, run.id, 'retry')).rejects.toThrow('admin rights');
  const clicked = receiver.received.find(({ action: name }) => name === 'requested_action');
  expect(clicked?.payload).toMatchObject({
    requested_action: { identifier: 'retry' },
    check_run: { external_id: 'job:1' },
    sender: { login: 'alice' },
  });
  expect(receiver.names().sort()).toEqual([
    'check_run.requested_action',
    'check_run.rerequested',
    'check_run.rerequested',
    'check_suite.rerequested',
    'check_suite.rerequested',
  ]);
});

test('a run names the open pull request whose head it is on', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  const alice = standin.as('alice');
  const head_sha = await alice.pushFiles(repo, 'topic', { a: 'b' }, 'Add a');
  const pull = await alice.openPullRequest(repo, { title: 'A', head: 'topic' });

  const made = await app('POST', `${at}/check-runs`, { name: 'build', head_sha });

  expect(made.body).toMatchObject({ pull_requests: [{ number: pull.number, head: { sha: head_sha } }] });
});
