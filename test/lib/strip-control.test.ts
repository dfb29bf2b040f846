import { expect, test } from 'vitest';
import { stripControl, toOneLine } from '../../src/lib/strip-control.ts';

test.each([
  ['colours', '\u001B[31mred\u001B[0m', 'red'],
  ['a link', '\u001B]8;;http://evil\u0007here\u001B]8;;\u0007', 'here'],
  ['a link that ends the other way', '\u001B]8;;http://evil\u001B\\here\u001B]8;;\u001B\\', 'here'],
  ['the beginning of a command without an end', 'a\u001B]8;;b', 'a8;;b'],
  ['bells and null bytes', 'a\u0007b\u0000c', 'abc'],
  ['turned reading direction', 'safe\u202Etxt.exe\u2066', 'safetxt.exe'],
  ['C1 controls', 'a\u009Bb\u0085c', 'abc'],
])('removes %s', (_what, text, expected) => {
  expect(stripControl(text)).toBe(expected);
});

test('keeps tabs and line ends, and turns carriage returns into line ends', () => {
  expect(stripControl('a\tb\r\nc\n10%\r20%\rdone')).toBe('a\tb\nc\n10%\n20%\ndone');
});

test('keeps every other language and emoji', () => {
  const text = 'Grüße, 世界 👩‍🚀';

  expect(stripControl(text)).toBe(text);
});

test('one line: white space shrinks, and what is too long ends in an ellipsis', () => {
  expect(toOneLine('  a\n\n  b\tc ', 80)).toBe('a b c');
  expect(toOneLine('x'.repeat(100), 10)).toBe('xxxxxxxxx…');
});

// Where each beginning is looked at to the end of the text, this takes hours, and the test times out.
test.each(['\u001B]a;', '\u001B\u001B]]a;'])('a text full of %j is done with soon', (part) => {
  expect(stripControl(part.repeat(1_000_000))).not.toContain('\u001B');
});
