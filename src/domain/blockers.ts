/** An open issue that blocks another one, by the relationships that people keep on GitHub. */
export type Blocker = {
  /** `owner/name`. */
  repository: string;
  number: number;
};

/** Why a job on hold waits: not because somebody held it. */
export const BLOCKED = 'blocked';

const NAMED_AT_MOST = 5;

/** Why work on an issue of `repository` does not begin; plain text. */
export function explainBlockers(blockers: readonly Blocker[], repository: string): string {
  const own = blockers.filter((blocker) => blocker.repository.toLowerCase() === repository.toLowerCase());
  const elsewhere = blockers.length - own.length;
  const names = own.slice(0, NAMED_AT_MOST).map(({ number }) => `#${number}`);
  // That repository may be private, and this text is not: not even its name is told.
  if (elsewhere > 0 && names.length < NAMED_AT_MOST)
    names.push(
      elsewhere === 1 ? 'an issue of another repository' : `${elsewhere} issues of other repositories`,
    );
  const more = own.length > NAMED_AT_MOST ? blockers.length - NAMED_AT_MOST : 0;
  const list = more > 0 ? `${names.join(', ')} and ${more} more` : names.join(' and ');
  const [are, that] = blockers.length === 1 ? ['is', 'that is'] : ['are', 'all of them are'];
  return `It is blocked by ${list}, which ${are} open. It goes on by itself once ${that} closed; \`/agent unhold\` starts it now.`;
}
