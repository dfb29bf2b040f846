import type { Buffer } from 'node:buffer';

/** Kinds of images that agents can look at, by how their files begin. */
const TYPES = [
  { mediaType: 'image/png', extension: 'png', begins: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] },
  { mediaType: 'image/jpeg', extension: 'jpg', begins: [0xff, 0xd8, 0xff] },
  { mediaType: 'image/gif', extension: 'gif', begins: [0x47, 0x49, 0x46, 0x38] },
] as const;

export type ImageType = { mediaType: string; extension: string };

/** What an image is by its own bytes; `null` when it is none of the kinds that we know, whatever its sender calls it. */
export function readImageType(bytes: Buffer): ImageType | null {
  const found = TYPES.find(({ begins }) => begins.every((byte, at) => bytes[at] === byte));
  if (found !== undefined) return { mediaType: found.mediaType, extension: found.extension };
  const isWebp = bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WEBP';
  return isWebp ? { mediaType: 'image/webp', extension: 'webp' } : null;
}
