import type { AgentTask } from './agent.ts';

/** Options that a Claude Code must know, or it isn't safe to run it on a stranger's repository; looked for in `--help`. */
export const REQUIRED_OPTIONS = [
  '--restricted',
  '--setting-sources',
  '--strict-mcp-config',
  '--disable-slash-commands',
  '--permission-prompts',
  '--tools',
  '--max-budget-usd',
  '--session-id',
  '--add-dir',
] as const;

/**
 * Keeps the repository from having its say: otherwise `.claude/settings.json` of a clone runs commands, and sends our
 * key elsewhere by `ANTHROPIC_BASE_URL`. `--restricted` also keeps `@/path` in the prompt inside the workspace.
 */
const AGAINST_THE_REPOSITORY = [
  '--restricted',
  '--setting-sources',
  '',
  '--strict-mcp-config',
  '--disable-slash-commands',
];

/** What it may do without being asked; whatever would need an answer is denied, since nobody is there. */
const TOOLS = [
  '--tools',
  'Bash,Read,Edit,Write,Glob,Grep',
  '--allowedTools',
  'Bash',
  '--permission-mode',
  'acceptEdits',
  '--permission-prompts',
  'none',
];

/**
 * The arguments of one run. `session` is the id for a new session; with `task.resumeSession` that one goes on.
 * Values come after `=`, so none can be taken for an option.
 */
export function claudeArguments(
  task: AgentTask,
  options: { model: string | null; session: string },
): string[] {
  return [
    '-p',
    '--output-format',
    'stream-json',
    '--verbose',
    ...AGAINST_THE_REPOSITORY,
    ...TOOLS,
    // Claude Code takes 0 turns for no limit at all.
    `--max-turns=${Math.max(1, Math.floor(task.maxTurns))}`,
    `--max-budget-usd=${task.maxBudgetUsd}`,
    // Its file tools stay in the workspace otherwise.
    ...(task.imagesFolder === null ? [] : [`--add-dir=${task.imagesFolder}`]),
    ...(options.model === null ? [] : [`--model=${options.model}`]),
    task.resumeSession === null ? `--session-id=${options.session}` : `--resume=${task.resumeSession}`,
  ];
}

/** A prompt that begins with one of these is a command, a shell line or a file to the command line. */
const COMMAND_START = /^\s*[/!#@]/;

/** The prompt as it goes to stdin: never beginning with something that Claude Code acts on. */
export function claudePrompt(prompt: string): string {
  return COMMAND_START.test(prompt) ? `Work on the following task.\n\n${prompt}` : prompt;
}
