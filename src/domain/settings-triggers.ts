import { z } from 'zod';
import { START_ROLES } from './who-may-start.ts';

const TEAM = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}\/[\w.-]{1,100}$/;
const BOT = /^[A-Za-z0-9][A-Za-z0-9-]{0,99}\[bot\]$/;

/** `triggers` in the settings: who may start work. */
export const Triggers = z.strictObject(
  {
    role: z
      .enum(
        START_ROLES,
        'must be write, maintain or admin: nobody starts work with less than write access, since readers of a public repository are anybody',
      )
      .optional()
      .describe(
        'Least access to the repository of whoever starts work. Default write; where teams are named, none is enough by itself.',
      ),
    teams: z
      .array(
        z.string().regex(TEAM, 'must be organisation/team, such as acme/web'),
        'must be a list of teams, such as [acme/web]',
      )
      .max(10, 'must be at most 10')
      .optional()
      .describe(
        'Teams of the owner whose members may start work if they have write access, whatever role says. The App needs the permission members: read.',
      ),
    bots: z
      .array(
        z.string().regex(BOT, 'must be the login of an App, such as "renovate[bot]"'),
        'must be a list of logins, such as ["renovate[bot]"]',
      )
      .max(20, 'must be at most 20')
      .optional()
      .describe('Apps that may start work, by the logins of their bots. All others are ignored.'),
  },
  'must be keys with values: role, teams, bots',
);
