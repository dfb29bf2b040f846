import { Buffer } from 'node:buffer';

/** Kept above the limit, so that no secret of up to this length is cut before it was looked for. */
const MARGIN_BYTES = 4096;

/** Keeps the end of an output in bounded memory. */
export type OutputTail = {
  push(chunk: Uint8Array): void;
  /**
   * The last part as text, at most `maxBytes` long. `redact` sees it before anything is cut off, so the end of a
   * half-forgotten secret doesn't stay behind: what may be one at the very start is dropped.
   */
  text(redact?: (text: string) => string): string;
};

/** Keeps the last `maxBytes` bytes of what is pushed. Memory is taken once something arrives, and doesn't grow. */
export function createOutputTail(maxBytes: number): OutputTail {
  const capacity = maxBytes + MARGIN_BYTES;
  let ring: Buffer | undefined;
  let total = 0;

  return {
    push: (chunk) => {
      if (chunk.length === 0) return;
      ring ??= Buffer.alloc(capacity);
      const kept = chunk.length > capacity ? chunk.subarray(chunk.length - capacity) : chunk;
      const at = (total + chunk.length - kept.length) % capacity;
      const untilEnd = Math.min(kept.length, capacity - at);
      ring.set(kept.subarray(0, untilEnd), at);
      ring.set(kept.subarray(untilEnd), 0);
      total += chunk.length;
    },
    text: (redact = (text) => text) => {
      if (ring === undefined) return '';
      if (total <= capacity) return lastBytes(redact(ring.toString('utf8', 0, total)), maxBytes);
      const at = total % capacity;
      const whole = Buffer.concat([ring.subarray(at), ring.subarray(0, at)]).toString('utf8');
      return lastBytes(withoutBrokenStart(redact(whole)), maxBytes);
    },
  };
}

/** Drops the first word, which began in what is forgotten: up to the margin, if no white space ends it before. */
function withoutBrokenStart(text: string): string {
  const end = text.slice(0, MARGIN_BYTES).search(/\s/);
  return text.slice(end === -1 ? MARGIN_BYTES : end + 1);
}

function lastBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  let start = bytes.length - maxBytes;
  // A byte 10xxxxxx continues a character that began before the cut.
  while (start < bytes.length && ((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return bytes.toString('utf8', start);
}
