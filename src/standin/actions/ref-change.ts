/** A ref that moved; the zero id stands for none. */
export type RefChange = { ref: string; before: string; after: string };
