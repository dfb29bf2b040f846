import { Buffer } from 'node:buffer';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { JobSpec } from '../../contract/job.ts';
import { toError } from '../../lib/to-error.ts';
import type { IssueImage } from './describe-images.ts';
import { findImages } from './find-images.ts';
import { type ImagePlace, judgeImagePlace } from './image-place.ts';
import { readImageType } from './image-type.ts';

const MAX_FILES = 8;
const MAX_BYTES = 5 * 1024 * 1024;
const MAX_BYTES_IN_ALL = 20 * 1024 * 1024;
const MAX_REDIRECTS = 3;
const EACH_MS = 20_000;
const ALL_MS = 60_000;
const REDIRECTS = [301, 302, 303, 307, 308];
const API_VERSION = '2022-11-28';
/** Issue and comments as HTML, in which GitHub has signed the addresses of images, for some minutes. */
const AS_HTML = 'application/vnd.github.full+json';

const Rendered = z.object({ body_html: z.string().nullish() });

export type ImageDeps = {
  /** Reads issues of the repository; only asked where that is needed. */
  token: () => Promise<string>;
  fetch: typeof fetch;
  /** Made when there is something to put in it. */
  folder: string;
  userAgent: string;
  signal: AbortSignal;
};

/**
 * Fetches the images that issue and comments show into files, without any credential: only from GitHub's own places, in bounds, and only what
 * is an image by its own bytes. Images of private repositories need an address that GitHub has signed, for which it is asked once.
 * What can't be had is told, and never stops the work; throws only the signal's reason.
 */
