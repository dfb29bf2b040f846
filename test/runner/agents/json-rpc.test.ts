import type { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { createRpcPeer } from '../../../src/runner/agents/json-rpc.ts';

function aPeer() {
  const notices: string[] = [];
  const peer = createRpcPeer({
    onRequest: (method) => (method === 'known' ? { result: { ok: true } } : null),
    onNotice: (method) => void notices.push(method),
  });
  const said = (): unknown[] =>
    String((peer.output.read() as Buffer | null) ?? '')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as unknown);
  const hear = (message: object): void => peer.hear(JSON.stringify({ jsonrpc: '2.0', ...message }));
  return { peer, notices, said, hear };
}

test('an answer counts once, and only for what was asked', () => {
  const { peer, said, hear } = aPeer();
  const answers: unknown[] = [];
  peer.ask('hello', { a: 1 }, (answer) => answers.push(answer));
  peer.ask('again', {}, (answer) => answers.push(answer));

  hear({ id: 7, result: 'stray' });
  hear({ id: 1, result: 'first' });
  hear({ id: 1, result: 'repeated' });
  hear({ id: 2, error: { code: -1, message: 'no' } });

  expect(said()).toEqual([
    { jsonrpc: '2.0', id: 1, method: 'hello', params: { a: 1 } },
    { jsonrpc: '2.0', id: 2, method: 'again', params: {} },
  ]);
  expect(answers).toEqual([{ result: 'first' }, { error: { code: -1, message: 'no' } }]);
});

test('every request is answered, also one of an unknown method and one that was cut for its length', () => {
  const { peer, notices, said, hear } = aPeer();

  hear({ id: 'a', method: 'known', params: {} });
  hear({ id: 1, method: 'fs/read_text_file', params: { path: '/etc/passwd' } });
  peer.hear(
    `{"jsonrpc":"2.0","id":2,"method":"session/request_permission","params":{"x":"${'y'.repeat(500)}`,
  );
  hear({ method: 'session/update' });
  for (const junk of ['', 'text', '[]', '{}', '{"id":null}', '{"jsonrpc":"2.0","id":3}']) peer.hear(junk);

  expect(said()).toEqual([
    { jsonrpc: '2.0', id: 'a', result: { ok: true } },
    { jsonrpc: '2.0', id: 1, error: { code: -32601, message: 'Method not found' } },
    { jsonrpc: '2.0', id: 2, error: { code: -32600, message: 'Too long' } },
  ]);
  expect(notices).toEqual(['session/update']);
});

test('who asks for ever and never listens fills no memory', () => {
  const { peer, hear } = aPeer();

  for (let id = 0; id < 60_000; id += 1) hear({ id, method: 'unknown' });

  const { readableLength, writableLength } = peer.output as PassThrough;
  expect(readableLength + writableLength).toBeLessThan(1.5 * 1024 ** 2);
  peer.end();
  hear({ id: 1, method: 'known' });
});
