import { expect, it } from 'vitest';
import { buildRefusalPrompt } from '../../../src/runner/context/build-refusal-prompt.ts';

it('names the reasons, each on one line, and no more than can be read', async () => {
  const reasons = ['`a\nb.yml` is protected.', ...Array.from({ length: 24 }, (_, at) => `reason ${at}`)];

  const prompt = await buildRefusalPrompt(reasons);

  expect(prompt).toMatch(/^Your change was looked at/);
  expect(prompt).toContain('- `a b.yml` is protected.\n- reason 0\n');
  expect(prompt).toContain('- reason 18\n- and 5 more\n');
});
