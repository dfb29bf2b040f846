import { Buffer } from 'node:buffer';
import { expect, test } from 'vitest';
import { createLineSplitter } from '../../src/lib/line-splitter.ts';

function split(chunks: (string | Uint8Array)[], options?: { maxLineBytes?: number }): string[] {
  const splitter = createLineSplitter(options);
  return [...chunks.flatMap((chunk) => splitter.push(Buffer.from(chunk as string))), ...splitter.end()];
}

test('gives whole lines, whatever the chunks are', () => {
  const text = 'one\ntwo\r\n\nfour: ü€👍\nlast';
  const bytes = Buffer.from(text);

  for (let size = 1; size <= bytes.length; size += 1) {
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));

    expect(split(chunks), `chunks of ${size} bytes`).toEqual(['one', 'two', '', 'four: ü€👍', 'last']);
  }
});

test('says nothing after the last line end', () => {
  expect(split(['a\nb\n'])).toEqual(['a', 'b']);
  expect(split([''])).toEqual([]);
});

test('cuts a line at the limit and goes on with the next one, in one chunk or many', () => {
  const options = { maxLineBytes: 5 };

  expect(split(['1234567890\nok\n123456'], options)).toEqual(['12345', 'ok', '12345']);
  expect(split(['12', '34', '56', '78\nok', '\n'], options)).toEqual(['12345', 'ok']);
});

test('one line of 50 MB costs a moment, not a quarter of a minute', () => {
  const splitter = createLineSplitter();
  const chunk = Buffer.alloc(64 * 1024, 'x');
  const startedMs = performance.now();

  for (let bytes = 0; bytes < 50_000_000; bytes += chunk.length) splitter.push(chunk);
  const [line] = splitter.push(Buffer.from('\n'));

  expect(line).toHaveLength(1024 * 1024);
  expect(performance.now() - startedMs).toBeLessThan(2000);
});
