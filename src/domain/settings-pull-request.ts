import { z } from 'zod';
import { BranchName } from './branch-name.ts';
import { WHO_ASKED } from './job.ts';
import { text } from './settings-values.ts';

/** Failed checks of one head that are worked on without anybody asking, at the most. */
const MAX_FIXES = 3;

/** What GitHub allows as login, and what it allows in managed ones besides; `organisation/team` for a team. */
const LOGIN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;
const LOGIN_OR_TEAM = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}(?:\/[\w.-]{1,100})?$/;

/** `pull_request` in the settings. */
export const PullRequestFields = z.strictObject(
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
        'Whether an agent works on checks of other Apps, and commit statuses, that failed on the pull request: true for once on each head, or how often. Default false.',
      ),
  },
  'must be keys with values, such as "reviewers: [octavia]"',
);
