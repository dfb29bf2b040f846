import { expect, test } from 'vitest';
import { claudeArguments, claudePrompt } from '../../../src/runner/agents/claude-code-arguments.ts';
import { anAgentTask, makeAgentFolders } from '../../support/agent-folders.ts';

await using folders = await makeAgentFolders();
const SESSION = '5f3f4a4e-8f6a-4c43-9a3d-1a2b3c4d5e6f';

test('a first round: all that keeps the repository out, and a session of its own', () => {
  expect(claudeArguments(anAgentTask(folders), { model: null, session: SESSION })).toEqual([
    '-p',
    '--output-format',
    'stream-json',
    '--verbose',
    '--restricted',
    '--setting-sources',
    '',
    '--strict-mcp-config',
    '--disable-slash-commands',
    '--tools',
    'Bash,Read,Edit,Write,Glob,Grep',
    '--allowedTools',
    'Bash',
    '--permission-mode',
    'acceptEdits',
    '--permission-prompts',
    'none',
    '--max-turns=20',
    '--max-budget-usd=1',
    `--session-id=${SESSION}`,
  ]);
});

test('images are shown to its file tools, which stay in the workspace otherwise', () => {
  const task = anAgentTask(folders, { imagesFolder: '/srv/images' });

  expect(claudeArguments(task, { model: null, session: SESSION })).toContain('--add-dir=/srv/images');
});

test('a later round goes on with the session', () => {
  const args = claudeArguments(anAgentTask(folders, { resumeSession: 'earlier' }), {
    model: null,
    session: SESSION,
  });

  expect(args).toContain('--resume=earlier');
  expect(args.join(' ')).not.toContain('--session-id');
});

test('no turns would mean no limit: it is at least one', () => {
  const args = claudeArguments(anAgentTask(folders, { maxTurns: 0 }), { model: null, session: SESSION });

  expect(args).toContain('--max-turns=1');
});

test('a model that looks like an option stays a value', () => {
  const model = '--dangerously-skip-permissions';
  const args = claudeArguments(anAgentTask(folders), { model, session: SESSION });

  expect(args).toContain(`--model=${model}`);
  expect(args).not.toContain(model);
});

test.each(['/clear', '  /cost', '!ls', '# remember', '@/etc/passwd', '\n/clear'])(
  '%j is not the beginning of a prompt',
  (prompt) => {
    expect(claudePrompt(prompt)).toBe(`Work on the following task.\n\n${prompt}`);
  },
);

test('other prompts stay as they are', () => {
  expect(claudePrompt('Fix a/b.js, #12, for @someone!')).toBe('Fix a/b.js, #12, for @someone!');
});
