import { MODEL_APIS, type ModelApiName } from '../sandbox/model-apis.ts';
import type { ModelUpstream } from '../sandbox/model-gateway.ts';
import type { MachineEnv } from './agent-environment.ts';

/** Who pays for an agent, and where its model is. */
export type ModelAccount = {
  /** `null`: nobody, there is no key. */
  upstream: ModelUpstream | null;
  /** The real key, to be masked; '' = none. */
  key: string;
};

/**
 * The account of an agent. If its own `env` names a key, or another place to send it to, the runner's variables are left out altogether,
 * so that no key reaches a server that it was not meant for.
 */
export function readModelAccount(options: {
  api: ModelApiName;
  variables: { keys: readonly string[]; address: string };
  env: Readonly<Record<string, string>>;
  machineEnv: MachineEnv;
}): ModelAccount {
  const { api, variables, env, machineEnv } = options;
  const isOwn = [...variables.keys, variables.address].some((name) => (env[name] ?? '') !== '');
  const source: MachineEnv = isOwn ? env : machineEnv;
  const key = variables.keys.map((name) => source[name] ?? '').find((value) => value !== '') ?? '';
  if (key === '') return { upstream: null, key };
  const address = source[variables.address] ?? '';
  return {
    key,
    upstream: {
      api,
      baseUrl: address === '' ? MODEL_APIS[api].baseUrl : address,
      socketPath: null,
      credential: MODEL_APIS[api].toCredential(key),
    },
  };
}
