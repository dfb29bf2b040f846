import { describe, expect, test } from 'vitest';
import type { Permission } from '../../src/domain/permission.ts';
import { parseRepoSettings } from '../../src/domain/repo-settings.ts';
import {
  dependsOnTeams,
  describeStartRules,
  isBot,
  judgeBot,
  judgePerson,
  type TeamReading,
} from '../../src/domain/who-may-start.ts';

function rulesOf(triggers: string) {
  const reading = parseRepoSettings(`triggers: ${triggers}\n`);
  if (!reading.ok) throw new Error(reading.message);
  return reading.settings.triggers;
}

const member: TeamReading = { kind: 'member' };
const stranger: TeamReading = { kind: 'none' };

describe('who may start work', () => {
  test.each<[string, Permission, TeamReading, boolean]>([
    ['{}', 'write', stranger, true],
    ['{role: maintain}', 'write', stranger, false],
    ['{role: maintain}', 'maintain', stranger, true],
    ['{role: maintain}', 'admin', stranger, true],
    ['{role: admin}', 'maintain', stranger, false],
    ['{role: maintain, teams: [acme/web]}', 'write', member, true],
    ['{role: maintain, teams: [acme/web]}', 'write', stranger, false],
    // Whoever names only teams means only them.
    ['{teams: [acme/web]}', 'write', member, true],
    ['{teams: [acme/web]}', 'admin', stranger, false],
    ['{role: write, teams: [acme/web]}', 'write', stranger, true],
    // A reading that nobody asked for opens nothing.
    ['{role: admin}', 'write', member, false],
  ])('by %s, somebody with %s access and the team %o: %s', (triggers, permission, teams, may) => {
    const standing = judgePerson({ login: 'alice', permission, teams, rules: rulesOf(triggers) });

    expect(standing.denial === null).toBe(may);
    expect(standing.permission).toBe(permission);
  });

  test.each<Permission>(['none', 'read'])('%s access is never raised, by no team', (permission) => {
    const rules = rulesOf('{teams: [acme/web]}');

    expect(dependsOnTeams(permission, rules)).toBe(false);
    expect(judgePerson({ login: 'alice', permission, teams: member, rules })).toEqual({
      permission,
      denial: null,
    });
  });

  test('a team that can not be looked at opens nothing, and says why', () => {
    const teams: TeamReading = {
      kind: 'unknown',
      reason: 'The App lacks a permission there (members: read)',
    };
    const { denial } = judgePerson({
      login: 'alice',
      permission: 'write',
      teams,
      rules: rulesOf('{role: maintain, teams: [acme/web, acme/ops]}'),
    });

    expect(denial).toEqual({
      isSilent: false,
      reason:
        'alice may not start work here: the settings (triggers) ask for maintain access, or write access and membership of acme/web or acme/ops. Who is in a team could not be read: The App lacks a permission there (members: read).',
    });
  });

  test('teams are looked at only for those who need them', () => {
    expect(dependsOnTeams('maintain', rulesOf('{role: maintain, teams: [acme/web]}'))).toBe(false);
    expect(dependsOnTeams('write', rulesOf('{role: maintain, teams: [acme/web]}'))).toBe(true);
    expect(dependsOnTeams('write', rulesOf('{role: maintain}'))).toBe(false);
  });

  test('a bot may if it is named, whatever GitHub says of its access, and is ignored otherwise', () => {
    const rules = rulesOf('{role: admin, bots: ["Renovate[bot]"]}');

    expect(judgeBot('renovate[bot]', rules)).toEqual({ permission: 'write', denial: null });
    expect(judgeBot('other[bot]', rules)).toMatchObject({ permission: 'none', denial: { isSilent: true } });
    expect(isBot({ login: 'renovate[bot]', isBot: false })).toBe(true);
    expect(isBot({ login: 'renovate-bot', isBot: false })).toBe(false);
  });

  test.each([
    ['{}', 'write access'],
    ['{role: admin}', 'admin access'],
    ['{teams: [acme/web]}', 'write access and membership of acme/web'],
    ['{role: write, teams: [acme/web]}', 'write access'],
  ])('%s takes %s', (triggers, wanted) => {
    expect(describeStartRules(rulesOf(triggers))).toBe(wanted);
  });
});

describe('triggers in the settings', () => {
  test.each([
    [
      '{role: read}',
      /triggers\.role: must be write, maintain or admin: nobody starts work with less than write/,
    ],
    ['{role: triage}', /readers of a public repository are anybody/],
    ['{teams: [web]}', /triggers\.teams\.0: must be organisation\/team/],
    ['{bots: [renovate]}', /triggers\.bots\.0: must be the login of an App, such as "renovate\[bot\]"/],
    ['{bot: [x]}', /did you mean "bots"/],
  ])('%s is refused', (triggers, message) => {
    const reading = parseRepoSettings(`triggers: ${triggers}\n`);

    expect(reading.ok ? '' : reading.message).toMatch(message);
  });

  test('teams beside a role that they add nothing to are warned of', () => {
    const reading = parseRepoSettings('triggers: {role: write, teams: [acme/web]}\n');

    expect(reading.ok && reading.warnings).toEqual([
      expect.stringContaining('triggers.teams changes nothing'),
    ]);
  });
});
