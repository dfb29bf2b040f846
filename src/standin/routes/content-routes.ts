import { need } from '../access/access.ts';
import { signatureOf } from '../actions/signature-of.ts';
import { zeroSha } from '../git/objects.ts';
import { ApiError, notFound } from '../http/api-error.ts';
import { createBodyReader } from '../http/body-reader.ts';
import { param, type Call, type Reply, type Route } from '../http/router.ts';
import { isoTime } from '../shapes/links.ts';
import type { Site } from '../site.ts';
import type { Repository } from '../world.ts';
import { commitOfRef } from './commit-of-ref.ts';
import { toBase64Lines } from './git-object-routes.ts';

/** Files by path: read a file or directory, write or delete one file with a commit of its own. */
export function contentRoutes(
  site: Pick<Site, 'clock' | 'shapes' | 'access' | 'objects' | 'refs' | 'writer' | 'refChanges' | 'rules'>,
): Route[] {
  const { clock, shapes, access, objects, refs, writer, refChanges, rules } = site;

  async function commitToRead(call: Call, repository: Repository): Promise<{ ref: string; sha: string }> {
    const ref = call.query.get('ref') ?? repository.defaultBranch;
    try {
      return { ref, sha: await commitOfRef(objects, repository, ref) };
    } catch (error) {
      throw error instanceof ApiError ? new ApiError(404, `No commit found for the ref ${ref}`) : error;
    }
  }

  async function get(call: Call): Promise<Reply> {
    const repository = access.repository(call, need('contents', 'read', 'read'));
    const { ref, sha } = await commitToRead(call, repository);
    const path = (call.params['path'] ?? '').replace(/^\/+|\/+$/g, '');
    const entry = await objects.entryAt(repository.folder, sha, path);
    if (!entry) throw notFound();
    if (entry.type === 'tree') {
      const entries = await objects.tree(repository.folder, entry.sha, false);
      const body = entries.map((one) =>
        shapes.commits.contentEntry(repository, ref, {
          ...one,
          path: path === '' ? one.path : `${path}/${one.path}`,
        }),
      );
      return { status: 200, body };
    }
    const content = await objects.blob(repository.folder, entry.sha);
    if (/application\/vnd\.github(\.v3)?\.raw/.test(call.headers['accept'] ?? '')) {
      return {
        status: 200,
        body: content,
        headers: { 'content-type': 'application/vnd.github.raw; charset=utf-8' },
      };
    }
    return {
      status: 200,
      body: {
        ...shapes.commits.contentEntry(repository, ref, entry),
        content: toBase64Lines(content),
        encoding: 'base64',
      },
    };
  }

  /**
   * Writes or deletes the file of the route; the blob's `sha` guards against writing over somebody's change.
   */
  async function write(call: Call, kind: 'put' | 'delete'): Promise<Reply> {
    const repository = access.repository(call, need('contents', 'write', 'write'));
    const { folder } = repository;
    const path = param(call, 'path');
    checkWorkflowPermission(call, path);
    const body = createBodyReader(call.body);
    const message = body.requiredText('message');
    const branch = body.text('branch') ?? repository.defaultBranch;
    const content = kind === 'put' ? Buffer.from(body.requiredText('content'), 'base64') : null;

    const tip = await refs.branch(folder, branch);
    if (tip === null && (kind === 'delete' || branch !== repository.defaultBranch)) {
      throw new ApiError(404, `Branch ${branch} not found`);
    }
    const present = tip === null ? null : await objects.entryAt(folder, tip, path);
    if (kind === 'delete' && !present) throw notFound();
    checkBlobSha(path, present?.sha, body.text('sha'));

    const by = access.doer(call.actor);
    const author = signatureOf(by.account, isoTime(clock.nowMs()));
    const after = await writer.commitFiles(folder, {
      parent: tip,
      files: [{ path, content }],
      message,
      author,
    });
    if (by.viaApp) repository.signedCommits.add(after);
    const change = { ref: `refs/heads/${branch}`, before: tip ?? zeroSha, after };
    rules.checkMove(repository, change, false);
    if (!(await refChanges.move(repository, by, change))) {
      throw new ApiError(409, `${branch} is at another commit than expected`);
    }
    const written = await objects.entryAt(folder, after, path);
    return {
      status: kind === 'put' && !present ? 201 : 200,
      body: {
        content: written && shapes.commits.contentEntry(repository, branch, written),
        commit: shapes.commits.gitCommit(repository, await objects.commit(folder, after)),
      },
    };
  }

  return [
    { method: 'GET', pattern: '/repos/:owner/:repo/contents', handle: get },
    { method: 'GET', pattern: '/repos/:owner/:repo/contents/', handle: get },
    { method: 'GET', pattern: '/repos/:owner/:repo/contents/*path', handle: get },
    { method: 'PUT', pattern: '/repos/:owner/:repo/contents/*path', handle: (call) => write(call, 'put') },
    {
      method: 'DELETE',
      pattern: '/repos/:owner/:repo/contents/*path',
      handle: (call) => write(call, 'delete'),
    },
  ];
}

function checkBlobSha(path: string, present: string | undefined, given: string | undefined): void {
  if (present !== undefined && given === undefined) {
    throw new ApiError(422, 'Invalid request.\n\n"sha" wasn\'t supplied.');
  }
  if (present !== given && given !== undefined) throw new ApiError(409, `${path} does not match ${given}`);
}

function checkWorkflowPermission(call: Call, path: string): void {
  if (!path.startsWith('.github/workflows/') || call.actor.kind !== 'installation') return;
  if (call.actor.token.permissions['workflows'] !== 'write') {
    throw new ApiError(403, 'Resource not accessible by integration', {
      headers: { 'x-accepted-github-permissions': 'contents=write,workflows=write' },
    });
  }
}
