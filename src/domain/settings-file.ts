import { z } from 'zod';
import type { Command } from '../contract/command-run.ts';
import { Capability, Specialty } from '../contract/identifiers.ts';
import { RefusedWork } from '../contract/job.ts';
import { BranchName } from './branch-name.ts';
import { explainBadRepositoryHost } from './host-patterns.ts';
import { WHO_ASKED } from './job.ts';
import { explainBadPattern, MAX_PATTERN_CHARACTERS, MAX_PATTERNS } from './path-patterns.ts';
import { explainBadFolder } from './sparse-cone.ts';
import { splitCommandLine } from './split-command-line.ts';
import { START_ROLES } from './who-may-start.ts';

/** More would not fit into the evidence of a run. */
const MAX_COMMANDS = 20;
const MAX_AGENTS = 5;
const AGENTS_HINT = `must be the name of an agent, or a list of 1 to ${MAX_AGENTS} of them`;

const CommandLine = z
  .string()
  .max(2000)
  .transform((line, context): Command => {
    const reading = splitCommandLine(line);
    if (reading.ok) return reading.command;
    context.addIssue({ code: 'custom', message: `${reading.message}; ${reading.fix}`, input: line });
    return z.NEVER;
  });

const Arguments = z.array(z.string().min(1, 'must not be empty')).min(1, 'must name a command').max(200);

/** A command line, or a list whose entries are command lines or lists of arguments. */
const Commands = z.union(
  [
    CommandLine.transform((command) => [command]),
    z
      .array(z.union([CommandLine, Arguments], 'must be a command line or a list of arguments'))
      .max(MAX_COMMANDS),
  ],
  'must be a command line or a list of them',
);

const PathPattern = text(MAX_PATTERN_CHARACTERS).superRefine((pattern, context) => {
  const message = explainBadPattern(pattern);
  if (message !== null) context.addIssue({ code: 'custom', message, input: pattern });
});
const PathPatterns = z
  .array(PathPattern, 'must be a list, such as [docs/**, "**/*.md"]')
  .max(MAX_PATTERNS, `must be at most ${MAX_PATTERNS} patterns`);

/** Fifty hosts are a network. */
const MAX_HOSTS = 50;
const HostName = text(300).superRefine((host, context) => {
  const message = explainBadRepositoryHost(host);
  if (message !== null) context.addIssue({ code: 'custom', message, input: host });
});

/** Failed checks of one head that are worked on without anybody asking, at the most. */
const MAX_FIXES = 3;

/** What GitHub allows as login, and what it allows in managed ones besides; `organisation/team` for a team. */
const LOGIN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;
const LOGIN_OR_TEAM = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}(?:\/[\w.-]{1,100})?$/;

const TEAM = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}\/[\w.-]{1,100}$/;
const BOT = /^[A-Za-z0-9][A-Za-z0-9-]{0,99}\[bot\]$/;

const PullRequestFields = z.strictObject(
  {
    draft: z
      .boolean('must be true or false')
      .optional()
      .describe('true: always a draft; false: never. Left out: a draft when no test confirms the work.'),
    base: z
      .string('must be the name of a branch')
      .pipe(BranchName)
      .transform((name): string => name)
      .optional()
      .describe(
        'Branch that the work begins from, and that it is to be merged into. Left out: the default branch.',
      ),
    reviewers: z
      .array(
        z.string().regex(LOGIN_OR_TEAM, 'must be a login or organisation/team'),
        'must be a list of logins',
      )
      .max(15, 'must be at most 15')
      .optional()
      .describe(`Who is asked for a review: logins, organisation/team, or ${WHO_ASKED}.`),
    labels: z
      .array(text(50), 'must be a list of labels')
      .max(20, 'must be at most 20')
      .optional()
      .describe('Labels of the pull request.'),
    assignee: z
      .string('must be a login')
      .regex(LOGIN, 'must be a login')
      .optional()
      .describe(`Who the pull request is assigned to: a login, or ${WHO_ASKED}.`),
    delete_branch: z
      .boolean('must be true or false')
      .optional()
      .describe(
        'Whether the branch is deleted when the pull request has been merged or closed, unless somebody else pushed to it. Default false.',
      ),
    resolve_conflicts: z
      .boolean('must be true or false')
      .optional()
      .describe(
        'Whether an agent resolves conflicts with the base branch as soon as there are any. Default false: somebody has to ask with /agent fix.',
      ),
    fix_ci: z
      .union(
        [z.boolean(), z.int().min(1).max(MAX_FIXES)],
        `must be true, false, or a whole number from 1 to ${MAX_FIXES}`,
      )
      .optional()
      .describe(
        'Whether an agent works on checks of other Apps that failed on the pull request: true for once on each head, or how often. Default false.',
      ),
  },
  'must be keys with values, such as "reviewers: [octavia]"',
);

