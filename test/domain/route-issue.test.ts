import { expect, test } from 'vitest';
import { parseIssueForm, toChoices } from '../../src/domain/issue-form.ts';
import { parseRepoSettings } from '../../src/domain/repo-settings.ts';
import { routeIssue } from '../../src/domain/route-issue.ts';

const FORM = `### Area

Web UI, Docs

### What happened?

The total is wrong.

\`\`\`
### not a question
\`\`\`

### Severity

_No response_

### Checks

- [x] I searched
- [ ] It is new
`;

function route(
  { title = 'Something', body = '', type }: { title?: string; body?: string; type?: string },
  routing = '',
) {
  const reading = parseRepoSettings(routing === '' ? null : `routing:\n${routing}`);
  if (!reading.ok) throw new Error(reading.message);
  const { settings } = reading;
  const issue = { title, body, ...(type === undefined ? {} : { type }) };
  return routeIssue(issue, settings.routing, new Set(settings.specialties.keys()));
}

test('an issue form is read as GitHub writes it, and nothing else is one', () => {
  expect(parseIssueForm(FORM)).toEqual([
    { name: 'Area', answer: 'Web UI, Docs' },
    { name: 'What happened?', answer: 'The total is wrong.\n\n```\n### not a question\n```' },
    { name: 'Checks', answer: '- [x] I searched\n- [ ] It is new' },
  ]);
  expect([...toChoices('Web UI, Docs')]).toEqual(['web ui, docs', 'web ui', 'docs']);
  expect(toChoices('- [x] I searched\n- [ ] It is new')).not.toContain('it is new');
  expect(parseIssueForm('Hello\n\n### Area\n\nWeb')).toEqual([]);
  expect(parseIssueForm('### a\nb\n'.repeat(10_000))).toHaveLength(50);
});

test.each([
  [
    'files',
    { body: 'See src/components/Cart.tsx:12 and `cart.css`.' },
    'frontend',
    /src\/components\/Cart\.tsx/,
  ],
  ['words', { title: 'Dark mode: the button in Safari is white' }, 'frontend', /“button”/],
  [
    'a stack trace',
    { body: 'Traceback: File "app/models.py", line 3\nFile "app/views.py"' },
    'backend',
    /models\.py/,
  ],
  [
    'a phrase over lines',
    { title: 'Deploy fails', body: 'In GitHub\nActions, with docker' },
    'devops',
    /“github actions”/,
  ],
])('%s say enough', (_name, issue, specialty, reason) => {
  const routing = route(issue);

  expect(routing).toMatchObject({ kind: 'sure', specialty });
  expect(routing.kind === 'unknown' ? '' : routing.reasons.join('; ')).toMatch(reason);
});

test.each([
  ['one word', { title: 'The page is wrong' }, { kind: 'unsure', specialty: 'frontend' }],
  ['two sides', { body: 'The button in cart.css calls the endpoint in api/cart.py' }, { kind: 'unsure' }],
  ['nothing', { title: 'Totals are wrong', body: 'An empty cart gives NaN.' }, { kind: 'unknown' }],
  ['only the template', { body: '<!-- backend? frontend? app.py, docker -->' }, { kind: 'unknown' }],
  ['a word within a word', { body: 'uiuiui cssx apiserverless' }, { kind: 'unknown' }],
  ['an address', { body: 'https://example.com/api/x.py http://a.b/c.go' }, { kind: 'unknown' }],
])('%s: nothing is guessed', (_name, issue, routing) => {
  expect(route(issue)).toMatchObject(routing);
});

const OWN = `
  - {specialty: backend, types: [Bug], words: [invoice]}
  - {specialty: docs, fields: {area: [docs]}, paths: ["**/*.md"]}
`;
test.each([
  ['its type', { type: 'bug', title: 'The button is white' }, 'backend', 'its type is Bug'],
  ['a field of its form', { body: FORM }, 'docs', 'its form says “Area: docs”'],
  ['one word', { title: 'Invoice is empty' }, 'backend', 'it has the word “invoice”'],
  ['a path', { body: 'docs/a.md' }, 'docs', 'it names docs/a.md'],
])('a rule of the settings goes by %s, before the built-in ones', (_name, issue, specialty, reason) => {
  expect(route(issue, OWN)).toEqual({ kind: 'sure', specialty, reasons: [reason] });
});

test('rules that contradict one another ask; where none says anything, the built-in ones do', () => {
  expect(route({ title: 'Invoice', body: 'docs/a.md docs/b.md' }, OWN).kind).toBe('unsure');
  expect(route({ body: 'cart.css and cart.tsx' }, OWN)).toMatchObject({
    kind: 'sure',
    specialty: 'frontend',
  });
});

test('a rule with a mistake is told with its line', () => {
  expect(parseRepoSettings('routing:\n  - specialty: backend\n    word: [a]\n')).toMatchObject({
    ok: false,
    problems: [{ line: 3, message: expect.stringContaining('did you mean "words"?') }],
  });
});

test('hostile text costs no more than its size', () => {
  const started = performance.now();

  for (const body of [
    'a/'.repeat(32_000),
    '<!--'.repeat(16_000),
    'ui '.repeat(20_000),
    '```\n'.repeat(16_000),
  ])
    route({ body: `### x\n${body}` }, OWN);

  expect(performance.now() - started).toBeLessThan(3000);
});
