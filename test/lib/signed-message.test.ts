import { generateKeyPairSync } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  deriveMessageKey,
  readSignedBlock,
  readSignedLine,
  signLine,
  toSignedBlock,
} from '../../src/lib/signed-message.ts';

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const key = deriveMessageKey(pem, 'test');
const place = { kind: 'report', context: '7/900' };
const limits = { maxBytes: 1_000_000 };

function block(value: unknown): string {
  return toSignedBlock({ ...place, title: 'For machines', value }, key);
}

describe('the key', () => {
  test('is the same whatever form the private key is written in', () => {
    const pkcs1 = pair.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();

    expect(deriveMessageKey(pkcs1, 'test')).toEqual(key);
  });

  test('is another one for another purpose or private key', () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

    expect(deriveMessageKey(pem, 'other').id).not.toBe(key.id);
    expect(deriveMessageKey(other.export({ type: 'pkcs8', format: 'pem' }).toString(), 'test').id).not.toBe(
      key.id,
    );
  });
});

describe('a signed block', () => {
  test('gives back every value, with Windows line ends and with anything behind it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: 'binary' }), fc.boolean(), (value, behind, crlf) => {
        const text = `${block(value)}\n${behind}`;

        const read = readSignedBlock(
          crlf ? text.replaceAll('\n', '\r\n') : text,
          { ...place, ...limits },
          key,
        );

        expect(read).toEqual({ ok: true, value: JSON.parse(JSON.stringify(value)) });
      }),
    );
  });

  test('is refused when any character of it was changed, left out or doubled', () => {
    const text = block({ outcome: 'pull_request', reason: 'All tests pass' });
    // The form around the message holds nothing: only what is between the fences counts.
    const from = text.indexOf('yardmaster-message');
    const to = text.lastIndexOf('\n```');
    fc.assert(
      fc.property(
        fc.integer({ min: from, max: to - 1 }),
        fc.constantFrom('A', 'z', '0', '-', ' ', ''),
        (at, put) => {
          fc.pre(text[at] !== put && text[at] !== '\n');
          const changed = `${text.slice(0, at)}${put}${text.slice(at + 1)}`;

          expect(readSignedBlock(changed, { ...place, ...limits }, key).ok).toBe(false);
        },
      ),
    );
  });

  test('is refused when it is cut anywhere', () => {
    const text = block({ log: 'x'.repeat(50) });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: text.lastIndexOf('```') - 1 }), (length) => {
        expect(readSignedBlock(text.slice(0, length), { ...place, ...limits }, key).ok).toBe(false);
      }),
    );
  });

  test('counts only where it was written for', () => {
    const text = block(1);

    expect(readSignedBlock(text, { ...place, context: '7/901', ...limits }, key)).toEqual({
      ok: false,
      why: 'forged',
    });
    expect(readSignedBlock(text, { ...place, kind: 'offer', ...limits }, key)).toEqual({
      ok: false,
      why: 'absent',
    });
    expect(readSignedBlock(text, { ...place, ...limits }, deriveMessageKey(pem, 'other'))).toEqual({
      ok: false,
      why: 'other_key',
    });
  });

  test('must be the first thing: one that stands in quoted text is none', () => {
    expect(readSignedBlock(`As I said:\n${block(1)}`, { ...place, ...limits }, key).ok).toBe(false);
    expect(readSignedBlock('', { ...place, ...limits }, key)).toEqual({ ok: false, why: 'absent' });
  });

  test('does not unpack to more than it may', () => {
    const bomb = block('a'.repeat(2_000_000));

    expect(bomb.length).toBeLessThan(2000);
    expect(readSignedBlock(bomb, { ...place, ...limits }, key)).toEqual({ ok: false, why: 'too_large' });
  });

  test('never throws, whatever it is given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        readSignedBlock(text, { ...place, ...limits }, key);
        readSignedBlock(`<details>\n\n\`\`\`text\n${text}`, { ...place, ...limits }, key);
        readSignedLine(text, '7/900', key);
      }),
    );
  });
});

describe('a signed line', () => {
  test('gives back the line, and nothing when line, place or key are others', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string(), (line, other) => {
        const signed = signLine(line, '7/900', key);

        expect(readSignedLine(signed, '7/900', key)).toBe(line);
        expect(readSignedLine(signed, '7/901', key)).toBeNull();
        fc.pre(line !== other);
        expect(
          readSignedLine(
            signed.replace(line, () => other),
            '7/900',
            key,
          ),
        ).not.toBe(line);
      }),
    );
  });
});
