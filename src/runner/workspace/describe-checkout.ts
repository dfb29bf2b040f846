import type { Checkout } from '../../contract/job.ts';
import { toOneLine } from '../../lib/strip-control.ts';
import { inlineCode } from '../context/fence.ts';

export type CheckoutFacts = {
  /** Paths of files in Git LFS whose contents are not there. */
  pointers: readonly string[];
  /** Why, where they were to be there: words of a server. */
  lfsReasons: readonly string[];
  /** The repository names a server of its own for them, which is never asked. */
  hasOwnLfsServer: boolean;
  /** How many have their contents. */
  contents: number;
  /** Paths of submodules that are there. */
  submodules: readonly string[];
  missing: readonly { path: string; reason: string }[];
};

const MAX_NAMED = 5;

/** What is not in a workspace although it is in the repository, and what can't be changed there: for agents and people, a sentence each. */
export function describeCheckout(checkout: Checkout, facts: CheckoutFacts): string[] {
  const { pointers, submodules, missing } = facts;
  const notes: string[] = [];
  if (checkout.sparse !== undefined)
    notes.push(
      `Only these folders are checked out, with the files in the root and above them (\`checkout.sparse\`): ${name(checkout.sparse)}. What is elsewhere in the repository stays as it is.`,
    );
  if (checkout.partial === true)
    notes.push(
      'Of older commits only the names of files are here, not their contents (`checkout.partial`): `git log` works, `git log -p` and `git blame` don’t.',
    );
  if (pointers.length > 0) notes.push(describePointers(checkout, facts));
  if (facts.contents > 0)
    notes.push(
      `${count(facts.contents, 'file')} in Git LFS ${facts.contents === 1 ? 'is' : 'are'} here with ${facts.contents === 1 ? 'its' : 'their'} contents. Changes of such files can’t be published: a person has to make them.`,
    );
  if (submodules.length > 0)
    notes.push(
      `${count(submodules.length, 'submodule')} ${submodules.length === 1 ? 'is' : 'are'} checked out to be read: ${name(submodules)}. Changes there are undone before the tests.`,
    );
  if (missing.length > 0) notes.push(describeMissing(checkout, missing));
  return notes;
}

function describePointers(
  checkout: Checkout,
  { pointers, lfsReasons, hasOwnLfsServer }: CheckoutFacts,
): string {
  const what = `${count(pointers.length, 'file')} (${name(pointers)}) ${pointers.length === 1 ? 'is' : 'are'} in Git LFS, and only pointers are here`;
  if (checkout.lfs !== true) return `${what}: \`checkout.lfs: true\` in the settings brings the contents.`;
  const why = lfsReasons
    .slice(0, MAX_NAMED)
    .map((reason) => quote(reason))
    .join(', ');
  const server = hasOwnLfsServer ? ' Only GitHub is asked, whatever `.lfsconfig` says.' : '';
  return `${what}, since the server does not give the contents: ${why}.${server}`;
}

function describeMissing(checkout: Checkout, missing: CheckoutFacts['missing']): string {
  if (checkout.submodules !== true) {
    const paths = name(missing.map(({ path }) => path));
    return `${count(missing.length, 'submodule')} (${paths}) ${missing.length === 1 ? 'is' : 'are'} not checked out: \`checkout.submodules: true\` in the settings brings them.`;
  }
  const told = missing
    .slice(0, MAX_NAMED)
    .map(({ path, reason }) => `${quote(path)}: ${toOneLine(reason, 200)}`);
  const more = missing.length > MAX_NAMED ? `; and ${missing.length - MAX_NAMED} more` : '';
  return `${count(missing.length, 'submodule')} could not be checked out: ${told.join('; ')}${more}.`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

function name(paths: readonly string[]): string {
  const more = paths.length > MAX_NAMED ? ` and ${paths.length - MAX_NAMED} more` : '';
  return `${paths.slice(0, MAX_NAMED).map(quote).join(', ')}${more}`;
}

/** Names of the repository are hostile text. */
function quote(text: string): string {
  return inlineCode(toOneLine(text, 150));
}
