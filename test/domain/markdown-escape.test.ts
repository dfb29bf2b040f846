import { describe, expect, test } from 'vitest';
import {
  toCode,
  toDiffFence,
  toFence,
  toInline,
  toPlainTitle,
  toQuote,
  toTable,
} from '../../src/domain/markdown-escape.ts';
import { HOSTILE_TEXT, findDangers } from '../support/hostile-text.ts';

/** A zero-width space, to be seen. */
const Z = '\u200B';

describe('the check of these tests sees what GitHub would act on', () => {
  test.each([
    '@alice',
    'x @acme/team',
    'Closes #5',
    'GH-6',
    'acme/other#7',
    'https://github.com',
    'www.evil.example',
    '<b>',
    '</details>',
    '<!-- x -->',
    '&#64;bob',
    '&commat;bob',
    '[click](x)',
    '[a]: /b',
    '> [!CAUTION]',
    '\u202E',
    '```\ncode\n```\n@alice',
  ])('%j', (text) => {
    expect(findDangers(text)).not.toEqual([]);
  });

  test.each(['a & b', '1 < 2', '# heading', '`@alice`', '```text\n@alice #5\n```', '``a ` @b``'])(
    'not %j',
    (text) => {
      expect(findDangers(text)).toEqual([]);
    },
  );
});

describe('in a line of text', () => {
  test.each([
    ['plain words, as they are.', 'plain words, as they are.'],
    ['@alice', `@${Z}alice`],
    ['Closes #5', `Closes #${Z}5`],
    ['GH-5 gh-5', `GH-${Z}5 gh-${Z}5`],
    ['https://x.example', `https:${Z}//x.example`],
    ['www.x.example', `www${Z}.x.example`],
    ['<b>&#64;x</b>', `&lt;b&gt;&amp;#${Z}64;x&lt;/b&gt;`],
    ['a_b*c`d`[e](f)~g~ $h$ \\', 'a\\_b\\*c\\`d\\`\\[e\\](f)\\~g\\~ \\$h\\$ \\\\'],
    ['# no heading', '\\# no heading'],
    ['- no list', '\\- no list'],
    ['1. no list', '1\\. no list'],
    ['two\nlines\r\nor\u2028more', 'two lines or more'],
    ['a\u202Eb\u200Bc\u0007d\u001B[31me', 'abcde'],
    ['', ''],
  ])('%j', (text, shown) => {
    expect(toInline(text, 100)).toBe(shown);
  });

  test('a long one is cut, and nothing is left of a cut escape', () => {
    expect(toInline('*'.repeat(500), 10)).toBe(`${'\\*'.repeat(9)}…`);
  });
});

describe('in a code span', () => {
  test.each([
    ['npm test', '`npm test`'],
    ['a `b` c', '``a `b` c``'],
    ['`b', '`` `b ``'],
    ['a ``` b', '````a ``` b````'],
    ['two\nlines', '`two lines`'],
    ['Closes #5 @x', `\`Closes #${Z}5 @${Z}x\``],
    ['', '(nothing)'],
  ])('%j', (text, shown) => {
    expect(toCode(text, 100)).toBe(shown);
  });
});

describe('in a code block', () => {
  test('a fence inside does not end it', () => {
    expect(toFence('a\n````\nb', 100)).toBe('`````text\na\n````\nb\n`````');
  });

  test('a long text keeps its end, from a line on', () => {
    expect(toFence('first line\nsecond\nthird', 15)).toBe('```text\n…\nsecond\nthird\n```');
  });

  test('colours and control characters are left out', () => {
    expect(toFence('\u001B[31mred\u001B[0m\u0000\n', 100)).toBe('```text\nred\n```');
  });
});

describe('a diff', () => {
  test('is shown whole and as it is, whatever fences it holds', () => {
    expect(toDiffFence('+a\n+````\n+@b #1 [skip ci]\n')).toEqual({
      fence: '`````diff\n+a\n+````\n+@b #1 [skip ci]\n`````',
      isExact: true,
    });
  });

  test('shows what hides or turns around other text, and says that it is not as it was', () => {
    for (const hidden of ['\u202E', '\u001B]0;', '\u200B', '\u00AD', '\r', '\u{E0041}'])
      expect(toDiffFence(`+if (a${hidden}) b\n`)).toMatchObject({ isExact: false });
    expect(toDiffFence('+a\u202E\u001B]0;b()\u0007\tc\r\n').fence).toBe(
      '```diff\n+a\uFFFD\uFFFD]0;b()\uFFFD\tc\n```',
    );
  });
});

describe('in a quote', () => {
  test('emphasis, lists and code stay', () => {
    const text = '**Done**:\n\n- `sum` starts at 0\n\n## Why\nBecause.';

    expect(toQuote(text, 1000)).toBe('> **Done**:\n>\n> - `sum` starts at 0\n>\n> ## Why\n> Because.');
  });

  test('every line stays in the quote, whatever it holds', () => {
    for (const line of toQuote(HOSTILE_TEXT, 10_000).split('\n')) expect(line).toMatch(/^>/);
  });

  test('a long one is cut and says so', () => {
    expect(toQuote('a'.repeat(50), 10)).toBe(`> ${'a'.repeat(10)}\n> … (shortened)`);
  });
});

describe('in a table', () => {
  test('pipes and line ends stay in their cell', () => {
    const table = toTable(['Command', 'What'], [[toCode('a | b\n| c', 100), toInline('x | y \\| z', 100)]]);

    expect(table).toBe(
      ['| Command | What |', '| --- | --- |', `| \`a \\| b \\| c\` | x \\| y \\\\${Z}\\| z |`].join('\n'),
    );
  });
});

test('a title closes no issue', () => {
  expect(toPlainTitle('Fix `a` & <b>\nCloses #5 @alice', 100)).toBe(
    `Fix \`a\` & <b> Closes #${Z}5 @${Z}alice`,
  );
});

test.each([
  ['toInline', toInline],
  ['toCode', toCode],
  ['toFence', toFence],
  ['toQuote', toQuote],
])('%s leaves nothing that GitHub would act on', (_name, escape) => {
  expect(findDangers(escape(HOSTILE_TEXT, 10_000))).toEqual([]);
});

test.each([0, 1])(
  'text that is written from right to left, or of emoji, is cut between characters (%d)',
  (shift) => {
    const text = `${'x'.repeat(shift)}${'😀'.repeat(300)}`;

    for (const cut of [toPlainTitle(text, 200), toInline(text, 200), toCode(text, 200), toQuote(text, 200)]) {
      expect(cut.isWellFormed()).toBe(true);
      expect(cut.length).toBeLessThan(220);
    }
    // Marks that turn the direction of what follows are gone; the letters stay.
    expect(toPlainTitle('שלום \u202Eabc\u2066 مرحبا 👨‍👩‍👧', 100)).toBe('שלום abc مرحبا 👨‍👩‍👧');
  },
);
