import { Buffer } from 'node:buffer';
import { createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Links } from '../shapes/links.ts';
import type { Repository } from '../world.ts';

/** How long a signed address holds. */
const SIGNED_MS = 300_000;
const ASSET = /^\/user-attachments\/assets\/([0-9a-f-]{36})$/;
const STORED = /^\/storage\/user\/\d+\/\d+-([0-9a-f-]{36})\.\w+$/;

type Attachment = { number: number; repository: Repository; bytes: Buffer; mediaType: string };

/**
 * Images that people put into issues. An address on the website leads on to a signed one of the storage, which holds for some minutes; in a
 * private repository only for people who are logged in, which nothing here is. HTML that the API gives has signed addresses already.
 */
export function createAttachments({ clock, links }: { clock: { nowMs(): number }; links: Links }) {
  const attachments = new Map<string, Attachment>();
  const secret = randomBytes(32);

  function sign(path: string, endsAtMs: number): string {
    const mark = createHmac('sha256', secret).update(`${path}\n${endsAtMs}`).digest('base64url');
    return `${endsAtMs}.${mark}`;
  }

  function toSigned(id: string, { number, repository, mediaType }: Attachment): string {
    const extension = mediaType.split('/')[1] ?? 'bin';
    const path = `/storage/user/${repository.owner.id}/${number}-${id}.${extension}`;
    return `${links.web}${path}?jwt=${sign(path, clock.nowMs() + SIGNED_MS)}`;
  }

  function isSigned(path: string, jwt: string): boolean {
    const endsAtMs = Number(jwt.split('.')[0]);
    const wanted = Buffer.from(sign(path, endsAtMs));
    const given = Buffer.from(jwt);
    return endsAtMs > clock.nowMs() && given.length === wanted.length && timingSafeEqual(given, wanted);
  }

  return {
    /** Keeps what somebody put into an issue; answers the address that the website writes into the text. */
    put(repository: Repository, bytes: Buffer, mediaType: string): string {
      const id = randomUUID();
      attachments.set(id, { number: attachments.size + 1, repository, bytes, mediaType });
      return `${links.web}/user-attachments/assets/${id}`;
    },

    /** The text as the API gives it to who asks for HTML; all but images is left as it is. */
    toHtml(body: string): string {
      const escaped = body.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
      const image = /!\[[^\]\n]*\]\(([^()\s]+)\)/g;
      const html = escaped.replaceAll(image, (whole, address: string) => {
        const id = ASSET.exec(URL.parse(address)?.pathname ?? '')?.[1] ?? '';
        const found = attachments.get(id);
        return found === undefined ? whole : `<img src="${toSigned(id, found)}" style="max-width: 100%;">`;
      });
      return `<p dir="auto">${html}</p>`;
    },

    /** True when the address is one of these. */
    answer(url: URL, response: ServerResponse): boolean {
      const asset = ASSET.exec(url.pathname)?.[1];
      const stored = STORED.exec(url.pathname)?.[1];
      if (asset === undefined && stored === undefined) return false;
      const found = attachments.get(asset ?? stored ?? '');
      if (asset !== undefined && found?.repository.private === false) {
        response.writeHead(302, { location: toSigned(asset, found) }).end();
      } else if (stored !== undefined && found && isSigned(url.pathname, url.searchParams.get('jwt') ?? '')) {
        response.writeHead(200, { 'content-type': found.mediaType }).end(found.bytes);
      } else response.writeHead(404, { 'content-type': 'text/plain' }).end('Not Found');
      return true;
    },
  };
}

export type Attachments = ReturnType<typeof createAttachments>;

/** Whether a request of the API asks for texts as HTML, beside their source or instead of it. */
export function wantsHtml(headers: Record<string, string>): boolean {
  return /application\/vnd\.github(\.v3)?\.(full|html)\+json/.test(headers['accept'] ?? '');
}
