import { expect, test } from 'vitest';
import { showMarkdown } from '../../src/standin/website/show-markdown.ts';

test.each([
  ['comments are hidden', '<!-- aGVsbG8 -->\n\nDone<!-- x -->.', 'Done.'],
  ['one that has no end is text', 'a <!-- b', 'a &lt;!-- b'],
  [
    'links can be followed',
    'See [#2](http://127.0.0.1:1/a/b/pull/2), or https://example.com/x?a=1&b=2.',
    'See <a href="http://127.0.0.1:1/a/b/pull/2">#2</a>, or <a href="https://example.com/x?a=1&amp;b=2.">https://example.com/x?a=1&amp;b=2.</a>',
  ],
  ['what else looks like one is text', '[x](javascript:alert(1)) <b>', '[x](javascript:alert(1)) &lt;b&gt;'],
  [
    'an address brings nothing else in',
    '[<i>](http://a/"onclick=x) http://a/"x',
    '[&lt;i&gt;](<a href="http://a/">http://a/</a>&quot;onclick=x) <a href="http://a/">http://a/</a>&quot;x',
  ],
])('%s', (_, markdown, html) => {
  expect(showMarkdown(markdown)).toBe(html);
});
