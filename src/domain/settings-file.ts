import { z } from 'zod';
import { Specialty } from '../contract/identifiers.ts';
import { PRIORITY_NAMES } from './job.ts';
import { CheckoutFields } from './settings-checkout.ts';
import { DailyLimits, Limits } from './settings-limits.ts';
import { PullRequestFields } from './settings-pull-request.ts';
import { Routing, RoutingFields } from './settings-routing.ts';
import { SpecialtyFields } from './settings-specialty.ts';
import { Triggers } from './settings-triggers.ts';
import { text, wholeNumber } from './settings-values.ts';

/**
 * `.github/yardmaster.yml` as people write it; a key without a value counts as absent. Commands come out as lists of
 * arguments.
 */
export const SettingsFile = z.strictObject(
  {
    /** `[owner/]repository[:path]`, as other Probot apps write it. */
    _extends: z
      .string('must be a repository, such as .github or settings:backend.yml')
      .regex(
        /^(?:[\w.-]{1,100}\/)?[\w.-]{1,100}(?::[\w./ -]{1,200})?$/,
        'must be a repository, such as .github or settings:backend.yml',
      )
      .nullish()
      .describe(
        'Settings to begin with: [owner/]repository[:path] of the same owner. What this file says goes before them.',
      ),
    /** Label → specialty. GitHub allows labels of up to 50 characters. */
    labels: z
      .record(text(50), Specialty, 'must be lines of "label: specialty"')
      .nullish()
      .describe('Label → specialty, besides agent:<specialty>, which always works.'),
    priority_labels: z
      .record(
        text(50),
        z.enum(PRIORITY_NAMES, 'must be high, normal or low'),
        'must be lines of "label: high" or "label: low"',
      )
      .nullish()
      .describe('Label → high, normal or low: which work goes before or behind other work in the queue.'),
    specialties: z
      .record(Specialty, SpecialtyFields.nullable(), 'must be names of specialties with their settings')
      .nullish()
      .describe(
        'What holds for jobs of one specialty: backend, frontend, testing, devops, or one of your own.',
      ),
    routing: Routing.nullish(),
    triggers: Triggers.nullish().describe('Who may start work, by whatever way.'),
    concurrency: wholeNumber(1, 1000)
      .nullish()
      .describe('Most jobs of the repository that are at work at once. Left out: as many as runners take.'),
    limits: Limits.nullish().describe('What may be used up in a day (UTC).'),
    defaults: SpecialtyFields.nullish().describe(
      'What holds for every specialty that does not say otherwise.',
    ),
  },
  'must be keys with values: labels, priority_labels, specialties, routing, triggers, concurrency, limits, defaults, _extends',
);
export type SettingsFile = z.infer<typeof SettingsFile>;

/** Known keys, for suggestions. */
export const TOP_LEVEL_KEYS = Object.keys(SettingsFile.shape);
export const SPECIALTY_KEYS = Object.keys(SpecialtyFields.shape);

/** Keys that are known below `path`. */
export function knownKeys(path: readonly PropertyKey[]): readonly string[] {
  if (path.length === 0) return TOP_LEVEL_KEYS;
  if (path[0] === 'routing') return Object.keys(RoutingFields.shape);
  if (path[0] === 'triggers') return Object.keys(Triggers.shape);
  if (path.at(-1) === 'pull_request') return Object.keys(PullRequestFields.shape);
  if (path.at(-1) === 'checkout') return Object.keys(CheckoutFields.shape);
  if (path[0] !== 'limits') return SPECIALTY_KEYS;
  return Object.keys((path.length === 1 ? Limits : DailyLimits).shape);
}

/** A name, not a place: every coordinator serves the schema of its own version at `SETTINGS_SCHEMA_PATH`. */
const SETTINGS_SCHEMA_ID = 'urn:yardmaster:settings';
export const SETTINGS_SCHEMA_PATH = '/yardmaster.schema.json';

/** The settings file as JSON Schema (2020-12), for editors: what is written there, before commands become lists of arguments. */
export function toSettingsSchema(): object {
  const schema = z.toJSONSchema(SettingsFile, { io: 'input', reused: 'ref' });
  return {
    $id: SETTINGS_SCHEMA_ID,
    title: 'Settings of a repository for Yardmaster (.github/yardmaster.yml)',
    ...schema,
  };
}
