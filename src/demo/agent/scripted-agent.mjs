#!/usr/bin/env node
// The demo's agent: a plain script, no model behind it. It reads the prompt like a real agent, recognises the two issues
// of the sample repository, edits the files, and reports in the lines that Yardmaster's `command` agents may print.
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const edits = [
  {
    about: /discount/i,
    file: 'backend/src/discount.js',
    from: 'return cents - percent;',
    to: 'return Math.round((cents * (100 - percent)) / 100);',
    summary:
      'The discount took off `percent` cents instead of a share of the price. It now rounds to whole cents.',
  },
  {
    about: /empty cart/i,
    file: 'frontend/src/cart-badge.js',
    from: '.reduce((sum, quantity) => sum + quantity);\n',
    to: ".reduce((sum, quantity) => sum + quantity, 0);\n  if (count === 0) return 'empty';\n",
    summary: '`reduce` without a first value throws on an empty cart. The badge now says `empty`.',
  },
];

let prompt = '';
for await (const chunk of process.stdin) prompt += chunk;

const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const title = /^Title: (.*)$/m.exec(prompt)?.[1] ?? prompt;
const edit = edits.find(({ about }) => about.test(title)) ?? edits.find(({ about }) => about.test(prompt));

say({ type: 'message', text: 'I am the demo’s scripted agent: no model, just a few lines of JavaScript.' });
if (edit === undefined) {
  say({ type: 'result', summary: 'I only know the two issues of the demo and changed nothing.' });
  process.exit(0);
}

await sleep(400);
say({ type: 'message', text: `Reading ${edit.file}` });
const before = readFileSync(edit.file, 'utf8');
await sleep(400);
say({ type: 'message', text: `Editing ${edit.file}` });
writeFileSync(edit.file, before.replace(edit.from, edit.to));
say({ type: 'result', summary: edit.summary });
