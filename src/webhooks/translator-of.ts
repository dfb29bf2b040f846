import type { z } from 'zod';
import { type Translation, type Translator, meansNothing } from './translation.ts';

/** A translator of payloads of this shape. A payload of another one means nothing, and the reason names what is amiss. */
export function translatorOf<Schema extends z.ZodType>(
  schema: Schema,
  translate: (payload: z.output<Schema>, guid: string) => Translation,
): Translator {
  return ({ guid, payload }) => {
    const parsed = schema.safeParse(payload);
    if (parsed.success) return translate(parsed.data, guid);
    const [issue] = parsed.error.issues;
    return meansNothing(
      `the payload's ${issue?.path.join('.') ?? ''} is not as expected: ${issue?.message ?? ''}`,
    );
  };
}
