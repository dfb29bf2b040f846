import { isAtLeast, mayWrite, type Permission } from './permission.ts';

/** Access that can be asked for; with less than the first nobody starts work. */
export const START_ROLES = ['write', 'maintain', 'admin'] as const;
type StartRole = (typeof START_ROLES)[number];

/** Whom the settings let start work. */
export type StartRules = {
  /** The least access; `null`: the settings don't say. */
  role: StartRole | null;
  /** `organisation/team`: members with write access may, whatever the role. Where only teams are named, nobody else may. */
  teams: readonly string[];
  /** Logins of Apps' bots, `name[bot]`. */
  bots: readonly string[];
};

/** Whether somebody is in one of the teams, or why GitHub does not tell. */
export type TeamReading = { kind: 'member' } | { kind: 'none' } | { kind: 'unknown'; reason: string };

/** What somebody may do here. */
export type Standing = {
  /** As GitHub has it now; `write` for a bot that the settings name, whose access GitHub does not tell. */
  permission: Permission;
  /** Why they may not start work although they may write, or why they are not listened to; `null` when nothing is in the way. */
  denial: Denial | null;
};

/** `reason` is plain text with others' words in it. `isSilent`: a bot that nobody allowed gets no answer. */
export type Denial = { reason: string; isSilent: boolean };

/** People's logins have no brackets; lists of GitHub and our own store don't always say who is a bot. */
export function isBot({ login, isBot: isSaid }: { login: string; isBot: boolean }): boolean {
  return isSaid || login.endsWith('[bot]');
}

/** Whatever the settings name: Yardmaster would answer itself. */
export const OURSELVES = ignore('it was done by Yardmaster itself');

/** Bots are allowed by name only. */
export function judgeBot(login: string, { bots }: StartRules): Standing {
  if (bots.some((name) => isSameLogin(name, login))) return { permission: 'write', denial: null };
  return ignore(`${login} is a bot, and triggers.bots in the settings does not name it`);
}

/** Whether it depends on the teams of somebody with this permission. */
export function dependsOnTeams(permission: Permission, rules: StartRules): boolean {
  return rules.teams.length > 0 && mayWrite(permission) && !hasRole(permission, rules);
}

/** `teams` is looked at only where it depends on them. Whoever may not even write is told so elsewhere. */
export function judgePerson(asked: {
  login: string;
  permission: Permission;
  teams: TeamReading;
  rules: StartRules;
}): Standing {
  const { login, permission, teams, rules } = asked;
  if (!mayWrite(permission) || hasRole(permission, rules)) return { permission, denial: null };
  if (dependsOnTeams(permission, rules) && teams.kind === 'member') return { permission, denial: null };
  const wanted = `${login} may not start work here: the settings (triggers) ask for ${describeStartRules(rules)}.`;
  const unknown =
    teams.kind === 'unknown'
      ? ` Who is in a team could not be read: ${teams.reason.replace(/\.?$/, '.')}`
      : '';
  return { permission, denial: { reason: wanted + unknown, isSilent: false } };
}

/** What it takes, for people: `maintain access, or write access and membership of acme/web`. */
export function describeStartRules(rules: StartRules): string {
  const role = roleOf(rules);
  const { teams } = rules;
  const members = `write access and membership of ${teams.join(' or ')}`;
  if (role === null) return members;
  return teams.length === 0 || role === 'write' ? `${role} access` : `${role} access, or ${members}`;
}

function hasRole(permission: Permission, rules: StartRules): boolean {
  const role = roleOf(rules);
  return role !== null && isAtLeast(permission, role);
}

/** `null`: no access is enough by itself. */
function roleOf({ role, teams }: StartRules): StartRole | null {
  return role ?? (teams.length === 0 ? 'write' : null);
}

function ignore(reason: string): Standing {
  return { permission: 'none', denial: { reason, isSilent: true } };
}

/** GitHub does not tell the case of logins. */
export function isSameLogin(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
