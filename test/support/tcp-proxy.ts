import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A stretch of network between two programs on loopback, that can be broken in the ways in which networks break. */
export type TcpProxy = {
  url: string;
  port: number;
  /** Where new connections lead; nowhere (refused) before it is called, and with `null`. */
  lead(target: { port: number } | null): void;
  /** Ends all connections, and refuses new ones. */
  cut(): void;
  /** Nothing passes any more in either direction, while connections stay open and new ones are taken: as a pulled cable looks. */
  halfOpen(): void;
  /** What is sent towards the target arrives; no answer comes back. */
  swallowAnswers(): void;
  /** Each piece of data arrives so much later. */
  delay(ms: number): void;
  /** Ends the connections that there are; new ones are as before. */
  dropConnections(): void;
  /** All is well again; connections that lost something on the way are ended. */
  mend(): void;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

type Weather = { kind: 'fair' } | { kind: 'cut' } | { kind: 'half-open' } | { kind: 'one-way' };

export async function createTcpProxy(): Promise<TcpProxy> {
  const open = new Set<Socket>();
  let target: { port: number } | null = null;
  let weather: Weather = { kind: 'fair' };
  let delayMs = 0;

  const server = createServer({ allowHalfOpen: true }, (near) => {
    if (weather.kind === 'cut' || target === null) {
      near.on('error', () => undefined);
      near.resetAndDestroy();
      return;
    }
    const far = connect({ port: target.port, host: '127.0.0.1', allowHalfOpen: true });
    for (const socket of [near, far]) {
      open.add(socket);
      socket.setNoDelay(true);
      socket.once('close', () => {
        open.delete(socket);
        near.destroy();
        far.destroy();
      });
      // Whoever sent hears of it by the end of his own connection.
      socket.on('error', () => undefined);
    }
    pipe(near, far, () => weather.kind === 'fair' || weather.kind === 'one-way');
    pipe(far, near, () => weather.kind === 'fair');
  });

  function pipe(from: Socket, to: Socket, mayPass: () => boolean): void {
    function pass(send: () => void): void {
      if (!mayPass()) return;
      if (delayMs === 0) send();
      else setTimeout(send, delayMs);
    }
    from.on('data', (chunk) => pass(() => void to.write(chunk)));
    from.on('end', () => pass(() => void to.end()));
  }

  function dropConnections(): void {
    for (const socket of open) socket.resetAndDestroy();
  }

  async function close(): Promise<void> {
    dropConnections();
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    await closed;
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    lead: (next) => {
      target = next;
    },
    cut: () => {
      weather = { kind: 'cut' };
      dropConnections();
    },
    halfOpen: () => {
      weather = { kind: 'half-open' };
    },
    swallowAnswers: () => {
      weather = { kind: 'one-way' };
    },
    delay: (ms) => {
      delayMs = ms;
    },
    dropConnections,
    mend: () => {
      if (weather.kind !== 'fair') dropConnections();
      weather = { kind: 'fair' };
      delayMs = 0;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
