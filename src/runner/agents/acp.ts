import { basename, isAbsolute, join } from 'node:path';
import type { ModelApiName } from '../sandbox/model-apis.ts';
import { createAcpConversation } from './acp-conversation.ts';
import { makeInAgentFolder, prepareXdgFolders, toXdgVariables } from './agent-folder.ts';
import { checkAcpProgram } from './check-acp-program.ts';
import { CLAUDE_FOLDER } from './claude-code-environment.ts';
import { CODEX_FOLDER } from './codex.ts';
import type { HeadlessCli } from './headless-cli.ts';
import { OPENCODE } from './opencode.ts';

/** By which most programs look for a service. */
const USUAL_VARIABLES: Readonly<Record<ModelApiName, { keys: readonly string[]; address: string }>> = {
  anthropic: { keys: ['ANTHROPIC_API_KEY'], address: 'ANTHROPIC_BASE_URL' },
  openai: { keys: ['OPENAI_API_KEY'], address: 'OPENAI_BASE_URL' },
  gemini: { keys: ['GEMINI_API_KEY'], address: 'GOOGLE_GEMINI_BASE_URL' },
};

/**
 * Any program that speaks the Agent Client Protocol. With `api` the runner's gateway stands for its model: address and token are in the
 * usual variables, and in those of `env` wherever `{model_url}` and `{model_token}` stand.
 */
export function createAcpCli(options: {
  name: string;
  command: readonly [string, ...string[]];
  api: ModelApiName | null;
  env: Readonly<Record<string, string>>;
}): HeadlessCli {
  const { api, env } = options;
  const [program, ...args] = options.command;
  const variables = api === null ? { keys: [], address: '' } : USUAL_VARIABLES[api];

  function fillIn(url: string, token: string): Record<string, string> {
    if (api === null) return {};
    return {
      ...Object.fromEntries(
        Object.entries(env)
          .filter(([name]) => ![...variables.keys, variables.address].includes(name))
          .map(([name, value]) => [
            name,
            value.replaceAll('{model_url}', url).replaceAll('{model_token}', token),
          ]),
      ),
      ...Object.fromEntries(variables.keys.map((name) => [name, token])),
      [variables.address]: url,
    };
  }

  /** Which program it is, or which one it starts, nobody knows: each of them finds its own. Whoever configured another place meant it. */
  function toFolders(agentFolder: string): Record<string, string> {
    const folders = {
      CLAUDE_CONFIG_DIR: join(agentFolder, CLAUDE_FOLDER),
      CODEX_HOME: join(agentFolder, CODEX_FOLDER),
      GEMINI_CLI_HOME: agentFolder,
      OPENCODE_TEST_HOME: agentFolder,
      ...toXdgVariables(agentFolder),
    };
    return Object.fromEntries(Object.entries(folders).filter(([name]) => env[name] === undefined));
  }

  return {
    title: options.name,
    program,
    identity: (question) =>
      checkAcpProgram({
        ...question,
        title: options.name,
        args,
        env: { ...question.env, ...fillIn('http://127.0.0.1:9', 'none') },
      }),
    api,
    variables,
    accountVariables: [],
    whyOnlySandboxed: null,
    alsoNeeds: args.filter((word) => isAbsolute(word)),
    prepare: async ({ task }) => {
      for (const name of [CLAUDE_FOLDER, CODEX_FOLDER]) await makeInAgentFolder(task.agentFolder, name);
      await prepareXdgFolders(task, [OPENCODE, basename(program)]);
    },
    launch: ({ task, url, token }) => ({
      args,
      env: { ...toFolders(task.agentFolder), ...fillIn(url, token) },
    }),
    createReader: createAcpConversation,
  };
}
