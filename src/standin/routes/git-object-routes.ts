import { need } from '../access/access.ts';
import { signatureOf } from '../actions/signature-of.ts';
import { ApiError, notFound } from '../http/api-error.ts';
import { createBodyReader } from '../http/body-reader.ts';
import { param, type Call, type Route } from '../http/router.ts';
import type { Signature } from '../git/objects.ts';
import type { FileWrite } from '../git/writer.ts';
import { isoTime, nodeId } from '../shapes/links.ts';
import type { Site } from '../site.ts';
import type { Repository } from '../world.ts';

const shaPattern = /^[0-9a-f]{40}$/;

/** Commits, trees and blobs as objects. */
export function gitObjectRoutes(
  site: Pick<Site, 'clock' | 'shapes' | 'access' | 'objects' | 'writer'>,
): Route[] {
  const { clock, shapes, access, objects, writer } = site;
  const read = need('contents', 'read', 'read');
  const write = need('contents', 'write', 'write');

  /** The sha, when it is an object of the kind; else throws 422. */
  async function existing(
    repository: Repository,
    sha: string,
    kind: 'commit' | 'tree' | 'blob',
  ): Promise<string> {
    if (!shaPattern.test(sha) || (await objects.type(repository.folder, sha)) !== kind) {
      throw new ApiError(422, `${kind === 'tree' ? 'Tree' : 'Object'} SHA is invalid: ${sha}`);
    }
    return sha;
  }

  async function found(call: Call, repository: Repository, kind: 'commit' | 'blob'): Promise<string> {
    const sha = param(call, 'sha');
    if (!shaPattern.test(sha) || (await objects.type(repository.folder, sha)) !== kind) throw notFound();
    return sha;
  }

  /** A person named in the request; what it leaves out comes from the fallback. */
  function readSignature(value: Record<string, unknown> | undefined, fallback: Signature): Signature {
    if (value === undefined) return fallback;
    const body = createBodyReader(value);
    const ms = body.time('date');
    return {
      name: body.requiredText('name'),
      email: body.requiredText('email'),
      date: ms === undefined ? fallback.date : isoTime(ms),
    };
  }

  async function readTreeEntry(repository: Repository, value: unknown): Promise<FileWrite> {
    const body = createBodyReader(value);
    const path = body.requiredText('path');
    if (
      path === '' ||
      path.split('/').some((part) => part === '' || part === '.' || part === '..' || part === '.git')
    ) {
      throw new ApiError(422, 'tree.path contains a malformed path component');
    }
    const mode = body.oneOf('mode', ['100644', '100755', '040000', '160000', '120000']);
    const content = body.text('content');
    if (content !== undefined) return { path, content, ...(mode === undefined ? {} : { mode }) };
    if (body.text('sha') === undefined) {
      if (!body.has('sha')) throw new ApiError(422, 'Must supply either tree.sha or tree.content');
      return { path, content: null };
    }
    const kind = mode === '040000' ? 'tree' : 'blob';
    const objectSha =
      mode === '160000'
        ? body.requiredText('sha')
        : await existing(repository, body.requiredText('sha'), kind);
    return { path, objectSha, ...(mode === undefined ? {} : { mode }) };
  }

  return [
    {
      method: 'POST',
      pattern: '/repos/:owner/:repo/git/commits',
      async handle(call) {
        const repository = access.repository(call, write);
        const body = createBodyReader(call.body);
        const message = body.requiredText('message');
        const tree = await existing(repository, body.requiredText('tree'), 'tree');
        const parents = body.texts('parents') ?? [];
        for (const parent of parents) await existing(repository, parent, 'commit');

        const by = access.doer(call.actor);
        const own = signatureOf(by.account, isoTime(clock.nowMs()));
        const author = readSignature(body.record('author'), own);
        const committer = readSignature(body.record('committer'), author);
        const sha = await writer.commit(repository.folder, { tree, parents, author, committer, message });
        // GitHub signs what an App commits in its own name.
        if (by.viaApp && author === own && committer === own) repository.signedCommits.add(sha);
        const commit = await objects.commit(repository.folder, sha);
        return { status: 201, body: shapes.commits.gitCommit(repository, commit) };
      },
    },
    {
      method: 'GET',
      pattern: '/repos/:owner/:repo/git/commits/:sha',
      async handle(call) {
        const repository = access.repository(call, read);
        const commit = await objects.commit(repository.folder, await found(call, repository, 'commit'));
        return { status: 200, body: shapes.commits.gitCommit(repository, commit) };
      },
    },
    {
      method: 'POST',
      pattern: '/repos/:owner/:repo/git/trees',
      async handle(call) {
        const repository = access.repository(call, write);
        const { folder } = repository;
        const body = createBodyReader(call.body);
        const base = body.text('base_tree');
        const baseTree = base === undefined ? null : await objects.resolve(folder, base, 'tree');
        if (base !== undefined && baseTree === null)
          throw new ApiError(422, 'base_tree is not a valid tree oid');
        const entries = body.list('tree');
        if (entries === undefined) throw body.missing('tree');
        const files = await Promise.all(entries.map((entry) => readTreeEntry(repository, entry)));
        const sha = await writer.tree(folder, baseTree, files);
        const reply = shapes.commits.tree(repository, sha, await objects.tree(folder, sha, false));
        return { status: 201, body: reply };
      },
    },
    {
      method: 'GET',
      pattern: '/repos/:owner/:repo/git/trees/*sha',
      async handle(call) {
        const repository = access.repository(call, read);
        const sha = await objects.resolve(repository.folder, param(call, 'sha'), 'tree');
        if (sha === null) throw notFound();
        const entries = await objects.tree(repository.folder, sha, call.query.has('recursive'));
        return { status: 200, body: shapes.commits.tree(repository, sha, entries) };
      },
    },
    {
      method: 'POST',
      pattern: '/repos/:owner/:repo/git/blobs',
      async handle(call) {
        const repository = access.repository(call, write);
        const body = createBodyReader(call.body);
        const content = body.requiredText('content');
        const encoding = body.oneOf('encoding', ['utf-8', 'base64']) ?? 'utf-8';
        const sha = await writer.blob(
          repository.folder,
          Buffer.from(content, encoding === 'base64' ? 'base64' : 'utf8'),
        );
        return {
          status: 201,
          body: { sha, url: `${shapes.repositories.apiUrl(repository)}/git/blobs/${sha}` },
        };
      },
    },
    {
      method: 'GET',
      pattern: '/repos/:owner/:repo/git/blobs/:sha',
      async handle(call) {
        const repository = access.repository(call, read);
        const sha = await found(call, repository, 'blob');
        const content = await objects.blob(repository.folder, sha);
        return {
          status: 200,
          body: {
            sha,
            node_id: nodeId('B', sha),
            size: content.length,
            url: `${shapes.repositories.apiUrl(repository)}/git/blobs/${sha}`,
            content: toBase64Lines(content),
            encoding: 'base64',
          },
        };
      },
    },
  ];
}

/** Base64 in lines of 60 characters, as GitHub sends it. */
export function toBase64Lines(content: Buffer): string {
  return content.toString('base64').replace(/(.{60})/g, '$1\n') + (content.length > 0 ? '\n' : '');
}
