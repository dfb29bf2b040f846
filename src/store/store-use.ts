import { hostname } from 'node:os';
import { formatDuration } from '../domain/figures-text.ts';

/**
 * What a store is opened for. `serve`: by a coordinator; a database takes several of them, a data folder one. `recover`: to be rebuilt, which
 * is done by one process while no coordinator is there.
 */
export type StoreUse = 'serve' | 'recover';

/** A process that has the store open, and for how long. */
export type StoreHolder = { use: StoreUse; name: string; ageMs: number };

/** Others have the store, so that it can't be had; the message names them and says what to do. */
export class StoreInUseError extends Error {
  override readonly name: string = 'StoreInUseError';
}

const HOSTNAME_CHARACTERS = 26;

/** How this process is named to people who look for it. Short: with what is put before it, PostgreSQL keeps 63 bytes. */
export function ownName(): string {
  return `${hostname().slice(0, HOSTNAME_CHARACTERS)}, process ${process.pid}`;
}

/**
 * Why the store can't be had and what to do, in one text. `place` begins the sentence: `The data folder /srv/data`. `holders`: as far as they
 * are known.
 */
export function explainUse(facts: {
  place: string;
  wanted: StoreUse;
  holders: readonly StoreHolder[];
}): string {
  const { place, wanted, holders } = facts;
  const recovery = holders.find(({ use }) => use === 'recover');
  if (recovery !== undefined) {
    const then = wanted === 'serve' ? 'Start this coordinator' : 'If it is still needed, repeat this';
    return `${place} is being rebuilt by \`yardmaster recover\` (${describe(recovery)}). ${then} when that is done.`;
  }
  if (wanted === 'recover') {
    const who =
      holders.length < 2
        ? `a coordinator${holders.map((holder) => ` (${describe(holder)})`).join('')}. Stop it`
        : `${holders.length} coordinators (${holders.map(describe).join('; ')}). Stop all of them`;
    return `${place} is in use by ${who}, then repeat this: beside a running coordinator, what is recovered could be done twice.`;
  }
  const who = holders.map((holder) => ` (${describe(holder)})`).join('');
  return (
    `${place} is in use by another coordinator${who}. Stop that one first, or give this one a folder of its own (DATA_FOLDER). ` +
    'Several coordinators together need PostgreSQL (DATABASE_URL).'
  );
}

function describe({ name, ageMs }: StoreHolder): string {
  return `${name}, for ${formatDuration(ageMs)}`;
}
