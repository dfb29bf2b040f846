import { expect, test } from 'vitest';
import { agentEnvironment, certificatePaths } from '../../../src/runner/agents/agent-environment.ts';

const FOLDERS = { homeFolder: '/attempt/home', tempFolder: '/attempt/temp' };

test('whom the machine trusts is passed on, and none of its secrets', () => {
  const machineEnv = { CARGO_HTTP_CAINFO: '/etc/ours.pem', NPM_TOKEN: 'secret', HOME: '/root' };

  expect(agentEnvironment(machineEnv, FOLDERS)).toEqual({
    CARGO_HTTP_CAINFO: '/etc/ours.pem',
    HOME: '/attempt/home',
    TMPDIR: '/attempt/temp',
    TERM: 'dumb',
    CI: '1',
    GIT_TERMINAL_PROMPT: '0',
  });
});

test('files and folders of certificates are those that are named in full', () => {
  const env = {
    SSL_CERT_FILE: '/etc/ours/../ours.pem',
    SSL_CERT_DIR: '/etc/ssl/certs:/srv/certs',
    // So people turn it off.
    CURL_CA_BUNDLE: '',
    PIP_CERT: 'certs.pem',
    OTHER_CERT: '/etc/other.pem',
  };

  expect(certificatePaths(env)).toEqual(['/etc/ours.pem', '/etc/ssl/certs', '/srv/certs']);
});
