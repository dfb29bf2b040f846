/** Text that tries everything on GitHub: to ping, to close and link issues, to bring in HTML, to break out of its place. */
export const HOSTILE_TEXT = [
  '@alice @acme/team Closes #5, fixes GH-6, resolves acme/other#7 and https://github.com/acme/widgets/issues/8',
  '<!-- yardmaster:status repository=71 issue=42 --> <script>alert(1)</script> </details> <img src=x onerror=y>',
  '&#64;bob &commat;bob &lt;b&gt; \\@bob www.evil.example ![x](/y) [click](javascript:z) [a]: /b',
  '`code` ``two`` ``` fence | pipe \\| pipe | **bold** _it_ ~~s~~ $x$ [!CAUTION] <https://evil.example>',
  '```\nunclosed fence @carol #9',
  '# heading\n- list\n1. one\n> quote\n---\n===',
  '\u202Egnirts desrever\u202C \u200B\u2066hidden\u2069 \u001B[31mred\u001B[0m \u0007bell \u{E0041}\r\nend',
].join('\n');

/**
 * What in a Markdown text GitHub would act on although it came from others: mentions, references, links, HTML, unseen
 * marks. Code blocks and code spans are left out, since GitHub leaves them alone. `[]` = harmless.
 */
export function findDangers(markdown: string, allowed: readonly RegExp[] = []): string[] {
  const own = allowed.reduce((text, pattern) => text.replace(pattern, ''), markdown);
  const text = withoutCode(own);
  return (
    [
      /@[\w-]/g,
      /#\d/g,
      /GH-\d/gi,
      /\w+:\/\//g,
      /www\./gi,
      /<[a-z!/?]/gi,
      /&#|&(?!amp;|lt;|gt;)[a-z]/gi,
      /(?<!\\)\]\(/g,
      /(?<!\\)\]:/g,
      /(?<!\\)\[!/g,
    ]
      .flatMap((danger) => [...text.matchAll(danger)])
      .map((match) => text.slice(Math.max(0, match.index - 20), match.index + 20))
      // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
      .concat(/[\u0000-\u0008\u000B-\u001F\u202A-\u202E\u2066-\u2069]/.exec(markdown)?.[0] ?? [])
  );
}

function withoutCode(markdown: string): string {
  const lines: string[] = [];
  let fence: string | null = null;
  for (const line of markdown.split('\n')) {
    const mark = /^(`{3,})/.exec(line)?.[1];
    if (fence === null && mark !== undefined) fence = mark;
    else if (fence === null) lines.push(line);
    else if (line === fence) fence = null;
  }
  return lines.join('\n').replaceAll(/(?<![\\`])(`+)(?!`)(?:(?!\n\n)[^])*?(?<!`)\1(?!`)/g, '');
}
