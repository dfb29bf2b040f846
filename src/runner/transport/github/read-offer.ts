import { z } from 'zod';
import { MAX_MAIL_BYTES, OFFER_KIND, OfferMail, toMailContext } from '../../../contract/check-run-mail.ts';
import { type MessageKey, readSignedBlock } from '../../../lib/signed-message.ts';

export const CheckRun = z.object({
  id: z.int(),
  name: z.string(),
  status: z.string(),
  external_id: z.string().nullable(),
  app: z.object({ id: z.int() }).nullable(),
  output: z.object({ text: z.string().nullable() }),
});
export type CheckRun = z.infer<typeof CheckRun>;

/** The offer that stands in a queued check run. */
export function readOfferIn(
  run: CheckRun,
  place: { repositoryId: number; key: MessageKey },
): { ok: true; offer: OfferMail } | { ok: false; why: string } {
  if (run.status !== 'queued') return { ok: false, why: 'absent' };
  const context = toMailContext({ repositoryId: place.repositoryId, checkRunId: run.id });
  const expected = { kind: OFFER_KIND, context, maxBytes: MAX_MAIL_BYTES };
  const block = readSignedBlock(run.output.text ?? '', expected, place.key);
  if (!block.ok) return block;
  const offer = OfferMail.safeParse(block.value);
  return offer.success ? { ok: true, offer: offer.data } : { ok: false, why: 'of another version' };
}
