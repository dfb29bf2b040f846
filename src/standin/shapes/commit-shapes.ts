import type { Commit, FileChange, Signature, TreeEntry } from '../git/objects.ts';
import type { Account, Repository, World } from '../world.ts';
import type { AccountShapes } from './account-shapes.ts';
import { nodeId } from './links.ts';
import type { RepositoryShapes } from './repository-shapes.ts';

/** JSON of what lives in git: commits, refs, trees, blobs, files. */
export function createCommitShapes(deps: {
  world: World;
  accounts: AccountShapes;
  repositories: RepositoryShapes;
}) {
  const { world, accounts, repositories } = deps;

  /** The account an e-mail address belongs to, if GitHub knows it. */
  function accountOf(signature: Signature): Account | null {
    const login = /^(?:\d+\+)?([^@]+)@users\.noreply\./.exec(signature.email)?.[1];
    return (login === undefined ? undefined : world.account(login)) ?? null;
  }

  function verification(repository: Repository, commit: Commit) {
    return repository.signedCommits.has(commit.sha)
      ? {
          verified: true,
          reason: 'valid',
          signature: '-----BEGIN PGP SIGNATURE-----\n\nstandin\n-----END PGP SIGNATURE-----\n',
          payload: `tree ${commit.tree}\n`,
          verified_at: toUtc(commit.committer.date),
        }
      : { verified: false, reason: 'unsigned', signature: null, payload: null, verified_at: null };
  }

  function parents(repository: Repository, commit: Commit, kind: 'commits' | 'git/commits') {
    return commit.parents.map((sha) => ({
      sha,
      url: `${repositories.apiUrl(repository)}/${kind}/${sha}`,
      html_url: `${repositories.webUrl(repository)}/commit/${sha}`,
    }));
  }

  /** A commit as the Git database has it. */
  function gitCommit(repository: Repository, commit: Commit) {
    const url = repositories.apiUrl(repository);
    return {
      sha: commit.sha,
      node_id: nodeId('C', commit.sha),
      url: `${url}/git/commits/${commit.sha}`,
      html_url: `${repositories.webUrl(repository)}/commit/${commit.sha}`,
      author: withUtcDate(commit.author),
      committer: withUtcDate(commit.committer),
      tree: { sha: commit.tree, url: `${url}/git/trees/${commit.tree}` },
      message: commit.message,
      parents: parents(repository, commit, 'git/commits'),
      verification: verification(repository, commit),
    };
  }

  /** A commit as the repository's history lists it. */
  function commit(repository: Repository, one: Commit) {
    const url = `${repositories.apiUrl(repository)}/commits/${one.sha}`;
    return {
      sha: one.sha,
      node_id: nodeId('C', one.sha),
      commit: {
        author: withUtcDate(one.author),
        committer: withUtcDate(one.committer),
        message: one.message,
        tree: { sha: one.tree, url: `${repositories.apiUrl(repository)}/git/trees/${one.tree}` },
        url: `${repositories.apiUrl(repository)}/git/commits/${one.sha}`,
        comment_count: 0,
        verification: verification(repository, one),
      },
      url,
      html_url: `${repositories.webUrl(repository)}/commit/${one.sha}`,
      comments_url: `${url}/comments`,
      author: accounts.userOrNull(accountOf(one.author)),
      committer: accounts.userOrNull(accountOf(one.committer)),
      parents: parents(repository, one, 'commits'),
    };
  }

  /** One commit with what it changed. */
  function fullCommit(repository: Repository, one: Commit, files: readonly FileChange[]) {
    const additions = files.reduce((sum, file) => sum + file.additions, 0);
    const deletions = files.reduce((sum, file) => sum + file.deletions, 0);
    return {
      ...commit(repository, one),
      stats: { total: additions + deletions, additions, deletions },
      files: files.map((file) => fileChange(repository, one.sha, file)),
    };
  }

  /** The short form in check suites. */
  function simpleCommit(one: Commit) {
    return {
      id: one.sha,
      tree_id: one.tree,
      message: one.message,
      timestamp: toUtc(one.committer.date),
      author: { name: one.author.name, email: one.author.email },
      committer: { name: one.committer.name, email: one.committer.email },
    };
  }

  function fileChange(repository: Repository, ref: string, file: FileChange) {
    const path = encodePath(file.path);
    return {
      sha: file.sha,
      filename: file.path,
      status: file.status,
      additions: file.additions,
      deletions: file.deletions,
      changes: file.additions + file.deletions,
      blob_url: `${repositories.webUrl(repository)}/blob/${ref}/${path}`,
      raw_url: `${repositories.webUrl(repository)}/raw/${ref}/${path}`,
      contents_url: `${repositories.apiUrl(repository)}/contents/${path}?ref=${ref}`,
      ...(file.patch === undefined ? {} : { patch: file.patch }),
      ...(file.previousPath === null ? {} : { previous_filename: file.previousPath }),
    };
  }

  function ref(repository: Repository, one: { name: string; sha: string; type: string }) {
    const url = repositories.apiUrl(repository);
    return {
      ref: one.name,
      node_id: nodeId('REF', one.name),
      url: `${url}/git/${one.name}`,
      object: { sha: one.sha, type: one.type, url: `${url}/git/${one.type}s/${one.sha}` },
    };
  }

  function tree(repository: Repository, sha: string, entries: readonly TreeEntry[]) {
    const url = `${repositories.apiUrl(repository)}/git`;
    return {
      sha,
      url: `${url}/trees/${sha}`,
      tree: entries.map((entry) => ({
        path: entry.path,
        mode: entry.mode,
        type: entry.type,
        sha: entry.sha,
        ...(entry.size === null ? {} : { size: entry.size }),
        ...(entry.type === 'commit' ? {} : { url: `${url}/${entry.type}s/${entry.sha}` }),
      })),
      truncated: false,
    };
  }

  /** A file or directory as the contents API names it, without the content itself. */
  function contentEntry(repository: Repository, ref: string, entry: TreeEntry) {
    const path = encodePath(entry.path);
    const self = `${repositories.apiUrl(repository)}/contents/${path}?ref=${encodeURIComponent(ref)}`;
    const isTree = entry.type === 'tree';
    const git = `${repositories.apiUrl(repository)}/git/${isTree ? 'trees' : 'blobs'}/${entry.sha}`;
    const html = `${repositories.webUrl(repository)}/${isTree ? 'tree' : 'blob'}/${ref}/${path}`;
    return {
      name: entry.path.split('/').at(-1) ?? '',
      path: entry.path,
      sha: entry.sha,
      size: entry.size ?? 0,
      url: self,
      html_url: html,
      git_url: git,
      download_url: isTree ? null : `${repositories.webUrl(repository)}/raw/${ref}/${path}`,
      type: isTree ? 'dir' : 'file',
      _links: { self, git, html },
    };
  }

  return {
    accountOf,
    gitCommit,
    commit,
    fullCommit,
    simpleCommit,
    fileChange,
    ref,
    tree,
    contentEntry,
  };
}

export type CommitShapes = ReturnType<typeof createCommitShapes>;

/** A path for use in a URL: everything encoded but the slashes. */
function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

function withUtcDate(signature: Signature): Signature {
  return { ...signature, date: toUtc(signature.date) };
}

function toUtc(date: string): string {
  return new Date(date).toISOString().replace(/\.\d+Z$/, 'Z');
}
