import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** Node.js has no datagrams over UNIX sockets; Python has. Prints each message as a line of JSON. */
const RECEIVER = `
import json, socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
print('"bound"', flush=True)
while True:
    print(json.dumps(receiver.recv(65536).decode()), flush=True)
`;

/** What systemd would be told over the socket in NOTIFY_SOCKET, line by line, as it comes. */
export async function startNotifySocket(path: string) {
  const receiver: ChildProcess = spawn('python3', ['-c', RECEIVER, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const told: string[] = [];
  let rest = '';
  receiver.stdout?.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) told.push(...(JSON.parse(line) as string).split('\n'));
  });
  if (receiver.stdout !== null) await once(receiver.stdout, 'data');
  return {
    told,
    [Symbol.asyncDispose]: async (): Promise<void> => {
      const ended = once(receiver, 'exit');
      receiver.kill();
      await ended;
    },
  };
}
