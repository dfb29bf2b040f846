/** An open issue that has to be closed before work on another one begins, by the relationships that people keep on GitHub. */
export type Blocker = {
  /** `owner/name`. */
  repository: string;
  number: number;
  /** It is a part of the other one; else it blocks it. */
  isSubIssue?: boolean;
};

/** Why a job on hold waits: not because somebody held it. */
export const BLOCKED = 'blocked';

const NAMED_AT_MOST = 5;

/** Why work on an issue of `repository` does not begin; plain text. */
export function explainBlockers(blockers: readonly Blocker[], repository: string): string {
  const blocking = blockers.filter(({ isSubIssue }) => isSubIssue !== true);
  const parts = blockers.filter(({ isSubIssue }) => isSubIssue === true);
  const why = [
    blocking.length === 0
      ? null
      : `It is blocked by ${toList(blocking, repository)}, which ${blocking.length === 1 ? 'is' : 'are'} open.`,
    parts.length === 0
      ? null
      : `It has ${parts.length === 1 ? 'an open sub-issue' : `${parts.length} open sub-issues`}: ${toList(parts, repository)}; work on its parts comes first.`,
  ].filter((part) => part !== null);
  const that = blockers.length === 1 ? 'that is' : 'all of them are';
  return `${why.join(' ')} It goes on by itself once ${that} closed; \`/agent unhold\` starts it now.`;
}

function toList(blockers: readonly Blocker[], repository: string): string {
  const own = blockers.filter((blocker) => blocker.repository.toLowerCase() === repository.toLowerCase());
  const elsewhere = blockers.length - own.length;
  const names = own.slice(0, NAMED_AT_MOST).map(({ number }) => `#${number}`);
  // That repository may be private, and this text is not: not even its name is told.
  if (elsewhere > 0 && names.length < NAMED_AT_MOST)
    names.push(
      elsewhere === 1 ? 'an issue of another repository' : `${elsewhere} issues of other repositories`,
    );
  const more = own.length > NAMED_AT_MOST ? blockers.length - NAMED_AT_MOST : 0;
  return more > 0 ? `${names.join(', ')} and ${more} more` : names.join(' and ');
}
