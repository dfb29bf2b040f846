import { z } from 'zod';
import { NO_INSTALLATION, RepositoryPayload, toActor, toTarget } from './payload.ts';
import { translatorOf } from './translator-of.ts';
import { type Translator, means, meansNothing } from './translation.ts';

const LabelPayload = RepositoryPayload.extend({ label: z.object({ id: z.int(), name: z.string() }) });

const EditedPayload = LabelPayload.extend({
  changes: z.object({ name: z.object({ from: z.string() }).optional() }).optional(),
});

/** `label.edited`: another colour or description is nothing to us. */
export const translateLabelRenamed: Translator = translatorOf(EditedPayload, (payload, guid) => {
  const target = toTarget(payload);
  if (target === null) return meansNothing(NO_INSTALLATION);
  const from = payload.changes?.name?.from;
  if (from === undefined) return meansNothing('the label kept its name');
  // Nothing but a webhook tells of it, so the delivery's GUID is key enough.
  return means({ kind: 'label_renamed', key: `label_renamed:${guid}`, target, from, to: payload.label.name });
});

/** `label.deleted`. */
export const translateLabelDeleted: Translator = translatorOf(LabelPayload, (payload) => {
  const target = toTarget(payload);
  if (target === null) return meansNothing(NO_INSTALLATION);
  return means({
    kind: 'label_deleted',
    key: `label_deleted:${payload.repository.id}:${payload.label.id}`,
    target,
    label: payload.label.name,
    sender: toActor(payload),
  });
});
