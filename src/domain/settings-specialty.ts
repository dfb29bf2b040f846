import { z } from 'zod';
import { Capability } from '../contract/identifiers.ts';
import { RefusedWork } from '../contract/job.ts';
import { explainBadRepositoryHost } from './host-patterns.ts';
import { CheckoutFields } from './settings-checkout.ts';
import { Commands } from './settings-commands.ts';
import { PullRequestFields } from './settings-pull-request.ts';
import { PathPatterns, text, wholeNumber } from './settings-values.ts';

const MAX_AGENTS = 5;
const AGENTS_HINT = `must be the name of an agent, or a list of 1 to ${MAX_AGENTS} of them`;

/** Fifty hosts are a network. */
const MAX_HOSTS = 50;
const HostName = text(300).superRefine((host, context) => {
  const message = explainBadRepositoryHost(host);
  if (message !== null) context.addIssue({ code: 'custom', message, input: host });
});

/** What stands under `defaults`, or under one of `specialties`. */
export const SpecialtyFields = z.strictObject(
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