const SparseFolder = text(200).superRefine((folder, context) => {
  const message = explainBadFolder(folder);
  if (message !== null) context.addIssue({ code: 'custom', message, input: folder });
});

const CheckoutFields = z.strictObject(
  {
    lfs: z
      .boolean('must be true or false')
      .optional()
      .describe('Whether files in Git LFS are fetched. Default false: their pointers are there.'),
    submodules: z
      .boolean('must be true or false')
      .optional()
      .describe(
        'Whether submodules on the same GitHub are checked out, as far as the App’s token for the repository can read them. Default false.',
      ),
    sparse: z
      .array(SparseFolder, 'must be a list of folders, such as [frontend, docs/guide]')
      .min(1, 'must name a folder; leave it out for all')
      .max(100, 'must be at most 100 folders')
      .optional()
      .describe(
        'Folders that are checked out, with the files in the root and in the folders above them. Left out: all.',
      ),
    partial: z
      .boolean('must be true or false')
      .optional()
      .describe(
        'Whether only the contents of files that are checked out are fetched, without those of older commits. Default false.',
      ),
  },
  'must be keys with values: lfs, submodules, sparse, partial',
);

const SpecialtyFields = z.strictObject(
  {
    needs: z
      .array(Capability, 'must be a list, such as [python, "node:22"]')
      .max(20)
      .optional()
      .describe(
        'Capabilities a runner must have besides the specialty: python, node:22, docker, os:linux, …; and other specialties, whose work on the same issue is merged first.',
      ),
    setup: Commands.optional().describe(
      'Commands that install dependencies, before anything else; [] for none. Left out: what the runner finds.',
    ),
    test: Commands.optional().describe(
      'Commands that must all exit 0; [] for none. Left out: what the runner finds.',
    ),
    agent: z
      .union([text(100), z.array(text(100)).min(1, AGENTS_HINT).max(MAX_AGENTS, AGENTS_HINT)], AGENTS_HINT)
      .optional()
      .describe(
        'Which agent of the runner’s agents: to use; a list names those to fall back to while its service is out. Left out: the runner’s default.',
      ),
    model: text(100)
      .optional()
      .describe('Model for the agent, the first of a list. Left out: the agent’s default.'),
    guidance: text(20_000)
      .optional()
      .describe('Markdown for the agent, in place of the built-in text for the specialty.'),
    max_minutes: wholeNumber(1, 1440).optional().describe('Longest run, in minutes. Default 120.'),
    /** At least 1: agents take 0 for unlimited. */
    max_turns: wholeNumber(1, 10_000).optional().describe('Most turns of the agent. Default 200.'),
    max_budget_usd: z
      .number('must be a number above 0')
      .positive('must be above 0')
      .max(10_000, 'must be at most 10000')
      .optional()
      .describe('Most money for one attempt in US dollars, by the agent’s own estimate. Default 20.'),
    repair_rounds: wholeNumber(0, 10)
      .optional()
      .describe('How often red tests go back to the agent. Default 2.'),
    allow_red_before: z
      .boolean('must be true or false')
      .optional()
      .describe(
        'Whether work becomes a draft pull request when only tests fail that failed before it, too. Default false.',
      ),
    rebase: z
      .boolean('must be true or false')
      .optional()
      .describe(
        'Whether work is put on the base branch as it stands when the work is done, and tested there once more. Default true.',
      ),
    commits: z
      .enum(['signed', 'plain'], 'must be signed or plain')
      .optional()
      .describe(
        'Whether GitHub makes and signs the commits, so that they count as verified. Left out: where a ruleset of the base branch, or of the branch that the work is pushed to, requires signed commits.',
      ),
    allowed_paths: PathPatterns.min(1, 'must name a path; leave it out to allow all')
      .optional()
      .describe(
        'The only paths that may be changed: docs/**, "**/*.md", … Left out: all that are not protected.',
      ),
    protected_paths: PathPatterns.optional().describe(
      'Paths that only people may change, besides the built-in ones (.github/, CI configuration, agents’ instructions, …).',
    ),
    unprotected_paths: PathPatterns.optional().describe(
      'Paths that agents may change although they are protected. Workflows stay protected.',
    ),
    fake_secret_paths: PathPatterns.optional().describe(
      'Paths whose secrets are made up, such as test/fixtures/**: what looks like a secret is let through there.',
    ),
    coverage: z
      .boolean('must be true or false')
      .optional()
      .describe(
        'Whether it is counted how many lines of a change the tests ran, where the repository has installed what tells. Default true.',
      ),
    refused_work: z
      .enum(RefusedWork.options, 'must be branch, patch or discard')
      .optional()
      .describe(
        'What becomes of work that may not be published: kept on its branch without a pull request, kept as a patch on the runner, or thrown away. Default branch.',
      ),
    checkout: CheckoutFields.nullish().describe(
      'What is checked out besides, or less than, all plain files.',
    ),
    hosts: z
      .array(HostName, 'must be a list, such as [api.example.com, "*.example.org"]')
      .max(MAX_HOSTS, `must be at most ${MAX_HOSTS} hosts`)
      .optional()
      .describe(
        'Hosts that agent, set-up and tests may reach, as far as the machine’s runner.yml allows it: example.org, *.example.org, example.org:8443. Default none: set-up reaches package registries, all else nothing.',
      ),
    pull_request: PullRequestFields.nullish().describe('How pull requests are opened.'),
    assign_issue: z
      .boolean('must be true or false')
      .optional()
      .describe('Whether the issue is assigned to whoever asks for the work. Default false.'),
    concurrency: wholeNumber(1, 1000)
      .optional()
      .describe('Most jobs of the specialty that are at work at once. Left out: as many as runners take.'),
    paused: z
      .boolean('must be true or false')
      .optional()
      .describe(
        'Whether work waits until this is taken away: nothing begins, and what has begun goes on. Default false.',
      ),
    quiet: z
      .boolean('must be true or false')
      .optional()
      .describe('Whether the issue is only told how the work ended, and what needs a person. Default false.'),
  },
  'must be keys with values, such as "test: npm test"',
);
export type SpecialtyFields = z.infer<typeof SpecialtyFields>;

