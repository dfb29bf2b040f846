import type { Objects } from '../git/objects.ts';
import { ApiError } from '../http/api-error.ts';
import type { Repository } from '../world.ts';

/**
 * The commit that a `{ref}` of a route means: a sha, a branch, a tag, or either with `heads/` or `tags/`
 * before it.
 */
export async function commitOfRef(objects: Objects, repository: Repository, ref: string): Promise<string> {
  const names = /^[0-9a-f]{40}$/.test(ref)
    ? [ref]
    : [`refs/heads/${ref}`, `refs/tags/${ref}`, `refs/${ref.replace(/^refs\//, '')}`, ref];
  for (const name of names) {
    const sha = await objects.resolve(repository.folder, name);
    if (sha !== null) return sha;
  }
  throw new ApiError(422, `No commit found for SHA: ${ref}`);
}
