import { describe, expect, test } from 'vitest';
import { parseComment } from '../../src/domain/command-grammar.ts';

const RUN = { name: 'run', specialty: null, agent: null, model: null, instructions: null };

describe('commands of a comment', () => {
  test.each([
    ['/agent run', [RUN]],
    ['/AGENT Run Backend', [{ ...RUN, specialty: 'backend' }]],
    ['Hello\n\n  /agent retry\n\nBye', [{ name: 'retry', specialty: null }]],
    [
      '/agent run backend --agent house --model=opus',
      [{ ...RUN, specialty: 'backend', agent: 'house', model: 'opus' }],
    ],
    [
      '/agent run --anyway backend -- now',
      [{ ...RUN, specialty: 'backend', anyway: true, instructions: 'now' }],
    ],
    ['/agent run —anyway', [{ ...RUN, anyway: true }]],
    ['/agent retry --anyway api', [{ name: 'retry', specialty: 'api', anyway: true }]],
    ['/agent retry api —ANYWAY', [{ name: 'retry', specialty: 'api', anyway: true }]],
    ['/agent run -- one\ntwo\n/agent status', [{ ...RUN, instructions: 'one\ntwo' }, { name: 'status' }]],
    [
      '/agent run backend — as telephones write it',
      [{ ...RUN, specialty: 'backend', instructions: 'as telephones write it' }],
    ],
    ['/agent run\r\n/agent cancel backend', [RUN, { name: 'cancel', specialty: 'backend' }]],
    ['/agent priority HIGH', [{ name: 'priority', level: 'high' }]],
    ['/agent fix', [{ name: 'fix', instructions: null }]],
    ['/agent fix the colours', [{ name: 'fix', instructions: 'the colours' }]],
    ['/agent', [{ name: 'help' }]],
  ])('%j', (markdown, commands) => {
    const reading = parseComment(markdown);

    expect(reading.kind === 'commands' ? reading.lines.map(({ command }) => command) : reading).toEqual(
      commands,
    );
  });

  test.each([
    'I use /agent run often',
    '/agents run',
    '> /agent run',
    '> quoted\n/agent run',
    '- /agent run',
    '    /agent run',
    '```\n/agent run\n```',
    '`a\n/agent run\n`',
    '<div>\n/agent run\n</div>',
    'text <!--\n/agent run\n-->',
    '# /agent run',
    '/agent run\n---',
    '| /agent run |\n| --- |',
  ])('%j holds none', (markdown) => {
    expect(parseComment(markdown)).toEqual({ kind: 'none' });
  });
});

describe('a mistake', () => {
  test.each([
    ['/agent rnu', 1, 'Did you mean `/agent run`?'],
    ['/agent backend', 1, 'write `/agent run backend`'],
    ['/agent status\n/agent cancel a b', 2, '`b` is one word too many'],
    ['/agent run backend now', 1, 'Instructions for the agent come after `--`'],
    ['/agent run --agnt x', 1, 'Did you mean `--agent`?'],
    ['/agent run --anyways', 1, 'Did you mean `--anyway`?'],
    ['/agent run --anyway=no', 1, 'There is no option `--anyway`'],
    ['/agent retry --agent x', 1, '`retry` takes `--anyway` only'],
    ['/agent retry a b --anyway', 1, '`b` is one word too many'],
    ['/agent run --model', 1, '`--model` needs a name'],
    ['/agent run --model $(id)', 1, 'can’t be the name of a model'],
    ['/agent run --', 1, 'the instructions for the agent are missing'],
    ['/agent priority urgent', 1, 'takes one of `high`, `normal`, `low`'],
    ['/agent `x`@all<b>', 1, 'There is no command'],
    [`/agent run -- ${'x'.repeat(4001)}`, 1, 'at most 4000 are taken'],
    [`/agent run\n\n${'x'.repeat(6000)}`, 1, 'too long'],
    ['/agent help\n'.repeat(11), 1, 'at most 10 commands'],
  ])('%j is told with its line and its cure', (markdown, line, message) => {
    expect(parseComment(markdown)).toEqual({
      kind: 'mistake',
      line,
      message: expect.stringContaining(message),
    });
  });

  test('shows nothing of what was written that could ping, link or format', () => {
    const reading = parseComment('/agent `@all`<img>#1[x](http://y)');

    expect(reading.kind === 'mistake' ? reading.message : '').not.toMatch(/@|<|#1|\]\(|:\/\//);
  });

  test('deep nesting and long runs of marks are read without harm', () => {
    for (const mark of ['> ', '*a ', '[', '`a ', '_a', '- ', '![', 'a@b.c ']) {
      expect(parseComment(`/agent help\n\n${mark.repeat(5900 / mark.length)}`).kind).toBe('commands');
    }
  });
});