const DailyLimits = z.strictObject(
  {
    jobs: wholeNumber(0, 100_000).optional().describe('Most jobs a day.'),
    usd: z
      .number('must be a number')
      .nonnegative('must not be below 0')
      .max(1_000_000, 'must be at most 1000000')
      .optional()
      .describe('Most money a day in US dollars, by the agents’ own estimates.'),
    minutes: wholeNumber(0, 1_000_000).optional().describe('Most minutes of runners a day.'),
  },
  'must be keys with numbers: jobs, usd, minutes',
);

const Limits = z.strictObject(
  {
    repository: DailyLimits.nullish().describe('For all jobs of the repository.'),
    person: DailyLimits.nullish().describe('For the jobs of each person.'),
  },
  'must be keys with limits: repository, person',
);

const Triggers = z.strictObject(
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

const RoutingFields = z.strictObject(
  {
    specialty: Specialty.describe('Which specialty such issues are for.'),
    paths: PathPatterns.optional().describe(
      'Paths that the issue names: frontend, "**/*.tsx", … A folder stands for all that is in it.',
    ),
    words: z
      .array(text(100), 'must be a list of words')
      .max(50, 'must be at most 50')
      .optional()
      .describe('Words or phrases of its title or text.'),
    types: z
      .array(text(100), 'must be a list of issue types, such as [Bug]')
      .max(20, 'must be at most 20')
      .optional()
      .describe('Types of issues.'),
    fields: z
      .record(
        text(200),
        z.array(text(200), 'must be a list of answers').max(50, 'must be at most 50'),
        'must be lines of "question: [answers]"',
      )
      .optional()
      .describe('Questions of an issue form, with the answers that speak for the specialty.'),
  },
  'must be keys with values: specialty, and paths, words, types or fields',
);

const Routing = z
  .array(RoutingFields, 'must be a list of rules, such as "- specialty: frontend"')
  .max(50, 'must be at most 50 rules')
  .describe('Which specialty an issue without a label is for, when somebody writes /agent run.');

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
  'must be keys with values: labels, specialties, routing, triggers, concurrency, limits, defaults, _extends',
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

function text(max: number): z.ZodString {
  const message = `must be text of 1 to ${max} characters`;
  return z.string(message).min(1, message).max(max, message);
}

function wholeNumber(min: number, max: number): z.ZodInt {
  const message = `must be a whole number from ${min} to ${max}`;
  return z.int(message).min(min, message).max(max, message);
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