export async function fetchImages(
  { issue, repository, githubApiUrl }: Pick<JobSpec, 'issue' | 'repository' | 'githubApiUrl'>,
  deps: ImageDeps,
): Promise<IssueImage[]> {
  const places = findImages(issue).map((url) => ({
    url,
    place: judgeImagePlace(url, { repositoryUrl: repository.htmlUrl, isNamedByGitHub: false }),
  }));
  const allowed = places.filter(({ place }) => place.ok).slice(0, MAX_FILES);
  const limit = AbortSignal.any([deps.signal, AbortSignal.timeout(ALL_MS)]);
  const needsSigned = repository.private && allowed.some(({ place }) => place.ok && place.assetId !== null);
  const signed = needsSigned ? await readSigned(limit) : new Map<string, URL>();
  if (allowed.length > 0) await mkdir(deps.folder, { recursive: true, mode: 0o700 });

  const images: IssueImage[] = [];
  let bytesLeft = MAX_BYTES_IN_ALL;
  for (const one of places) {
    const image = await toImage(one, images.length + 1);
    if (image.kind === 'file') bytesLeft -= image.bytes;
    images.push(image);
  }
  deps.signal.throwIfAborted();
  return images;

  async function toImage(one: { url: string; place: ImagePlace }, number: number): Promise<IssueImage> {
    const missing = (problem: string): IssueImage => ({ kind: 'missing', url: one.url, problem });
    const { place } = one;
    if (!place.ok) return missing(place.problem);
    if (!allowed.includes(one)) return missing(`there are more than ${MAX_FILES} images`);
    try {
      const from = (place.assetId === null ? undefined : signed.get(place.assetId)) ?? place.url;
      const got = await download(from, Math.min(MAX_BYTES, bytesLeft), limit);
      if (!got.ok) return missing(got.problem);
      const type = readImageType(got.bytes);
      if (type === null || got.contentType !== type.mediaType)
        return missing('it is no PNG, JPEG, GIF or WebP image');
      const file = join(deps.folder, `${number}.${type.extension}`);
      await writeFile(file, got.bytes, { mode: 0o600 });
      return { kind: 'file', url: one.url, file, mediaType: type.mediaType, bytes: got.bytes.length };
    } catch (error) {
      deps.signal.throwIfAborted();
      // A full disk shows elsewhere, too; the network's words may hold a signed address.
      return missing(
        limit.aborted || toError(error).name === 'TimeoutError'
          ? 'it took too long'
          : 'it could not be fetched',
      );
    }
  }

  type Download = { ok: true; bytes: Buffer; contentType: string } | { ok: false; problem: string };

  /** Goes where GitHub sends us on, as long as that is GitHub's own. */
  async function download(start: URL, maxBytes: number, signal: AbortSignal): Promise<Download> {
    let url = start;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      const response = await deps.fetch(url, {
        redirect: 'manual',
        credentials: 'omit',
        headers: { accept: 'image/*', 'user-agent': deps.userAgent },
        signal: AbortSignal.any([signal, AbortSignal.timeout(EACH_MS)]),
      });
      if (REDIRECTS.includes(response.status)) {
        await response.body?.cancel();
        const next = judgeImagePlace(new URL(response.headers.get('location') ?? '', url).href, {
          repositoryUrl: repository.htmlUrl,
          isNamedByGitHub: true,
        });
        if (!next.ok) return { ok: false, problem: `GitHub sent on to a place where ${next.problem}` };
        ({ url } = next);
        continue;
      }
      if (response.status !== 200) {
        await response.body?.cancel();
        return { ok: false, problem: `GitHub answered ${response.status}` };
      }
      const contentType =
        (response.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
      const bytes = await readUpTo(response, maxBytes);
      return bytes === null
        ? { ok: false, problem: `it is larger than ${Math.floor(maxBytes / 1024)} KiB` }
        : { ok: true, bytes, contentType };
    }
    return { ok: false, problem: 'GitHub sent on too often' };
  }

  /** Asset id → signed address. Empty when GitHub does not tell: then the images are not there, which is said of each. */
  async function readSigned(signal: AbortSignal): Promise<Map<string, URL>> {
    const path = `repos/${repository.owner}/${repository.name}/issues/${issue.number}`;
    const found = new Map<string, URL>();
    try {
      const pages = [path, ...((issue.comments ?? []).length > 0 ? [`${path}/comments?per_page=100`] : [])];
      for (const page of pages) {
        const response = await deps.fetch(`${githubApiUrl.replace(/\/+$/, '')}/${page}`, {
          redirect: 'error',
          headers: {
            accept: AS_HTML,
            authorization: `token ${await deps.token()}`,
            'user-agent': deps.userAgent,
            'x-github-api-version': API_VERSION,
          },
          signal: AbortSignal.any([signal, AbortSignal.timeout(EACH_MS)]),
        });
        if (!response.ok) {
          await response.body?.cancel();
          continue;
        }
        const data: unknown = await response.json();
        for (const { body_html: html } of z.array(Rendered).parse(Array.isArray(data) ? data : [data]))
          noteSigned(html ?? '', found);
      }
    } catch {
      // Whether there is an image behind the address that people wrote, the fetch will tell.
      deps.signal.throwIfAborted();
    }
    return found;
  }

  function noteSigned(html: string, found: Map<string, URL>): void {
    for (const [, source = ''] of html.matchAll(/\ssrc="([^"]{1,5000})"/g)) {
      const place = judgeImagePlace(source.replaceAll('&amp;', '&'), {
        repositoryUrl: repository.htmlUrl,
        isNamedByGitHub: true,
      });
      // The HTML is of everybody's comments, so an address that only looks signed must not stand for somebody else's image.
      if (place.ok && place.assetId !== null && isSigned(place.url) && !found.has(place.assetId))
        found.set(place.assetId, place.url);
    }
  }
}

function isSigned(url: URL): boolean {
  const isUnsignedPlace = url.hostname === 'github.com' || url.hostname.endsWith('.amazonaws.com');
  return !isUnsignedPlace && url.searchParams.has('jwt');
}

/** `null` when there is more. */
async function readUpTo(response: Response, maxBytes: number): Promise<Buffer | null> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // The loop's end, by whatever way, ends the transfer.
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
