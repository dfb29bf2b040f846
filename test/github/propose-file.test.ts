import { expect, test } from 'vitest';
import { createProposeSettings } from '../../src/dispatch/propose-settings.ts';
import { combineSettings, parseRepoSettings } from '../../src/domain/repo-settings.ts';
import { SETTINGS_TEMPLATE } from '../../src/domain/settings-template.ts';
import { fullNameOf, openGitHubAtStandin } from '../support/github-at-standin.ts';

test('the proposed settings change nothing as they stand, and each of their lines is right', () => {
  const inUse = SETTINGS_TEMPLATE.replaceAll(/^# (?=\w+:|[ -])/gm, '');

  expect(parseRepoSettings(SETTINGS_TEMPLATE)).toEqual({
    ok: true,
    settings: combineSettings([]),
    warnings: [],
  });
  expect(inUse).toMatch(/^specialties:/m);
  expect(parseRepoSettings(inUse)).toMatchObject({ ok: true, warnings: [] });
});

test('settings are proposed once, where there are none, in repositories of ours', async () => {
  await using at = await openGitHubAtStandin();
  const { standin, github } = at;
  const target = await at.createTarget();
  const fullName = fullNameOf(target);
  const propose = createProposeSettings({
    store: { sweeps: { repositories: async () => [target] } },
    github,
    proposeFile: github.proposeFile,
  });

  const first = await propose(fullName.toUpperCase());
  const again = await propose(fullName);

  const [pull, ...more] = standin.state.pullRequests(fullName);
  expect(more).toEqual([]);
  expect(pull).toMatchObject({ title: 'Settings for Yardmaster', head: { ref: 'yardmaster/settings' } });
  expect([first, again]).toEqual([
    { ok: true, value: { url: pull?.html_url } },
    { ok: true, value: { url: pull?.html_url } },
  ]);

  await standin.as('alice').mergePullRequest(fullName, pull?.number ?? 0);
  expect(await propose(fullName)).toMatchObject({ ok: false, message: expect.stringContaining('already') });
  expect(await propose('acme/nothing')).toMatchObject({ ok: false, code: 'not_found' });
});
