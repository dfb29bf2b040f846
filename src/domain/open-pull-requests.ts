import type { Job } from './job.ts';
import { toCode } from './markdown-escape.ts';

/** Open as GitHub has it now: of a job of the issue, or of somebody else who means to close the issue with it. */
export type OpenPullRequest = { number: number; url: string } & (
  | { job: Job }
  /** `author`: a login; `null` when the account is gone. */
  | { job: null; author: string | null }
);

type Own = Extract<OpenPullRequest, { job: object }>;
type Linked = Exclude<OpenPullRequest, Own>;

/** That work of the specialty has led to. */
export function findOwn(open: readonly OpenPullRequest[], specialty: string | undefined): Own | null {
  return open.find((one): one is Own => one.job !== null && one.job.specialty === specialty) ?? null;
}

/** Of somebody else, who is at the issue already. */
export function findLinked(open: readonly OpenPullRequest[]): Linked | null {
  return open.find((one): one is Linked => one.job === null) ?? null;
}

/** Why no work begins beside it, and how it would; plain text. */
export function explainLinked({ number, author }: Linked, specialty: string): string {
  return `Pull request #${number}${author === null ? '' : ` by ${author}`} is open and would close this issue. ${waysOn(specialty, '"')}`;
}

/** The same as Markdown that is safe to show. */
export function toLinkedText({ number, url, author }: Linked, specialty: string): string {
  const who = author === null ? '' : ` by ${toCode(author, 100)}`;
  return `[Pull request #${number}](${url})${who} is open and would close this issue. ${waysOn(specialty, '`')}`;
}

/** Anybody may open such a pull request, also one that is worth nothing: it must not keep work from being done. */
function waysOn(specialty: string, mark: string): string {
  return `Merge or close it first; or write ${mark}/agent run ${specialty} --anyway${mark} to have the work done beside it.`;
}
