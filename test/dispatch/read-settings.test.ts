import { describe, expect, test } from 'vitest';
import { readSettings } from '../../src/dispatch/read-settings.ts';
import { openDispatchWorld, aLabelTrigger } from '../support/dispatch-world.ts';
import { openTestStore } from '../support/embedded-store.ts';
import { openGitHubAtStandin } from '../support/github-at-standin.ts';
import { aRepository } from '../support/job-builders.ts';

const PATH = '.github/yardmaster.yml';

describe('settings beyond the repository', () => {
  test('without a file of its own, a repository has those of the organisation; with one, only what it extends', async () => {
    await using at = await openGitHubAtStandin();
    await using opened = await openTestStore();
    const { store } = opened;
    const deps = { store, github: at.github };
    await createFile(at, '.github', 'labels: {chore: devops}\n');
    const without = await at.createTarget();
    const alone = await at.createTarget({ files: { [PATH]: 'labels: {bug: backend}\n' } });
    const extending = await at.createTarget({
      files: { [PATH]: '_extends: .github\nlabels: {bug: backend}\n' },
    });

    const labelsOf = async (target: typeof alone): Promise<string[]> => {
      const { settings, problem } = await readSettings(target, deps);
      expect(problem).toBeNull();
      return [...settings.labels.keys()].filter((label) => !label.startsWith('agent:'));
    };

    expect(await labelsOf(without)).toEqual(['chore']);
    expect(await labelsOf(alone)).toEqual(['bug']);
    expect(await labelsOf(extending)).toEqual(['chore', 'bug']);
  });

  test('a file that is extended and not there is named, with what to do', async () => {
    await using at = await openGitHubAtStandin();
    await using opened = await openTestStore();
    const { store } = opened;
    const target = await at.createTarget({ files: { [PATH]: '_extends: nowhere:backend.yml\n' } });

    const { problem } = await readSettings(target, { store, github: at.github });

    expect(problem).toMatch(
      /_extends: backend\.yml on the default branch of acme\/nowhere can’t be found; make it/,
    );
  });

  test('files that extend one another in a circle are told, after few reads', async () => {
    await using at = await openGitHubAtStandin();
    await using opened = await openTestStore();
    const { store } = opened;
    await createFile(at, 'ring', '_extends: ring\n');
    const target = await at.createTarget({ files: { [PATH]: '_extends: ring\n' } });

    const requests = await at.requestsOf(async () => {
      const { problem } = await readSettings(target, { store, github: at.github });
      expect(problem).toMatch(
        /\.github\/yardmaster\.yml on the default branch of acme\/ring can't be used:\n- _extends: more than 5 files/,
      );
    });

    expect(requests).toHaveLength(5);
  });

  test('a mistake in the file that is extended names that file', async () => {
    await using at = await openGitHubAtStandin();
    await using opened = await openTestStore();
    const { store } = opened;
    await createFile(at, 'base', 'defaults:\n  tset: x\n');
    const target = await at.createTarget({ files: { [PATH]: '_extends: base\n' } });

    const { problem } = await readSettings(target, { store, github: at.github });

    expect(problem).toMatch(/acme\/base can't be used:\n- line 2, defaults\.tset/);
  });
});

describe('a mistake on the default branch', () => {
  test('leaves the last good settings in force, and is said once, on the first job that met it', async () => {
    await using world = await openDispatchWorld();
    world.recorder.settingsFile = 'labels: {bug: backend}\n';
    await world.dispatcher.cancel(await world.label({ label: 'bug' }), 'no more');
    world.recorder.settingsFile = 'labels: {bug: backend}\ndefaults: {tset: x}\n';

    const first = await world.label({ label: 'bug', issueNumber: 43 });
    const second = await world.label({ label: 'bug', issueNumber: 44 });

    const [said, notSaid] = [await told(world, first), await told(world, second)];
    expect(said).toMatch(
      /line 2, defaults\.tset: .*did you mean "test"\?[^]*the last settings without mistakes are in force/,
    );
    expect(notSaid).toBeUndefined();
    expect(
      world.recorder.comments.filter(({ body }) => body.includes('Please mend the settings')),
    ).toHaveLength(1);
  });

  test('another mistake is said again', async () => {
    await using world = await openDispatchWorld();
    world.recorder.settingsFile = 'labels: {bug: backend}\n';
    await world.dispatcher.cancel(await world.label({ label: 'bug' }), 'no more');
    world.recorder.settingsFile = 'defaults: {tset: x}\n';
    await world.label({ label: 'bug', issueNumber: 43 });
    world.recorder.settingsFile = 'labels: [';

    const next = await world.label({ label: 'bug', issueNumber: 44 });

    expect(await told(world, next)).toMatch(/mend the YAML/);
  });

  test('where there never were good ones stops work, and says so', async () => {
    await using world = await openDispatchWorld();
    world.recorder.settingsFile = 'labels: [';

    const outcome = await world.acceptTrigger(aLabelTrigger());

    expect(outcome).toMatchObject({ kind: 'refused', reason: expect.stringContaining('mend the YAML') });
  });

  test('while GitHub can’t be asked, nothing is decided', async () => {
    await using at = await openGitHubAtStandin();
    await using opened = await openTestStore();
    const { store } = opened;
    const target = await at.createTarget({ files: { [PATH]: 'labels: {bug: backend}\n' } });
    at.standin.faults.add({ path: /contents/, status: 502, times: 20 });

    await expect(readSettings(target, { store, github: at.github })).rejects.toMatchObject({
      kind: 'unavailable',
    });
    expect(await store.memory.keptSettings(aRepository().id)).toBeNull();
  });
});

async function createFile(at: Awaited<ReturnType<typeof openGitHubAtStandin>>, name: string, text: string) {
  await at.standin.createRepository({ owner: 'acme', name, files: { [PATH]: text } });
}

async function told(
  world: Awaited<ReturnType<typeof openDispatchWorld>>,
  id: Parameters<typeof world.jobOf>[0],
) {
  const events = await world.store.timeline.eventsOf(id);
  return events.find(({ kind }) => kind === 'settings_notice')?.text;
}
