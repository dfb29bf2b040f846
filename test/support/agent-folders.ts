import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { AgentEvent, AgentTask } from '../../src/runner/agents/agent.ts';

/** A workspace with files, home, temporary folder and agent's folder of an attempt; all removed with it. */
export type AgentFolders = {
  root: string;
  workspace: string;
  home: string;
  temp: string;
  /** Of the agent alone. */
  agent: string;
  [Symbol.asyncDispose](): Promise<void>;
};

export async function makeAgentFolders(files: Record<string, string> = {}): Promise<AgentFolders> {
  const root = await mkdtemp(join(tmpdir(), 'agent-'));
  const at = (name: string): string => join(root, name);
  const folders = { workspace: at('workspace'), home: at('home'), temp: at('temp'), agent: at('agent') };
  for (const folder of Object.values(folders)) await mkdir(folder);
  for (const [path, content] of Object.entries(files)) {
    const file = join(folders.workspace, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  return { root, ...folders, [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) };
}

/** A task in these folders; its events are gathered in `events`. */
export function anAgentTask(
  folders: AgentFolders,
  overrides: Partial<AgentTask> = {},
): AgentTask & { events: AgentEvent[] } {
  const events: AgentEvent[] = [];
  return {
    prompt: 'Fix the failing test in this repository.',
    folder: folders.workspace,
    homeFolder: folders.home,
    agentFolder: folders.agent,
    tempFolder: folders.temp,
    readableFolders: [],
    imagesFolder: null,
    model: null,
    resumeSession: null,
    maxTurns: 20,
    maxBudgetUsd: 1,
    maxMs: 60_000,
    idleMs: 30_000,
    signal: new AbortController().signal,
    onEvent: (event) => void events.push(event),
    events,
    ...overrides,
  };
}
