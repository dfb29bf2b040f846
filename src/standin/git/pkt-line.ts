/** git's framing: four hex digits of length, then the content; `0000` ends a section. */

/** One frame. */
export function encodePacket(content: Buffer | string): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, '0')), bytes]);
}

export const flushPacket = Buffer.from('0000');

/** The frames up to the first flush or the end of the data, and where they end. Throws on broken framing. */
export function decodePackets(data: Buffer): { packets: Buffer[]; end: number } {
  const packets: Buffer[] = [];
  let at = 0;
  while (at + 4 <= data.length) {
    const length = Number.parseInt(data.toString('latin1', at, at + 4), 16);
    if (length === 0) return { packets, end: at + 4 };
    if (!(length >= 4) || at + length > data.length) throw new Error('Broken pkt-line');
    packets.push(data.subarray(at + 4, at + length));
    at += length;
  }
  return { packets, end: at };
}
