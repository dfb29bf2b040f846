import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CommandResult } from '../../../src/lib/run-command.ts';
import { agentEnvironment } from '../../../src/runner/agents/agent-environment.ts';
import { REGISTRY_HOSTS } from '../../../src/runner/sandbox/registry-hosts.ts';
import { openRegistryProxy, type RegistryProxy } from '../../../src/runner/sandbox/registry-proxy.ts';
import {
  NPM_HOST,
  type PackageRegistry,
  startPackageRegistry,
  whyNoRegistry,
} from '../../support/package-registry.ts';
import { makeSandboxedMachine, type SandboxedMachine, whyNoSandbox } from '../../support/sandboxed.ts';

/** Not of a home folder, which a sandbox doesn't show. */
const SYSTEM_PATH = '/usr/bin:/bin';
const hasPip = await promisify(execFile)('python3', ['-m', 'pip', '--version'], {
  env: { PATH: SYSTEM_PATH },
}).then(
  () => true,
  () => false,
);
const whyNot = (await whyNoSandbox()) ?? (await whyNoRegistry());
if (whyNot !== null) process.stderr.write(`\n*** SKIPPED: package managers in the sandbox: ${whyNot}\n\n`);

describe.skipIf(whyNot !== null)('a package manager in the sandbox', () => {
  let registry: PackageRegistry;
  let machine: SandboxedMachine;
  let proxy: RegistryProxy;
  beforeAll(async () => {
    registry = await startPackageRegistry();
  });
  afterAll(() => registry[Symbol.asyncDispose]());
  beforeEach(async () => {
    registry.requests.length = 0;
    machine = await makeSandboxedMachine();
    proxy = await openRegistryProxy({
      hosts: REGISTRY_HOSTS,
      machineEnv: {},
      onRefused: () => undefined,
      connect: registry.connect,
    });
  });
  afterEach(async () => {
    await proxy.close();
    await machine[Symbol.asyncDispose]();
  });

  /** As set-up is run on a machine whose network has a certificate authority of its own. */
  async function setUp(command: string[], more: Record<string, string> = {}): Promise<CommandResult> {
    const { needs } = machine;
    const machineEnv = {
      PATH: process.env['PATH'],
      NODE_EXTRA_CA_CERTS: registry.certificate,
      SSL_CERT_FILE: registry.certificate,
      REQUESTS_CA_BUNDLE: registry.certificate,
    };
    const folders = { homeFolder: needs.home, tempFolder: needs.temp };
    return await machine.run(command, {
      // Its own question about what is known of packages is no package.
      env: { ...agentEnvironment(machineEnv, folders), npm_config_audit: 'false', ...more },
      network: { proxySocket: proxy.socket },
      timeoutMs: 100_000,
    });
  }

  const put = (name: string, content: string): Promise<void> =>
    writeFile(path.join(machine.needs.workspace, name), content);

  async function putNpmProject(resolved: string): Promise<void> {
    const manifest = { name: 'shop', version: '1.0.0', dependencies: { postage: '1.0.0' } };
    const packages = { '': manifest, 'node_modules/postage': { ...registry.lock, resolved } };
    await put('package.json', JSON.stringify(manifest));
    await put('package-lock.json', JSON.stringify({ ...manifest, lockfileVersion: 3, packages }));
  }

  test('npm ci gets its packages by the proxy', async () => {
    await putNpmProject(registry.lock.resolved);

    const installed = await setUp(['npm', 'ci']);

    expect(installed.exitCode, `it said: ${installed.outputTail}`).toBe(0);
    expect(registry.requests).toEqual([`${NPM_HOST}/postage/-/postage-1.0.0.tgz`]);
    const file = path.join(machine.needs.workspace, 'node_modules/postage/postage.js');
    expect(await readFile(file, 'utf8')).toContain('5 * count');
  });

  test('npm ci gets nothing from elsewhere, whatever the lock file says', async () => {
    await putNpmProject('https://evil.example.com/postage-1.0.0.tgz');

    const { exitCode } = await setUp(['npm', 'ci'], { npm_config_fetch_retries: '0' });

    expect(exitCode).not.toBe(0);
    expect(proxy.refused()).toEqual(['evil.example.com:443']);
    expect(registry.requests).toEqual([]);
  });

  test.skipIf(!hasPip)('pip install gets its packages by the proxy', async () => {
    await put('requirements.txt', 'postage==1.0.0\n');
    await put('use.py', 'from postage import postage\nprint(postage(3))\n');
    const user = { PIP_USER: '1', PIP_BREAK_SYSTEM_PACKAGES: '1', PATH: SYSTEM_PATH };

    const installed = await setUp(['python3', '-m', 'pip', 'install', '-r', 'requirements.txt'], user);
    const used = await setUp(['python3', 'use.py'], user);

    expect(installed.exitCode, `it said: ${installed.outputTail}`).toBe(0);
    expect(registry.requests).toEqual([
      'pypi.org/simple/postage/',
      'files.pythonhosted.org/packages/postage-1.0.0-py3-none-any.whl',
    ]);
    expect(used).toMatchObject({ exitCode: 0, stdout: '15\n' });
  });
});
