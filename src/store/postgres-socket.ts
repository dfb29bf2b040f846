import { Socket } from 'node:net';

/**
 * What a connection to PostgreSQL goes over, given up when nothing comes or goes for `silentMs` (`setTimeout` changes that, 0 is for ever).
 *
 * A server that vanishes without a word (its host lost power, a cable was pulled) leaves connections that look alive. Keep-alive is no help
 * once something was sent: the system repeats that for a quarter of an hour before it gives up, while a new server stands there.
 */
export function openPostgresSocket(silentMs: number): Socket {
  const socket = new Socket();
  socket.setTimeout(silentMs);
  socket.on('timeout', () => {
    const seconds = (socket.timeout ?? silentMs) / 1000;
    socket.destroy(new Error(`PostgreSQL has been silent for ${seconds} s; its connection is given up`));
  });
  return socket;
}
