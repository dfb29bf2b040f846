import { Buffer } from 'node:buffer';
import { expect, test } from 'vitest';
import { createOutputTail } from '../../src/lib/output-tail.ts';

function tailOf(maxBytes: number, chunks: string[], redact?: (text: string) => string): string {
  const tail = createOutputTail(maxBytes);
  for (const chunk of chunks) tail.push(Buffer.from(chunk));
  return tail.text(redact);
}

test('a short output is there in full', () => {
  expect(tailOf(100, ['one\n', '', 'two\n'])).toBe('one\ntwo\n');
  expect(tailOf(100, [])).toBe('');
});

test.each([{ chunkSize: 1 }, { chunkSize: 7 }, { chunkSize: 5000 }, { chunkSize: 1_000_000 }])(
  'keeps exactly the last bytes of a long output in chunks of $chunkSize',
  ({ chunkSize }) => {
    const text = Array.from({ length: 20_000 }, (_, index) => `line ${index}\n`).join('');
    const chunks: string[] = [];
    for (let at = 0; at < text.length; at += chunkSize) chunks.push(text.slice(at, at + chunkSize));

    expect(tailOf(1000, chunks)).toBe(text.slice(-1000));
  },
);

test('never begins in the middle of a character', () => {
  const text = tailOf(10, ['€'.repeat(50)]);

  expect(text).toBe('€€€');
});

test('a secret at the cut is masked before the cut', () => {
  const secret = 'correct-horse-battery';
  const text = tailOf(30, [`${'.'.repeat(9000)} ${secret} ${'x'.repeat(20)}`], (all) =>
    all.replaceAll(secret, '***'),
  );

  expect(text).toContain('***');
  expect(text).not.toContain('battery');
});

test('the end of a secret whose beginning is forgotten is dropped', () => {
  const maxBytes = 200;
  const secret = 's'.repeat(100);
  // The ring begins in the middle of the secret, and masks that shrink the rest would bring that part into view.
  const text = tailOf(maxBytes, ['a'.repeat(9000), secret, ` ${'LONG'.repeat(1050)} end`], (all) =>
    all.replaceAll('LONG', ''),
  );

  expect(text).not.toContain('s');
  expect(text).toContain('end');
});
