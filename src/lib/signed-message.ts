import { createHmac, createPrivateKey, hkdfSync, timingSafeEqual } from 'node:crypto';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';

/** What two sides that share a secret sign their messages with. */
export type MessageKey = {
  /** Names the key without telling it, so that a message of another key is known as that. */
  id: string;
  secret: Uint8Array;
};

/** Why a text holds no message that counts. */
export type NoMessage =
  | 'absent'
  /** There is something, but not in our form. */
  | 'malformed'
  /** Signed with another key: another App, or another private key of the same one. */
  | 'other_key'
  /** The signature is not of this text, or the message was copied from elsewhere. */
  | 'forged'
  /** It unpacks to more than it may. */
  | 'too_large';

const FORM = 'yardmaster-message-1';
const KEY_ID_CHARACTERS = 8;
/** 132 bits: for lines that have to be short. */
const SHORT_SIGNATURE_CHARACTERS = 22;
const LINE_CHARACTERS = 120;

/**
 * The same key for all who hold the same RSA private key, whatever PEM it is written in; another one for each purpose. Nothing about
 * the private key can be learnt from it. Throws when `privateKey` is none.
 */
export function deriveMessageKey(privateKey: string, purpose: string): MessageKey {
  const der = createPrivateKey(privateKey).export({ type: 'pkcs8', format: 'der' });
  const secret = new Uint8Array(hkdfSync('sha256', der, '', purpose, 32));
  return { id: toSignature(secret, ['key id']).slice(0, KEY_ID_CHARACTERS), secret };
}

/**
 * `value` as a folded block of Markdown that people don't see and that nobody without the key can make, change, or use elsewhere:
 * `context` says where it belongs. Packed: text comes to about a third of its size.
 */
export function toSignedBlock(
  message: { kind: string; context: string; title: string; value: unknown },
  key: MessageKey,
): string {
  const { kind, context, title, value } = message;
  const packed = brotliCompressSync(JSON.stringify(value), {
    params: {
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
      [constants.BROTLI_PARAM_QUALITY]: 9,
    },
  }).toString('base64url');
  const signature = toSignature(key.secret, [FORM, kind, context, packed]);
  const lines = packed.match(new RegExp(`.{1,${LINE_CHARACTERS}}`, 'g')) ?? [];
  return [
    `<details><summary>${title}</summary>`,
    '',
    '```text',
    `${FORM} ${kind} ${key.id} ${signature}`,
    ...lines,
    '```',
    '',
    '</details>',
  ].join('\n');
}

/**
 * The value of a block that `text` begins with. What comes after the block is not looked at, so nothing in there can stand in for it.
 * The value is as it was given: who reads it still has to check its shape. `maxBytes`: of the JSON.
 */
export function readSignedBlock(
  text: string,
  expected: { kind: string; context: string; maxBytes: number },
  key: MessageKey,
): { ok: true; value: unknown } | { ok: false; why: NoMessage } {
  // GitHub may give line ends of its own.
  const [fold, gap, fence, head, ...rest] = text.split(/\r?\n/);
  const parts = new RegExp(`^${FORM} ([a-z-]{1,30}) ([\\w-]{8}) ([\\w-]{43})$`).exec(head ?? '');
  if (parts === null) return { ok: false, why: text.includes(FORM) ? 'malformed' : 'absent' };
  const [, kind = '', keyId = '', signature = ''] = parts;
  const end = rest.indexOf('```');
  const packed = rest.slice(0, Math.max(0, end)).join('');
  const isOurForm = fold?.startsWith('<details>') === true && gap === '' && fence === '```text' && end > 0;
  if (!isOurForm || !/^[\w-]+$/.test(packed)) return { ok: false, why: 'malformed' };
  if (kind !== expected.kind) return { ok: false, why: 'absent' };
  if (keyId !== key.id) return { ok: false, why: 'other_key' };
  if (!isSame(signature, toSignature(key.secret, [FORM, kind, expected.context, packed]))) {
    return { ok: false, why: 'forged' };
  }
  try {
    const json = brotliDecompressSync(Buffer.from(packed, 'base64url'), {
      maxOutputLength: expected.maxBytes,
    });
    return { ok: true, value: JSON.parse(json.toString('utf8')) };
  } catch (error) {
    const isTooLarge = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
    return { ok: false, why: isTooLarge ? 'too_large' : 'malformed' };
  }
}

/** `line` with a short signature behind it, after a colon. `context` says where it belongs. */
export function signLine(line: string, context: string, key: MessageKey): string {
  return `${line}:${toShortSignature(line, context, key)}`;
}

/** The line that `signLine` was given, or `null` when the signature is not of this line, place and key. */
export function readSignedLine(signed: string, context: string, key: MessageKey): string | null {
  const cut = signed.lastIndexOf(':');
  const line = signed.slice(0, Math.max(0, cut));
  return cut > 0 && isSame(signed.slice(cut + 1), toShortSignature(line, context, key)) ? line : null;
}

function toShortSignature(line: string, context: string, key: MessageKey): string {
  return toSignature(key.secret, [FORM, 'line', context, line]).slice(0, SHORT_SIGNATURE_CHARACTERS);
}

/** As JSON, so that no two lists of parts are written the same. */
function toSignature(secret: Uint8Array, parts: readonly string[]): string {
  return createHmac('sha256', secret).update(JSON.stringify(parts)).digest('base64url');
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
