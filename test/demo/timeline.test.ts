import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { createTimeline } from '../../src/demo/timeline.ts';

const TEXT = 'backend-pc is the only one with room';

test.each([0, 20, 120])('tells what happened on a terminal of %i columns', (width) => {
  const line = createTimeline(0, width).line({
    atMs: 1500,
    issueNumber: 1,
    specialty: 'backend',
    kind: 'offered',
    text: TEXT,
  });

  expect(stripVTControlCharacters(line)).toBe(`  1.5s  #1 backend   → ${TEXT}`);
});
