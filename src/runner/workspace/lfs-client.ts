import { z } from 'zod';
import type { LfsObject } from '../../domain/lfs-pointer.ts';
import { toError } from '../../lib/to-error.ts';

/** Where an object can be fetched, with what its server wants to be told; or why it can't be. */
export type LfsAnswer =
  { kind: 'there'; url: string; headers: Record<string, string> } | { kind: 'refused'; reason: string };

/** The server can't be asked now, or answers what it may not. */
export class LfsError extends Error {
  override readonly name = 'LfsError';
}

const JSON_TYPE = 'application/vnd.git-lfs+json';
const ANSWER_LIMIT_MS = 60_000;
const MAX_REASON = 200;

/** It does not have any of them for whoever asks: the same question again would not help. */
const REFUSALS = [403, 404, 410, 422];

/** Only what is used of the answer, which comes from GitHub. */
const BatchObject = z.object({
  oid: z.string(),
  actions: z
    .object({
      download: z.object({ href: z.string(), header: z.record(z.string(), z.string()).nullish() }).nullish(),
    })
    .nullish(),
  error: z.object({ message: z.string() }).nullish(),
});
type BatchObject = z.infer<typeof BatchObject>;
const BatchAnswer = z.object({ objects: z.array(BatchObject) });

/**
 * Asks GitHub, by the batch API of Git LFS, where objects are: at the address that follows from the repository's own, whatever `.lfsconfig`
 * says. At most 100 objects at once. Throws `LfsError` when there is no answer about them.
 */
export async function askForObjects(
  objects: readonly LfsObject[],
  options: { cloneUrl: string; token: string; fetch: typeof fetch; signal: AbortSignal },
): Promise<Map<string, LfsAnswer>> {
  const endpoint = toEndpoint(options.cloneUrl);
  const own = toAuthorization(options.token);
  const response = await ask();
  if (REFUSALS.includes(response.status)) {
    const refused: LfsAnswer = { kind: 'refused', reason: `it answers ${response.status}` };
    return new Map(objects.map(({ oid }) => [oid, refused]));
  }
  if (!response.ok) throw new LfsError(`the server of Git LFS answers ${response.status}`);
  const answer = BatchAnswer.safeParse(await response.json().catch(() => null));
  if (!answer.success) throw new LfsError('the server of Git LFS answers something else');
  return new Map(answer.data.objects.map((object) => [object.oid, toAnswer(object)]));

  async function ask(): Promise<Response> {
    const wanted = objects.map(({ oid, bytes }) => ({ oid, size: bytes }));
    try {
      return await options.fetch(endpoint, {
        method: 'POST',
        headers: { ...own, accept: JSON_TYPE, 'content-type': JSON_TYPE },
        body: JSON.stringify({
          operation: 'download',
          transfers: ['basic'],
          hash_algo: 'sha256',
          objects: wanted,
        }),
        signal: AbortSignal.any([options.signal, AbortSignal.timeout(ANSWER_LIMIT_MS)]),
        // What is asked elsewhere would be asked with the token.
        redirect: 'error',
      });
    } catch (error) {
      options.signal.throwIfAborted();
      throw new LfsError(`the server of Git LFS can’t be asked: ${toError(error).message}`, { cause: error });
    }
  }

  function toAnswer({ actions, error }: BatchObject): LfsAnswer {
    const download = actions?.download;
    if (download == null)
      return { kind: 'refused', reason: (error?.message ?? 'it is not there').slice(0, MAX_REASON) };
    const { href: url, header } = download;
    const told = Object.entries(header ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const);
    // An address of the same server that brings no credential of its own wants ours; no other one gets it.
    const isOwn = URL.canParse(url) && new URL(url).origin === new URL(endpoint).origin;
    return { kind: 'there', url, headers: { ...(isOwn ? own : {}), ...Object.fromEntries(told) } };
  }
}

function toEndpoint(cloneUrl: string): string {
  const url = new URL(cloneUrl);
  const path = url.pathname.replace(/\/+$/, '').replace(/\.git$/, '');
  return `${url.origin}${path}.git/info/lfs/objects/batch`;
}

function toAuthorization(token: string): Record<string, string> {
  if (token === '') return {};
  return { authorization: `Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}` };
}
