import { expect, test } from 'vitest';
import { createProposeSettings } from '../../src/dispatch/propose-settings.ts';
import { combineSettings, parseRepoSettings } from '../../src/domain/repo-settings.ts';
import { toSettingsTemplate } from '../../src/domain/settings-template.ts';
import { fullNameOf, openGitHubAtStandin } from '../support/github-at-standin.ts';

test('the proposed settings change nothing as they stand, and each of their lines is right', () => {
  const template = toSettingsTemplate(null);
  const inUse = template.replaceAll(/^# (?=\w+:|[ -])/gm, '');

  expect(parseRepoSettings(template)).toEqual({
    ok: true,
    settings: combineSettings([]),
    warnings: [],
  });
  expect(inUse).toMatch(/^specialties:/m);
  expect(parseRepoSettings(inUse)).toMatchObject({ ok: true, warnings: [] });
});

test('editors are told in the first line where the schema is', () => {
  const place = 'https://yard.example.com/yardmaster.schema.json';

  expect(toSettingsTemplate(place)).toMatch(
    new RegExp(`^# yaml-language-server: \\$schema=${place}\\n# Settings`),
  );
  expect(toSettingsTemplate(null)).toMatch(
    /^# yaml-language-server: \$schema=\.\/yardmaster\.schema\.json\n# .*`yardmaster config schema/,
  );
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
    schemaUrl: null,
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
