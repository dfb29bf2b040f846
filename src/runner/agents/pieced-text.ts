/** Of one text; what comes after is left out. */
const MAX_CHARACTERS = 20_000;

/** A text that an agent says in pieces. */
export type PiecedText = {
  add(piece: string): void;
  /** What was said since, and begins anew; '' = nothing. */
  take(): string;
};

export function createPiecedText(): PiecedText {
  let text = '';
  return {
    add: (piece) => {
      if (text.length < MAX_CHARACTERS) text += piece.slice(0, MAX_CHARACTERS);
    },
    take: () => {
      const said = text.trim();
      text = '';
      return said;
    },
  };
}
