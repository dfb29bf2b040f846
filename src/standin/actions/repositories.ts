import { mkdir, readFile, readdir, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { Doer } from '../access/actor.ts';
import { zeroSha } from '../git/objects.ts';
import { installUpdateHook } from '../git/update-hook.ts';
import type { FileWrite, Writer } from '../git/writer.ts';
import type { Refs } from '../git/refs.ts';
import { isoTime } from '../shapes/links.ts';
import type { Shapes } from '../shapes/shapes.ts';
import type { Events } from '../webhooks/events.ts';
import { fullNameOf, type Account, type Repository, type World } from '../world.ts';
import type { RefChanges } from './ref-changes.ts';
import { signatureOf } from './signature-of.ts';

/** What a new repository is made from; without files it stays empty, with no branch at all. */
export type NewRepository = {
  name: string;
  description?: string;
  private?: boolean;
  defaultBranch?: string;
  files?: Record<string, string | Buffer>;
  /** A folder on disk whose files, executable bits included, become the first commit; `.git` is left out. */
  fromDirectory?: string;
};

/** Repositories as a whole, and files written on the website. */
export function createRepositoryActions(deps: {
  world: World;
  clock: { nowMs(): number };
  dataFolder: string;
  refs: Refs;
  writer: Writer;
  refChanges: RefChanges;
  shapes: Pick<Shapes, 'accounts'>;
  events: Events;
}) {
  const { world, clock, dataFolder, refs, writer, refChanges, shapes, events } = deps;

  async function create(owner: Account, by: Doer, wanted: NewRepository): Promise<Repository> {
    const id = world.newId('repository');
    const folder = join(dataFolder, 'repositories', `${id}.git`);
    const defaultBranch = wanted.defaultBranch ?? 'main';
    await mkdir(folder, { recursive: true });
    await writer.initialize(folder, defaultBranch);
    await installUpdateHook(folder);
    const now = clock.nowMs();
    const repository: Repository = {
      id,
      owner,
      name: wanted.name,
      description: wanted.description ?? null,
      private: wanted.private ?? false,
      archived: false,
      defaultBranch,
      folder,
      createdAtMs: now,
      updatedAtMs: now,
      pushedAtMs: now,
      roles: new Map(),
      labels: [],
      nextNumber: 1,
      issues: new Map(),
      deletedIssues: new Set(),
      transferredIssues: new Map(),
      comments: new Map(),
      reviews: new Map(),
      reviewComments: new Map(),
      resolvedThreads: new Set(),
      checkSuites: new Map(),
      checkRuns: new Map(),
      statuses: [],
      rules: [],
      autoTriggerChecks: true,
      signedCommits: new Set(),
    };
    const files = await firstFiles(wanted);
    if (files.length > 0) {
      const author = signatureOf(by.account, isoTime(now));
      const sha = await writer.commitFiles(folder, {
        parent: null,
        files,
        message: 'Initial commit',
        author,
      });
      await writer.moveRef(folder, `refs/heads/${defaultBranch}`, zeroSha, sha);
    }
    // Visible only now, so that nobody meets it half made.
    world.repositories.set(id, repository);
    events.inRepository(repository, 'repository', 'created', by.account, {});
    return repository;
  }

  /** Commits files onto a branch, made from the default branch when it is new. `null` removes a file. */
  async function pushFiles(
    repository: Repository,
    by: Doer,
    branch: string,
    files: Record<string, string | Buffer | null>,
    message: string,
  ): Promise<string> {
    const { folder } = repository;
    const tip = await refs.branch(folder, branch);
    const parent = tip ?? (await refs.branch(folder, repository.defaultBranch));
    const author = signatureOf(by.account, isoTime(clock.nowMs()));
    const writes = Object.entries(files).map(([path, content]) => ({ path, content }));
    const after = await writer.commitFiles(folder, { parent, files: writes, message, author });
    const moved = await refChanges.move(repository, by, {
      ref: `refs/heads/${branch}`,
      before: tip ?? zeroSha,
      after,
    });
    if (!moved) throw new Error(`${branch} of ${fullNameOf(repository)} moved meanwhile`);
    return after;
  }

  function rename(repository: Repository, by: Doer, name: string): void {
    const from = repository.name;
    world.move(repository, { name });
    announce(repository, 'renamed', by, { changes: { repository: { name: { from } } } });
  }

  /** As when the new owner has accepted it, whose installation alone is told. A person who owned it goes on working there. */
  function transfer(repository: Repository, by: Doer, owner: Account): void {
    const from = repository.owner;
    world.move(repository, { owner });
    if (from.type === 'User') repository.roles.set(from.id, 'admin');
    const { user, organization } = shapes.accounts;
    const before = from.type === 'User' ? { user: user(from) } : { organization: organization(from) };
    announce(repository, 'transferred', by, { changes: { owner: { from: before } } });
  }

  function setArchived(repository: Repository, by: Doer, archived: boolean): void {
    repository.archived = archived;
    announce(repository, archived ? 'archived' : 'unarchived', by);
  }

  function remove(repository: Repository, by: Doer): void {
    announce(repository, 'deleted', by);
    world.repositories.delete(repository.id);
  }

  function announce(
    repository: Repository,
    action: string,
    by: Doer,
    extra: Record<string, unknown> = {},
  ): void {
    repository.updatedAtMs = clock.nowMs();
    events.inRepository(repository, 'repository', action, by.account, extra);
  }

  return { create, pushFiles, rename, transfer, setArchived, remove };
}

export type RepositoryActions = ReturnType<typeof createRepositoryActions>;

async function firstFiles(wanted: NewRepository): Promise<FileWrite[]> {
  const given = Object.entries(wanted.files ?? {}).map(([path, content]) => ({ path, content }));
  return wanted.fromDirectory === undefined ? given : [...(await filesIn(wanted.fromDirectory)), ...given];
}

async function filesIn(directory: string): Promise<FileWrite[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files: FileWrite[] = [];
  for (const entry of entries) {
    const full = join(entry.parentPath, entry.name);
    const path = relative(directory, full).split(sep).join('/');
    if (!entry.isFile() || path.split('/').includes('.git')) continue;
    const isExecutable = ((await stat(full)).mode & 0o100) !== 0;
    files.push({ path, mode: isExecutable ? '100755' : '100644', content: await readFile(full) });
  }
  return files;
}
