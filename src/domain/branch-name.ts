import { z } from 'zod';

/**
 * A branch name that git takes as it is (`git check-ref-format --branch`), and that no command line can mistake for an
 * option. Names from outside go through this before they reach git.
 */
export const BranchName = z
  .string()
  .min(1)
  .max(244)
  .refine(isSafeBranch, 'must be a name that git allows for a branch')
  .brand<'BranchName'>();
export type BranchName = z.infer<typeof BranchName>;

const PREFIX = 'agent/';
const MAX_SLUG = 40;

/** The branch for an issue: `agent/<issue>-<slug of the title>`. The same issue and title always give the same name. */
export function toBranchName(job: { issueNumber: number; title: string; specialty: string }): BranchName {
  const slug = toSlug(job.title) || toSlug(job.specialty) || 'work';
  return BranchName.parse(`${PREFIX}${job.issueNumber}-${slug}`);
}

/** The issue that a branch of ours belongs to, or `null` for branches that `toBranchName` can't have made. */
export function parseBranchName(branch: string): { issueNumber: number } | null {
  const match = /^agent\/([1-9][0-9]*)-[a-z0-9]+(?:-[a-z0-9]+)*$/.exec(branch);
  const issueNumber = Number(match?.[1]);
  return Number.isSafeInteger(issueNumber) ? { issueNumber } : null;
}

function toSlug(text: string): string {
  return text
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, MAX_SLUG + 1)
    .replace(/^-/, '')
    .slice(0, MAX_SLUG)
    .replace(/-$/, '');
}

/** The rules of `git help check-ref-format`, and no leading dash. */
function isSafeBranch(name: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what is refused here
  if (/[\u0000-\u0020\u007f~^:?*[\\]/.test(name)) return false;
  if (name.includes('..') || name.includes('@{') || name === '@' || name === 'HEAD') return false;
  if (name.startsWith('-') || name.endsWith('.')) return false;
  return name.split('/').every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock'));
}
