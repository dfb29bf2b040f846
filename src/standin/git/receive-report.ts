import { decodePackets, encodePacket, flushPacket } from './pkt-line.ts';

/** A line on stderr with which the `update` hook tells why it refused a ref; it never reaches the client. */
export const refusalMark = 'standin-refused ';

const dataBand = 1;
const messageBand = 2;

/**
 * Puts GitHub's reasons into git's report about a push: git itself can only say "hook declined". Answers
 * without side bands come back as they are.
 */
export function withRefusalReasons(answer: Buffer): Buffer {
  let frames;
  try {
    frames = decodePackets(answer);
  } catch {
    // Not a report in side bands: there is nothing of ours in it.
    return answer;
  }
  const messages = bandText(frames.packets, messageBand);
  const reasons = new Map<string, string>();
  for (const line of messages.split('\n')) {
    if (!line.startsWith(refusalMark)) continue;
    const [ref = '', ...words] = line.slice(refusalMark.length).split(' ');
    reasons.set(ref, words.join(' '));
  }
  if (reasons.size === 0) return answer;

  const shown = messages
    .split('\n')
    .filter((line) => !line.startsWith(refusalMark) && !line.startsWith('error: hook declined to update'))
    .join('\n');
  const report = decodePackets(Buffer.from(bandText(frames.packets, dataBand), 'latin1')).packets.map(
    (packet) => encodePacket(withReason(packet.toString('utf8'), reasons)),
  );
  return Buffer.concat([
    ...(shown === '' ? [] : [encodePacket(Buffer.concat([Buffer.from([messageBand]), Buffer.from(shown)]))]),
    encodePacket(Buffer.concat([Buffer.from([dataBand]), ...report, flushPacket])),
    flushPacket,
  ]);
}

function bandText(packets: Buffer[], band: number): string {
  return Buffer.concat(
    packets.filter((packet) => packet[0] === band).map((packet) => packet.subarray(1)),
  ).toString('latin1');
}

function withReason(line: string, reasons: Map<string, string>): string {
  const [word, ref = ''] = line.trimEnd().split(' ');
  const reason = reasons.get(ref);
  return word === 'ng' && reason !== undefined ? `ng ${ref} ${reason}\n` : line;
}
