import path from 'node:path';
import type { MachineEnv } from './agents/agent-environment.ts';
import type { RunnerConfig } from './config.ts';

/** Variables that are secret by their name; masking the values of all would tear holes in harmless text. */
const SECRET_NAME = /(^|_)(KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASS|CREDENTIALS?|AUTH)(_|$)|APIKEY/i;

/** Everything that this runner knows and that must not get into logs, evidence or summaries. */
export function findSecrets(config: RunnerConfig, machineEnv: MachineEnv): string[] {
  const environments = [machineEnv, ...Object.values(config.agents).map(({ env }) => env)];
  const values = environments
    .flatMap((env) => Object.entries(env))
    .filter(([name]) => SECRET_NAME.test(name))
    .map(([, value]) => value ?? '');
  return [config.github.token ?? '', ...values].filter((value) => value !== '');
}

/** Files and folders of the runner that no command may see, wherever they lie. */
export function findSecretPaths(config: RunnerConfig, configFile: string | undefined): string[] {
  const { keyFile, github, githubApp, claudeCode, logging } = config;
  const paths = [
    configFile,
    keyFile,
    github.sshKey,
    githubApp?.privateKeyPath,
    claudeCode.configPath,
    logging.file,
  ];
  return paths.filter((file) => file != null).map((file) => path.resolve(file));
}
