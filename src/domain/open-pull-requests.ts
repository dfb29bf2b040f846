import type { Job } from './job.ts';
import { toCode } from './markdown-escape.ts';

/** Open as GitHub has it now: of a job of the issue, or of somebody else who means to close the issue with it. */
export type OpenPullRequest = { number: number; url: string } & (
  | { job: Job }
  /** `author`: a login; `null` when the account is gone. `association`: what they are to the repository, in GitHub's words. */
  | { job: null; author: string | null; association: string }
);

type Own = Extract<OpenPullRequest, { job: object }>;
type Linked = Exclude<OpenPullRequest, Own>;

/** That work of the specialty has led to. */
export function findOwn(open: readonly OpenPullRequest[], specialty: string | undefined): Own | null {
  return open.find((one): one is Own => one.job !== null && one.job.specialty === specialty) ?? null;
}

/**
 * Whose open pull request keeps work from starting: those whom the owner has let in. A stranger could stop all work on a public repository
 * with one line of text. An association is no permission (a member may only read), and does for this: nobody starts anything by it.
 * Where memberships are private and hidden from the App, members look like strangers, and the work is done twice at worst.
 * Bots (`NONE`, or `CONTRIBUTOR` after the first merge) are strangers, too: Renovate and its like quote release notes, and so what others wrote.
 */
const LET_IN: ReadonlySet<string> = new Set(['OWNER', 'MEMBER', 'COLLABORATOR']);

/** Of somebody else, who is at the issue already and may keep others from it. */
export function findLinked(open: readonly OpenPullRequest[]): Linked | null {
  return open.find((one): one is Linked => one.job === null && LET_IN.has(one.association)) ?? null;
}

/** That strangers have opened: work begins beside them, and says so; plain text. `null`: there are none. */
export function explainStrangers(open: readonly OpenPullRequest[]): string | null {
  const strangers = open.filter((one): one is Linked => one.job === null && !LET_IN.has(one.association));
  const [first, ...more] = strangers;
  if (first === undefined) return null;
  const others = more.length === 0 ? '' : ` (and ${more.length} more like it)`;
  return `Pull request #${first.number}${first.author === null ? '' : ` by ${first.author}`}${others} would close this issue, too. Whoever opened it is no member or collaborator here as far as GitHub tells, so it keeps no work from starting`;
}

/** Why no work begins beside it, and how it would; plain text. */
export function explainLinked({ number, author }: Linked, specialty: string): string {
  return `Pull request #${number}${author === null ? '' : ` by ${author}`} is open and would close this issue. ${waysOn(`run ${specialty}`, '"')}`;
}

/** The same as Markdown that is safe to show. `command`: what was asked for: `run backend`. */
export function toLinkedText({ number, url, author }: Linked, command: string): string {
  const who = author === null ? '' : ` by ${toCode(author, 100)}`;
  return `[Pull request #${number}](${url})${who} is open and would close this issue. ${waysOn(command, '`')}`;
}

/** Also of those who may keep work from starting, some are worth nothing. */
function waysOn(command: string, mark: string): string {
  return `Merge or close it first; or write ${mark}/agent ${command} --anyway${mark} to have the work done beside it.`;
}
