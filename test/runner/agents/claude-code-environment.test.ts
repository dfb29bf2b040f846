import { expect, test } from 'vitest';
import { claudeAccount, claudeEnvironment } from '../../../src/runner/agents/claude-code-environment.ts';

const MACHINE = {
  PATH: '/usr/bin',
  LANG: 'C.UTF-8',
  HOME: '/home/runner',
  GITHUB_TOKEN: 'never',
  YARDMASTER_KEY: 'never',
  NODE_OPTIONS: '--require ./evil.js',
  CLAUDECODE: '1',
  CLAUDE_CODE_SESSION_ID: 'outer',
  CLAUDE_CODE_ENTRYPOINT: 'cli',
  ANTHROPIC_API_KEY: 'machine-key',
  ANTHROPIC_MODEL: 'other',
};

function environment(options: { env?: Record<string, string>; machineEnv?: Record<string, string> } = {}) {
  const { env = {}, machineEnv = MACHINE } = options;
  return claudeEnvironment({
    env,
    machineEnv,
    account: claudeAccount({ env, machineEnv, loginToken: null }),
    homeFolder: '/attempt/home',
    tempFolder: '/attempt/temp',
    agentFolder: '/attempt/agent',
    idleMs: 600_000,
  });
}

test('of the machine only what is needed gets through, and nothing of a session around the runner', () => {
  expect(environment()).toEqual({
    PATH: '/usr/bin',
    LANG: 'C.UTF-8',
    HOME: '/attempt/home',
    TMPDIR: '/attempt/temp',
    TERM: 'dumb',
    CI: '1',
    GIT_TERMINAL_PROMPT: '0',
    CLAUDE_CONFIG_DIR: '/attempt/agent/.claude',
    ANTHROPIC_API_KEY: 'machine-key',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    CLAUDE_CODE_DISABLE_ATTACHMENTS: '1',
    CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: '1',
    CLAUDE_CODE_DISABLE_CLAUDE_MDS: '1',
    CLAUDE_CODE_DISABLE_AUTO_MEMORY: '1',
    CLAUDE_CODE_DISABLE_CRON: '1',
    DISABLE_AUTOUPDATER: '1',
    CLAUDE_CODE_MAX_RETRIES: '4',
    API_TIMEOUT_MS: '600000',
    BASH_DEFAULT_TIMEOUT_MS: '120000',
    BASH_MAX_TIMEOUT_MS: '480000',
  });
});

test('the configuration may be patient, but not unsafe', () => {
  const env = environment({
    env: {
      CLAUDE_CODE_MAX_RETRIES: '9',
      MY_SETTING: 'yes',
      HOME: '/home/runner',
      CLAUDE_CONFIG_DIR: '/home/runner/.claude',
      CLAUDE_CODE_DISABLE_ATTACHMENTS: '0',
    },
  });

  expect(env).toMatchObject({
    CLAUDE_CODE_MAX_RETRIES: '9',
    MY_SETTING: 'yes',
    HOME: '/attempt/home',
    CLAUDE_CONFIG_DIR: '/attempt/agent/.claude',
    CLAUDE_CODE_DISABLE_ATTACHMENTS: '1',
  });
});

test("the machine's key never goes to a server that the agent's configuration names", () => {
  const env = environment({
    env: { ANTHROPIC_BASE_URL: 'http://gateway', ANTHROPIC_AUTH_TOKEN: 'for-the-gateway' },
  });

  expect(env).toMatchObject({
    ANTHROPIC_BASE_URL: 'http://gateway',
    ANTHROPIC_AUTH_TOKEN: 'for-the-gateway',
  });
  expect(env).not.toHaveProperty('ANTHROPIC_API_KEY');
});

test.each([
  ['nothing at all', {}, {}, null, true],
  ['an empty variable', { ANTHROPIC_API_KEY: '' }, {}, null, true],
  ["the machine's key", {}, { ANTHROPIC_API_KEY: 'k' }, null, false],
  ['a setup token', {}, { CLAUDE_CODE_OAUTH_TOKEN: 't' }, null, false],
  ['a key in the configuration', { ANTHROPIC_API_KEY: 'k' }, {}, null, false],
  ['a login', {}, {}, 'login-token', false],
  ['a login, but another server', { ANTHROPIC_BASE_URL: 'http://gateway' }, {}, 'login-token', true],
  ['a cloud that pays', { CLAUDE_CODE_USE_BEDROCK: '1' }, {}, null, false],
])('with %s', (_what, env, machineEnv, loginToken, missing) => {
  expect(claudeAccount({ env, machineEnv, loginToken }).missing).toBe(missing);
});

test('a login is used only when there is no key', () => {
  expect(claudeAccount({ env: {}, machineEnv: {}, loginToken: 'login' }).env).toEqual({
    CLAUDE_CODE_OAUTH_TOKEN: 'login',
  });
  expect(claudeAccount({ env: {}, machineEnv: { ANTHROPIC_API_KEY: 'k' }, loginToken: 'login' }).env).toEqual(
    {
      ANTHROPIC_API_KEY: 'k',
    },
  );
});
