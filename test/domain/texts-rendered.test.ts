import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFromMarkdown } from 'mdast-util-gfm';
import { gfm } from 'micromark-extension-gfm';
import { expect, test } from 'vitest';

type Node = { type: string; value?: string; children?: Node[]; depth?: number };

const folder = path.resolve(import.meta.dirname, '../fixtures/texts');
const names = readdirSync(folder).filter((name) => name.endsWith('.md'));

function walk(node: Node): Node[] {
  return [node, ...(node.children ?? []).flatMap(walk)];
}

/** As GitHub reads it. */
function render(name: string): Node[] {
  const whole = readFileSync(path.join(folder, name), 'utf8');
  // The title of a pull request stands above its text, and is no Markdown.
  const text = name.startsWith('pull-request') ? whole.slice(whole.indexOf('\n')) : whole;
  return walk(fromMarkdown(text, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] }));
}

test.each(names)('%s: GitHub makes of it what is meant', (name) => {
  const nodes = render(name);
  const html = nodes.flatMap(({ type, value = '' }) => (type === 'html' ? [value] : []));
  const tags = html.filter((value) => !value.startsWith('<!-- yardmaster:')).join('');
  const count = (pattern: RegExp) => tags.match(pattern)?.length ?? 0;

  // Nothing but our own folded parts, each of which ends.
  expect(tags.replace(/<\/?(?:details|summary)>/g, '')).not.toMatch(/[<>]/);
  expect(count(/<details>/g)).toBe(count(/<\/details>/g));
  expect(count(/<summary>/g)).toBe(count(/<\/summary>/g));
  // A table that is none, a heading that is text, emphasis that stayed as stars: what is seen when a blank line is missing.
  const seen = nodes.flatMap(({ type, value = '' }) => (type === 'text' ? [value] : []));
  expect(seen.filter((value) => /^\| ?-{3}|\n\|/.test(value))).toEqual([]);
  if (name.includes('hostile')) return;
  expect(seen.filter((value) => /\*\*|^#{1,6} |\]\(|^\s*[-*] /m.test(value))).toEqual([]);
});

test('a status comment has a heading for each job, lists of phases, and folded parts', () => {
  const nodes = render('status-comment-tests-failed.md');

  expect(nodes.filter(({ type, depth }) => type === 'heading' && depth === 3)).toHaveLength(1);
  expect(nodes.filter(({ type }) => type === 'listItem')).toHaveLength(5 + 1);
  expect(nodes.filter(({ type }) => type === 'thematicBreak')).toHaveLength(1);
});
