import { join } from 'node:path';
import type { Git } from '../git.ts';
import { GitCommandError } from '../git-command-error.ts';
import { dropSession, dropSetUp, keepFolder } from './keep-folder.ts';
import type { KeptRecord, KeptSession } from './kept-record.ts';
import { listTracked, lookAtSetUp, readMade, writeMade } from './made-by-set-up.ts';
import { passTick } from './stamp-files.ts';

/** What a round finds of the work before on its pull request. It is this attempt's alone. */
export type Found = Pick<KeptRecord, 'setUp' | 'session'> & {
  /** Paths that differ between what set-up was run on and what is checked out now; `null`: nobody has that commit any more. */
  changedSinceSetUp: readonly string[] | null;
  /** Whether the head that the round begins at goes on from the work before; it does not after a force push. */
  goesOn: boolean;
  /** Removes what set-up had made, for a set-up anew. */
  dropSetUp(): Promise<void>;
  /** Removes what the agent would go on with. */
  dropSession(): Promise<void>;
};

/** What is to be found by a next round. */
export type KeepWish = {
  /** Where the pull request stands now. */
  head: string;
  session:
    | (Pick<KeptSession, 'agent' | 'version' | 'id'> & {
        /** Which files below the agent's folder belong to it. */
        isFile: (path: string) => boolean;
        /** Whether a text holds a secret that the runner knows: then nothing of the session is kept. */
        holdsSecret: (text: string) => boolean;
      })
    | { whyNot: string };
};

/** One workspace's past and future. */
export type Keeping = {
  /** Or why there is nothing, for people. */
  found: Found | { whyNot: string };
  /**
   * Notes what set-up has made, or why that is of no use to a next round: right after it, before anything else runs, and before any agent.
   * A later note takes its place.
   */
  noteSetUp(setUp: KeptRecord['setUp']): Promise<void>;
  /** Leaves in the folder what may be kept, and answers what is to be known of it. */
  strip(wish: KeepWish): Promise<Pick<KeptRecord, 'setUp' | 'session'>>;
};

/** Ids of agents end in arguments and are looked for in paths. */
const SESSION_ID = /^[A-Za-z0-9][\w.-]{7,127}$/;

export async function createKeeping(options: {
  git: Git;
  /** The runner's own, which knows the base. */
  gitDir: string;
  indexFile: string;
  attemptFolder: string;
  /** The head of the pull request now, and what is checked out of it: the same, or a merge with the base branch. */
  head: string;
  checkedOut: string;
  /** What is in the folder already, and of what. */
  kept: KeptRecord | { whyNot: string };
  signal: AbortSignal;
}): Promise<Keeping> {
  const { git, gitDir, attemptFolder, kept, signal } = options;
  const folder = join(attemptFolder, 'work');
  const homeFolder = join(attemptFolder, 'home');
  const agentFolder = join(attemptFolder, 'agent');
  const place = { git, gitDir, indexFile: options.indexFile, folder, signal };
  let setUp: KeptRecord['setUp'] = { whyNot: 'no set-up went through in which an agent had no hand' };

  async function noteSetUp(noted: KeptRecord['setUp']): Promise<void> {
    // Until all of it is known: a look that fails must not leave half a note.
    setUp = 'whyNot' in noted ? noted : { whyNot: 'what set-up had made could not be looked at' };
    if ('whyNot' in noted) return;
    const looked = await lookAtSetUp({ ...place, homeFolder });
    if ('whyNot' in looked) {
      setUp = looked;
      return;
    }
    await writeMade(gitDir, looked);
    await passTick(gitDir);
    setUp = noted;
  }

  async function strip({ session }: KeepWish): Promise<Pick<KeptRecord, 'setUp' | 'session'>> {
    const canGoOn = 'id' in session && SESSION_ID.test(session.id);
    const made = 'commands' in setUp ? await readMade(gitDir) : null;
    const rules = canGoOn ? session : null;
    const { changed, sessionFiles: files } = await keepFolder({ attemptFolder, made, session: rules });
    const whyNot = 'whyNot' in session ? session.whyNot : 'the agent left no session that could be kept';
    return {
      setUp: changed === null ? setUp : { whyNot: 'what set-up had made was changed since' },
      session:
        canGoOn && files.length > 0
          ? { agent: session.agent, version: session.version, id: session.id, files }
          : { whyNot },
    };
  }

  async function findChanged(from: string): Promise<string[] | null> {
    const args = ['diff-tree', '-r', '-z', '--name-only', '--no-ext-diff', from, options.checkedOut];
    const listed = await orNull(git.run(args, { gitDir, signal }));
    return listed === null ? null : listed.split('\0').filter((path) => path !== '');
  }

  async function goesOn(from: string): Promise<boolean> {
    const args = ['rev-list', '--count', `${options.head}..${from}`];
    return (await orNull(git.run(args, { gitDir, signal })))?.trim() === '0';
  }

  async function find({ setUp: made, session, head }: KeptRecord): Promise<Found> {
    return {
      setUp: made,
      session,
      changedSinceSetUp: 'commit' in made ? await findChanged(made.commit) : null,
      goesOn: await goesOn(head),
      dropSetUp: async () => {
        const tracked = await listTracked(place);
        await dropSetUp({ folder, homeFolder, tracked });
      },
      dropSession: () => dropSession(agentFolder),
    };
  }

  return { found: 'whyNot' in kept ? kept : await find(kept), noteSetUp, strip };
}

/** `null` where git does not know a commit: it was forced away, and nobody has it any more. */
async function orNull(output: Promise<string>): Promise<string | null> {
  try {
    return await output;
  } catch (error) {
    if (error instanceof GitCommandError) return null;
    throw error;
  }
}
