import { expect, test } from 'vitest';
import { toRunningText } from '../../src/domain/running-text.ts';

test.each([
  [
    'a list after its beginning',
    "It can't be used:\n- line 3: bad\n- line 4: worse",
    "It can't be used: line 3: bad; line 4: worse",
  ],
  ['a list with words after it', 'Look:\n- is it so?\n- it is\nMend it.', 'Look: is it so? it is. Mend it.'],
  ['a list from the start', '- One.\n- Two.\n\nDecide.', 'One. Two. Decide.'],
  ['lines of somebody', 'first\n\n second\n', 'first second'],
  ['nothing', '\n', ''],
])('%s', (_name, text, running) => {
  expect(toRunningText(text)).toBe(running);
});
