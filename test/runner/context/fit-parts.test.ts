import { describe, expect, it } from 'vitest';
import { describeComments } from '../../../src/runner/context/describe-comments.ts';
import { describeIssue } from '../../../src/runner/context/describe-issue.ts';
import { describeNotes } from '../../../src/runner/context/describe-notes.ts';
import { cutToTokens, estimateTokens } from '../../../src/runner/context/estimate-tokens.ts';
import { fitParts, type Part } from '../../../src/runner/context/fit-parts.ts';
import { aJobSpec } from '../../support/job-spec.ts';

/** A part that wants `tokens`, of which it takes what it gets. */
function aPart(name: string, tokens: number, importance: number, share = 1): Part {
  return {
    importance,
    share,
    render: (maxTokens) => {
      const text = cutToTokens('語'.repeat(tokens), maxTokens);
      return { text, cuts: text.length < tokens ? [`${name}: ${text.length} of ${tokens}`] : [] };
    },
  };
}

describe('tokens', () => {
  it.each([
    ['', 0],
    ['words of English prose', 7],
    ['日本語', 3],
  ])('are counted on the safe side: %j', (text, tokens) => {
    expect(estimateTokens(text)).toBe(tokens);
  });

  it.each([0, 1, 2, 5, 100])('are never more than asked for: %i', (most) => {
    expect(estimateTokens(cutToTokens('ab日本cd語ef👍gh', most))).toBeLessThanOrEqual(most);
  });
});

describe('parts of a prompt', () => {
  it.each<[string, Part[], number, number[], string[]]>([
    ['all that fits is there', [aPart('a', 3, 2), aPart('b', 4, 1)], 10, [3, 4], []],
    [
      'the most important gets its room first',
      [aPart('a', 8, 2), aPart('b', 8, 1)],
      10,
      [2, 8],
      ['a: 2 of 8'],
    ],
    [
      'nobody takes more than his share',
      [aPart('a', 8, 1, 0.5), aPart('b', 8, 2)],
      10,
      [5, 5],
      ['a: 5 of 8', 'b: 5 of 8'],
    ],
    ['without any room nothing is there', [aPart('a', 2, 1)], 0, [0], ['a: 0 of 2']],
  ])('%s', (_, parts, budget, lengths, cuts) => {
    const fitted = fitParts(parts, budget);

    expect(fitted.texts.map(({ length }) => length)).toEqual(lengths);
    expect(fitted.cuts).toEqual(cuts);
    expect(fitted.tokens).toBe(lengths.reduce((sum, length) => sum + length, 0));
  });
});

describe('with little room', () => {
  const issue = aJobSpec().issue;

  it('the newest comments are kept, in their order', () => {
    const comments = ['first', 'second', 'third'].map((author) => ({
      author,
      createdAt: '2026-11-20T10:00:00Z',
      body: 'word '.repeat(100),
    }));
    const { text, cuts } = describeComments({ ...issue, comments }, 500);

    expect(text).toMatch(/`second`[^]*`third`/);
    expect(text).not.toContain('`first`');
    expect(cuts).toEqual(['comments on the issue: the newest 2 of 3 are above']);
  });

  it('the issue begins as it begins, and its end is said to be missing', () => {
    const { text, cuts } = describeIssue({ ...issue, body: `begin ${'x'.repeat(10_000)} end` }, 500);

    expect(text).toMatch(/begin x+\n\[cut here\]\n```$/);
    expect(estimateTokens(text)).toBeLessThanOrEqual(500);
    expect(cuts).toEqual([expect.stringMatching(/^the issue's text: the first \d+ of 10010 characters/)]);
  });

  it('the first notes are kept, and where to read the others is said', () => {
    const instructions = ['AGENTS.md', 'CLAUDE.md', 'web/AGENTS.md'].map((path) => ({
      path,
      text: 'x'.repeat(3000),
    }));
    const { text, cuts } = describeNotes({ instructions }, 1200);

    expect(text).toMatch(/From `AGENTS\.md`[^]*From `CLAUDE\.md`[^]*\[cut here\]/);
    expect(cuts).toEqual([
      expect.stringMatching(/^`CLAUDE.md`: its first \d+ of 3000 characters are above$/),
      '`web/AGENTS.md`: read it in the working directory',
    ]);
  });
});
