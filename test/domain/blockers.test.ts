import { expect, test } from 'vitest';
import { explainBlockers } from '../../src/domain/blockers.ts';

const here = (number: number) => ({ repository: 'acme/widgets', number });

test.each([
  [[here(5)], 'by #5, which is open. It goes on by itself once that is closed;'],
  [
    [here(5), { repository: 'acme/api', number: 9 }],
    'by #5 and an issue of another repository, which are open.',
  ],
  [[1, 2, 3, 4, 5, 6, 7].map(here), 'by #1, #2, #3, #4, #5 and 2 more, which are open.'],
  [
    [{ ...here(8), isSubIssue: true }],
    'It has an open sub-issue: #8; work on its parts comes first. It goes on',
  ],
  [
    [here(5), { ...here(8), isSubIssue: true }, { ...here(9), isSubIssue: true }],
    'by #5, which is open. It has 2 open sub-issues: #8 and #9; work on its parts comes first. It goes on by itself once all of them are closed',
  ],
])('%j', (blockers, text) => {
  expect(explainBlockers(blockers, 'Acme/Widgets')).toContain(text);
});
